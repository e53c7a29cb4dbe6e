/* SPDX-License-Identifier: Apache-2.0 */
/* A table of what instances use. Shares of time are those between two looks, so that the first one comes twice. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "base/parse.h"
#include "cli/format.h"
#include "cli/human.h"
#include "cli/instance_sample.h"
#include "cli/text_line.h"
#include "sys/fd.h"

enum { FIRST_MS = 250, INTERVAL_MS = 1000, SHORT_ID_LENGTH = 12 };

static const struct format_field fields[] = {
        { "Container", "CONTAINER" },
        { "ID", "CONTAINER ID" },
        { "Name", "NAME" },
        { "CPUPerc", "CPU %" },
        { "MemUsage", "MEM USAGE / LIMIT" },
        { "MemPerc", "MEM %" },
        { "HostMem", "HOST MEM" },
        { "NetIO", "NET I/O" },
        { "BlockIO", "BLOCK I/O" },
        { "PIDs", "PIDS" },
        { "PressureCPU", "WAIT CPU" },
        { "PressureMem", "MEM" },
        { "PressureIO", "I/O" },
        {},
};

static const char usual[] = "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t"
                            "{{.PIDs}}\t{{.PressureCPU}}\t{{.PressureMem}}\t{{.PressureIO}}";

/* Where a machine is among them. */
static const char with_machines[] = "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.HostMem}}\t"
                                    "{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}\t{{.PressureCPU}}\t{{.PressureMem}}\t"
                                    "{{.PressureIO}}";

struct view {
        const struct args *args;
        bool in_place; /* on a terminal, the table is drawn again where it was */
        bool whole_ids;
        uint64_t host_memory;
};

/* "--" for what nobody counts. */
static void write_percent(struct json_writer *w, const char *key, bool known, double part)
{
        char text[32] = "--";

        if (known)
                snprintf(text, sizeof text, "%.2f%%", part * 100);
        json_write_string(w, key, text);
}

static void write_pair(struct json_writer *w, const char *key, uint64_t first, uint64_t second)
{
        char text[2 * HUMAN_SIZE_MAX + 4] = "--", a[HUMAN_SIZE_MAX], b[HUMAN_SIZE_MAX];

        if (first != UINT64_MAX && second != UINT64_MAX) {
                human_size(first, 3, a);
                human_size(second, 3, b);
                snprintf(text, sizeof text, "%s / %s", a, b);
        }
        json_write_string(w, key, text);
}

static void write_memory(struct json_writer *w, const struct instance_stats *s, uint64_t host_memory)
{
        char text[2 * HUMAN_SIZE_MAX + 4] = "--", a[HUMAN_SIZE_MAX], b[HUMAN_SIZE_MAX];
        uint64_t limit = s->memory_limit < host_memory ? s->memory_limit : host_memory;
        bool known = s->memory != UINT64_MAX;

        if (known) {
                human_binary_size(s->memory, a);
                human_binary_size(limit, b);
                snprintf(text, sizeof text, "%s / %s", a, b);
        }
        json_write_string(w, "MemUsage", text);
        write_percent(w, "MemPerc", known && limit, known && limit ? (double)s->memory / (double)limit : 0);
}

static void write_host_memory(struct json_writer *w, uint64_t bytes)
{
        char text[HUMAN_SIZE_MAX] = "--";

        if (bytes != UINT64_MAX)
                human_binary_size(bytes, text);
        json_write_string(w, "HostMem", text);
}

static void write_pids(struct json_writer *w, uint64_t pids)
{
        char text[24] = "--";

        if (pids != UINT64_MAX)
                snprintf(text, sizeof text, "%" PRIu64, pids);
        json_write_string(w, "PIDs", text);
}

/* The share of the time between two looks; counters that fell are those of another start. */
static void write_share(struct json_writer *w, const char *key, uint64_t before, uint64_t now, double ns, double unit)
{
        bool known = before != UINT64_MAX && now != UINT64_MAX;

        write_percent(w, key, known, known && now > before && ns > 0 ? (double)(now - before) * unit / ns : 0);
}

static int add_row(struct format *f, const struct view *v, const struct instance_sample *before,
                   const struct instance_sample *now, struct error *err)
{
        own_buf struct buf row = {}, id = {};
        struct json_writer w = { .out = &row };
        const struct instance_stats *s = &now->stats, *b = before ? &before->stats : s;
        double ns = before ? (double)(now->time - before->time) : 0;

        buf_addf(&id, "%.*s", v->whole_ids ? INSTANCE_ID_LEN : SHORT_ID_LENGTH, now->id);
        json_begin_object(&w, NULL);
        write_pair(&w, "BlockIO", s->block_read, s->block_write);
        write_share(&w, "CPUPerc", b->cpu_ns, s->cpu_ns, ns, 1);
        json_write_string(&w, "Container", now->asked ? now->asked : buf_str(&id));
        write_host_memory(&w, s->host_memory);
        json_write_string(&w, "ID", buf_str(&id));
        write_memory(&w, s, v->host_memory);
        json_write_string(&w, "Name", now->name);
        write_pair(&w, "NetIO", s->net_in, s->net_out);
        write_pids(&w, s->pids);
        write_share(&w, "PressureCPU", b->psi_cpu_us, s->psi_cpu_us, ns, 1000);
        write_share(&w, "PressureIO", b->psi_io_us, s->psi_io_us, ns, 1000);
        write_share(&w, "PressureMem", b->psi_memory_us, s->psi_memory_us, ns, 1000);
        json_end_object(&w);
        return format_add(f, &row, err);
}

/* Behind each line and the last one, what stood there before is wiped away. */
static int draw(const struct view *v, struct buf *table)
{
        own_buf struct buf clean = {}, out = {};
        const char *line;
        size_t len;

        text_add_lines(&clean, buf_str(table));
        buf_add_str(&out, "\033[H");
        for (line = buf_str(&clean); *line; line += len + (line[len] == '\n')) {
                len = strcspn(line, "\n");
                buf_add(&out, line, len);
                buf_add_str(&out, "\033[K\n");
        }
        buf_add_str(&out, "\033[J");
        return buf_failed(&out) || buf_failed(&clean) ? -ENOMEM : fd_write_all(STDOUT_FILENO, buf_str(&out), out.len);
}

static bool has_machine(const struct instance_samples *s)
{
        for (size_t i = 0; i < s->n; i++)
                if (s->items[i].is_machine)
                        return true;
        return false;
}

static int show(const struct view *v, const struct instance_samples *before, const struct instance_samples *now,
                struct error *err)
{
        own_format struct format f = {};
        own_buf struct buf out = {};
        int r = format_open(&f, args_str(v->args, OPTION_FORMAT), has_machine(now) ? with_machines : usual, fields,
                            false, err);

        for (size_t i = 0; r == 0 && i < now->n; i++)
                r = add_row(&f, v, instance_samples_find(before, now->items[i].id), &now->items[i], err);
        if (r == 0)
                r = format_write(&f, &out, err);
        if (r < 0)
                return r;
        if (!v->in_place)
                return output_write(&out, err);
        r = draw(v, &out);
        return r < 0 ? error_errno(err, -r, "standard output") : 0;
}

/* 1: go on; 0: nobody reads it any more. */
static int wait_for_next(int ms)
{
        struct pollfd out = { .fd = STDOUT_FILENO };

        return poll(&out, 1, ms) > 0 && out.revents & (POLLERR | POLLNVAL) ? 0 : 1;
}

static int read_interval(const struct args *args, int *ret_ms, struct error *err)
{
        uint32_t seconds = INTERVAL_MS / 1000;
        int r = args_u32(args, OPTION_INTERVAL, &seconds, err);

        if (r >= 0 && (seconds < 1 || seconds > 86400))
                r = error_set(err, EMISUSED, "option --interval: from 1 to 86400 seconds");
        *ret_ms = (int)seconds * 1000;
        return r < 0 ? r : 0;
}

static int look_again_and_again(const struct view *v, struct instance_sampler *s, int interval, struct error *err)
{
        bool once = args_flag(v->args, OPTION_NO_STREAM);
        own_instance_samples struct instance_samples before = {}, now = {};
        int r = instance_sample(s, &before, err);

        for (int ms = FIRST_MS; r == 0 && wait_for_next(ms); ms = interval) {
                r = instance_sample(s, &now, err);
                if (r == 0)
                        r = show(v, &before, &now, err);
                if (once)
                        break;
                instance_samples_finish(&before);
                before = now;
                now = (struct instance_samples){};
        }
        return r;
}

int cmd_stats(struct invocation *inv, struct error *err)
{
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        struct view v = { .args = &inv->args,
                          .whole_ids = args_flag(&inv->args, OPTION_NO_TRUNC),
                          .host_memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) };
        struct instance_sampler s = { .names = (const char *const *)inv->args.operands,
                                      .n_names = inv->args.n_operands,
                                      .all = args_flag(&inv->args, OPTION_ALL) };
        own_engine struct engine e = {};
        int interval, r = read_interval(&inv->args, &interval, err);

        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r < 0)
                return r;
        s.engine = &e;
        v.in_place = isatty(STDOUT_FILENO) && !args_flag(&inv->args, OPTION_NO_STREAM) &&
                     (!format || strncmp(format, "table", 5) == 0);
        if (v.in_place && fd_write_all(STDOUT_FILENO, "\033[2J", 4) < 0)
                return error_errno(err, errno, "standard output");
        return look_again_and_again(&v, &s, interval, err);
}
