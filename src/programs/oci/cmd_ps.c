/* SPDX-License-Identifier: Apache-2.0 */
/* ps: the lines of ps(1) whose process is in the container's cgroup. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/process_table.h"
#include "cli/run_ps.h"
#include "programs/oci/invocation.h"

/* With the options of the command line, or -ef. */
static int list_processes(const struct args *a, struct buf *ret, struct error *err)
{
        char *everything[] = { (char *)"ps", (char *)"-ef", NULL };

        if (a->n_operands <= 1)
                return run_ps(everything, ret, err);
        a->operands[0] = (char *)"ps"; /* the id makes room for the program's name */
        return run_ps(a->operands, ret, err);
}

static void write_json(const pid_t *pids, size_t n, struct buf *out)
{
        struct json_writer w = { .out = out };

        json_begin_array(&w, NULL);
        for (size_t i = 0; i < n; i++)
                json_write_i64(&w, NULL, pids[i]);
        json_end_array(&w);
        buf_add(out, "\n", 1);
}

int cmd_ps(struct invocation *inv, struct error *err)
{
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        bool json = format && strcmp(format, "json") == 0;
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        own_buf struct buf listing = {}, out = {};
        own_mem pid_t *pids = NULL;
        size_t n_pids;
        int r;

        if (format && !json && strcmp(format, "table") != 0)
                return error_set(err, EINVAL, "option --format: invalid value \"%s\"", format);
        r = invocation_container(inv, &c, err);
        if (r < 0)
                return r;
        r = cgroup_pids(&c.cgroup, &pids, &n_pids, err);
        if (r < 0)
                return r;
        if (json) {
                write_json(pids, n_pids, &out);
                return output_write(&out, err);
        }
        r = list_processes(&inv->args, &listing, err);
        if (r < 0)
                return r;
        r = process_table_filter(buf_str(&listing), pids, n_pids, &out);
        if (r < 0)
                return error_set(err, EINVAL, "ps shows no PID column to filter by");
        return output_write(&out, err);
}
