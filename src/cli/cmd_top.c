/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "cli/process_table.h"
#include "cli/run_ps.h"
#include "cli/table.h"
#include "cli/text_line.h"
#include "instance/backend.h"
#include "instance/instance_event.h"
#include "instance/process_row.h"
#include "instance/vm_errand.h"
#include "sys/passwd.h"

enum { N_COLUMNS = 8, MAX_TOLD = 16 << 20 };

static const char *const titles[N_COLUMNS] = { "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD" };

struct pids {
        pid_t *items;
        size_t n;
};

static int compare(const void *a, const void *b)
{
        return *(const pid_t *)a < *(const pid_t *)b ? -1 : *(const pid_t *)a > *(const pid_t *)b;
}

static const char *user_name(uid_t uid, char text[PROCESS_USER_MAX])
{
        struct passwd_entry entry;

        if (passwd_find("/etc/passwd", uid, &entry) && *entry.name)
                snprintf(text, PROCESS_USER_MAX, "%s", entry.name);
        else
                snprintf(text, PROCESS_USER_MAX, "%u", (unsigned)uid);
        return text;
}

/* Its arguments are its own to choose, and so is what they do to a terminal. */
static int add_cells(struct table *t, const char *const *cells)
{
        struct buf text[N_COLUMNS] = {};
        const char *safe[N_COLUMNS];
        int r;

        for (size_t n = 0; n < N_COLUMNS; n++) {
                text_add_line(&text[n], cells[n], 0);
                safe[n] = buf_str(&text[n]);
        }
        r = table_add(t, safe);
        for (size_t n = 0; n < N_COLUMNS; n++)
                buf_finish(&text[n]);
        return r;
}

static int add_row(struct table *t, const struct process_row *r)
{
        char user[PROCESS_USER_MAX], pid[16], ppid[16], percent[16];
        const char *const cells[] = { user_name(r->uid, user), pid, ppid, percent, r->stime, r->tty, r->time,
                                      buf_str(&r->command) };

        snprintf(pid, sizeof pid, "%d", (int)r->pid);
        snprintf(ppid, sizeof ppid, "%d", (int)r->ppid);
        snprintf(percent, sizeof percent, "%u", r->percent);
        return add_cells(t, cells);
}

/* The cells that a guest's agent tells, with a NUL behind each. */
static int add_told(struct table *t, const struct buf *told, struct error *err)
{
        for (size_t at = 0; at < told->len;) {
                const char *cells[N_COLUMNS];

                for (size_t n = 0; n < N_COLUMNS; n++) {
                        cells[n] = vm_errand_word(told, &at);
                        if (!cells[n])
                                return error_set(err, EPROTO, "the guest says nothing sensible");
                }
                if (add_cells(t, cells) < 0)
                        return error_set(err, ENOMEM, "out of memory");
        }
        return 0;
}

static int show_machine(struct engine *e, struct instance *i, struct buf *out, struct error *err)
{
        static const char *const args[] = { "processes", NULL };
        own_table struct table t = { .columns = N_COLUMNS, .min_width = 8, .gap = 3 };
        own_vm_guest struct vm_guest guest = VM_GUEST_NONE;
        own_vm_errand struct vm_errand errand = VM_ERRAND_NONE;
        own_buf struct buf told = {};
        int r = vm_guest_open(e, i, &guest, err);

        if (r == 0)
                r = vm_errand_begin(&guest, &(struct vm_errand_request){ .args = args }, &errand, err);
        if (r == 0)
                r = vm_errand_read_all(&errand, MAX_TOLD, &told, err);
        if (r < 0)
                return r;
        r = table_add(&t, titles) < 0 ? error_set(err, ENOMEM, "out of memory") : add_told(&t, &told, err);
        if (r == 0)
                table_write(&t, out);
        return r;
}

/* `ps -ef`, without a ps. */
static int show_usual(const struct pids *pids, struct buf *out, struct error *err)
{
        own_table struct table t = { .columns = N_COLUMNS, .min_width = 8, .gap = 3 };
        struct process_clock now;
        int r = table_add(&t, titles);

        process_clock_read(&now);
        for (size_t i = 0; r == 0 && i < pids->n; i++) {
                own_process_row struct process_row row = {};

                if (process_row_read("/proc", pids->items[i], &now, &row) == 0)
                        r = add_row(&t, &row);
        }
        if (r < 0)
                return error_set(err, ENOMEM, "out of memory");
        table_write(&t, out);
        return 0;
}

/* podman's names for columns, and ps's for the same. */
static const char *column_of(const char *word)
{
        static const struct {
                const char *podman, *ps;
        } columns[] = {
                { "args", "args" },    { "comm", "comm" },   { "etime", "etime" },   { "group", "group" },
                { "hgroup", "group" }, { "hpid", "pid" },    { "huser", "user" },    { "label", "label" },
                { "nice", "nice" },    { "pcpu", "pcpu" },   { "pgid", "pgid" },     { "pid", "pid" },
                { "pmem", "pmem" },    { "ppid", "ppid" },   { "rgroup", "rgroup" }, { "rss", "rss" },
                { "ruser", "ruser" },  { "state", "state" }, { "stime", "stime" },   { "time", "time" },
                { "tty", "tty" },      { "uid", "uid" },     { "user", "user" },     { "vsz", "vsz" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
                if (strcmp(word, columns[i].podman) == 0)
                        return columns[i].ps;
        return NULL;
}

static bool are_columns(char *const *words)
{
        for (; *words; words++)
                if (!column_of(*words))
                        return false;
        return true;
}

static int show_columns(const struct pids *pids, char *const *words, struct buf *out, struct error *err)
{
        own_buf struct buf columns = {}, list = {};
        char *argv[] = { (char *)"ps", (char *)"-o", NULL, (char *)"-p", NULL, NULL };

        for (; *words; words++)
                buf_addf(&columns, "%s%s", columns.len ? "," : "", column_of(*words));
        for (size_t i = 0; i < pids->n; i++)
                buf_addf(&list, "%s%d", i ? "," : "", (int)pids->items[i]);
        if (buf_failed(&columns) || buf_failed(&list))
                return error_set(err, ENOMEM, "out of memory");
        argv[2] = columns.data;
        argv[4] = list.data;
        return run_ps(argv, out, err);
}

/* The host's ps shows all there are, and the lines of others are left away. */
static int show_listing(const struct pids *pids, char **operands, struct buf *out, struct error *err)
{
        own_buf struct buf listing = {};
        char *name = operands[0];
        int r;

        operands[0] = (char *)"ps";
        r = run_ps(operands, &listing, err);
        operands[0] = name;
        if (r < 0)
                return r;
        r = process_table_filter(buf_str(&listing), pids->items, pids->n, out);
        return r < 0 ? error_set(err, EINVAL, "ps shows no column PID, which tells whose its processes are: add -o pid")
                     : 0;
}

static int show(struct engine *e, struct instance *i, char **operands, struct error *err)
{
        own_buf struct buf out = {};
        struct pids pids = {};
        int r;

        if (i->state.status != INSTANCE_RUNNING && i->state.status != INSTANCE_PAUSED &&
            i->state.status != INSTANCE_STOPPING)
                return error_set(err, ESRCH, "%s is not running; start it with: holt start %s", i->name, i->name);
        if (i->backend->is_machine && operands[1])
                return error_set(err, EOPNOTSUPP,
                                 "%s is a virtual machine, whose processes the host's ps does not know: top without "
                                 "columns and options, or: holt exec %s ps",
                                 i->name, i->name);
        if (i->backend->is_machine) {
                r = show_machine(e, i, &out, err);
                return r < 0 ? r : output_write(&out, err);
        }
        r = i->backend->pids(e->run, i->id, &pids.items, &pids.n, err);
        if (r < 0)
                return r;
        qsort(pids.items, pids.n, sizeof *pids.items, compare);
        if (!operands[1])
                r = show_usual(&pids, &out, err);
        else
                r = are_columns(operands + 1) ? show_columns(&pids, operands + 1, &out, err)
                                              : show_listing(&pids, operands, &out, err);
        free(pids.items);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_top(struct invocation *inv, struct error *err)
{
        own_instance struct instance *i = NULL;
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        if (r < 0 || !i)
                return r;
        instance_tell(&e, i, "top", NULL);
        return show(&e, i, inv->args.operands, err);
}
