/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/format.h"
#include "cli/image_lookup.h"
#include "cli/text_line.h"
#include "instance/doctor/doctor.h"
#include "sys/fd.h"
#include "sys/passwd.h"

static const struct format_field fields[] = {
        { "Group", "GROUP" }, { "Check", "CHECK" }, { "Level", "LEVEL" }, { "Finding", "FINDING" },
        { "Why", "WHY" },     { "Mend", "MEND" },   { "Safe", "SAFE" },   {},
};

static const char *const levels[] = {
        [DOCTOR_OK] = "ok",
        [DOCTOR_WARNING] = "warning",
        [DOCTOR_PROBLEM] = "problem",
};

static int add_row(struct format *f, const struct doctor_finding *d, struct error *err)
{
        own_buf struct buf row = {};
        struct json_writer w = { .out = &row };

        json_begin_object(&w, NULL);
        json_write_string(&w, "Group", d->group);
        json_write_string(&w, "Check", d->check);
        json_write_string(&w, "Level", levels[d->level]);
        json_write_string(&w, "Finding", d->text);
        json_write_string(&w, "Why", d->why ? d->why : "");
        json_write_string(&w, "Mend", d->mend ? d->mend : "");
        json_write_bool(&w, "Safe", d->safe);
        json_end_object(&w);
        return format_add(f, &row, err);
}

static bool is_shown(const struct invocation *inv, const struct doctor_finding *d)
{
        return d->level != DOCTOR_OK || !args_flag(&inv->args, OPTION_QUIET);
}

static int show_rows(const struct invocation *inv, const struct doctor_findings *all, struct buf *out,
                     struct error *err)
{
        own_format struct format f = {};
        int r = format_open(&f, args_str(&inv->args, OPTION_FORMAT),
                            "{{.Group}}\t{{.Check}}\t{{.Level}}\t{{.Finding}}\t{{.Mend}}", fields, false, err);

        for (size_t i = 0; r == 0 && i < all->n; i++)
                if (is_shown(inv, &all->items[i]))
                        r = add_row(&f, &all->items[i], err);
        return r < 0 ? r : format_write(&f, out, err);
}

static const char *color_of(enum doctor_level level)
{
        static const char *const colors[] = { "\033[32m", "\033[33m", "\033[31m" };
        const char *no = getenv("NO_COLOR");

        return isatty(STDOUT_FILENO) && (!no || !*no) ? colors[level] : "";
}

/* The group stands once, before its first line. All of it is harmless to a terminal. */
static void add_finding(struct buf *out, const struct doctor_finding *d, bool first)
{
        const char *color = color_of(d->level);

        if (first)
                buf_addf(out, "%s%s\n", out->len ? "\n" : "", d->group);
        buf_addf(out, "  %s%-8s%s ", color, levels[d->level], *color ? "\033[0m" : "");
        text_add_line(out, d->text, 0);
        buf_add_str(out, "\n");
        if (d->why)
                buf_addf(out, "           %s\n", d->why);
        if (d->mend) {
                buf_add_str(out, "           mend: ");
                text_add_line(out, d->mend, 0);
                buf_add_str(out, "\n");
        }
}

static void show_text(const struct invocation *inv, const struct doctor_findings *all, struct buf *out)
{
        const char *group = "";
        size_t count[ARRAY_SIZE(levels)] = {}, safe = 0;

        for (size_t i = 0; i < all->n; i++) {
                const struct doctor_finding *d = &all->items[i];

                count[d->level]++;
                safe += d->level != DOCTOR_OK && d->mend && d->safe;
                if (!is_shown(inv, d))
                        continue;
                add_finding(out, d, strcmp(group, d->group) != 0);
                group = d->group;
        }
        buf_addf(out, "%s%zu ok, %zu warning%s, %zu problem%s\n", out->len ? "\n" : "", count[DOCTOR_OK],
                 count[DOCTOR_WARNING], count[DOCTOR_WARNING] == 1 ? "" : "s", count[DOCTOR_PROBLEM],
                 count[DOCTOR_PROBLEM] == 1 ? "" : "s");
        if (safe)
                buf_addf(out, "holt doctor --fix mends %zu of them.\n", safe);
}

static void on_fix(void *userdata, const char *command, const char *failure)
{
        own_buf struct buf line = {};

        buf_addf(&line, "%s: %s%s%s\n",
                 userdata  ? "would run"
                 : failure ? "failed"
                           : "done",
                 command, failure ? ": " : "", failure ? failure : "");
        report_text(&line);
}

static bool has_problem(const struct doctor_findings *all)
{
        for (size_t i = 0; i < all->n; i++)
                if (all->items[i].level == DOCTOR_PROBLEM)
                        return true;
        return false;
}

static int pretend(const struct doctor_host *h, const char *const *argv, struct buf *out)
{
        return 0;
}

/* Afterwards, what is left is looked for once more. */
static int fix(const struct invocation *inv, struct doctor_host *h, struct doctor_findings *all, struct error *err)
{
        struct doctor_findings again = {};
        int r;

        if (args_flag(&inv->args, OPTION_DRY_RUN)) {
                h->command = pretend;
                doctor_fix(h, all, on_fix, h);
                return 0;
        }
        if (h->uid)
                return error_set(err, EPERM, "mending the host needs root: sudo holt doctor --fix");
        if (!doctor_fix(h, all, on_fix, NULL))
                return 0;
        r = doctor_check(h, &again, err);
        if (r < 0)
                return r;
        doctor_findings_finish(all);
        *all = again;
        return 0;
}

static void find_user(struct doctor_host *h, struct passwd_entry *entry, char number[16])
{
        h->uid = geteuid();
        snprintf(number, 16, "%u", (unsigned)h->uid);
        h->user = passwd_find("/etc/passwd", h->uid, entry) && *entry->name ? entry->name : number;
}

int cmd_doctor(struct invocation *inv, struct error *err)
{
        struct doctor_host host = { .top = "", .attempt = doctor_attempt, .command = doctor_command };
        own_doctor_findings struct doctor_findings all = {};
        own_mem char *root = NULL, *run = NULL;
        own_buf struct buf out = {};
        struct passwd_entry entry;
        char number[16];
        int r = store_places(inv->root, inv->run, &root, &run, err);

        if (r < 0)
                return r;
        find_user(&host, &entry, number);
        host.root = root;
        host.run = run;
        r = doctor_check(&host, &all, err);
        if (r == 0 && args_flag(&inv->args, OPTION_FIX))
                r = fix(inv, &host, &all, err);
        if (r < 0)
                return r;
        inv->exit_status = has_problem(&all);
        if (args_str(&inv->args, OPTION_FORMAT)) {
                r = show_rows(inv, &all, &out, err);
                return r < 0 ? r : output_write(&out, err);
        }
        show_text(inv, &all, &out);
        /* output_write() would take the colors away. */
        r = buf_failed(&out) ? -ENOMEM : fd_write_all(STDOUT_FILENO, buf_str(&out), out.len);
        return r < 0 ? error_errno(err, -r, "standard output") : 0;
}
