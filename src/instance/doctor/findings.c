/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/grow.h"
#include "instance/doctor/checks.h"

static const char *copy(struct doctor_findings *f, const char *s)
{
        const char *text = s ? arena_strdup(&f->arena, s) : NULL;

        f->failed = f->failed || (s && !text);
        return text;
}

void doctor_add(struct doctor_findings *f, const struct doctor_finding *finding)
{
        if (array_grow(&f->items, &f->cap, f->n + 1, sizeof *f->items) < 0) {
                f->failed = true;
                return;
        }
        f->items[f->n++] = (struct doctor_finding){
                .group = copy(f, finding->group),
                .check = copy(f, finding->check),
                .level = finding->level,
                .text = copy(f, finding->text),
                .why = copy(f, finding->why),
                .mend = copy(f, finding->mend),
                .safe = finding->safe,
        };
}

void doctor_addf(struct doctor_findings *f, struct doctor_finding finding, const char *format, ...)
{
        char text[512];
        va_list values;

        va_start(values, format);
        vsnprintf(text, sizeof text, format, values);
        va_end(values);
        finding.text = text;
        doctor_add(f, &finding);
}

void doctor_findings_finish(struct doctor_findings *f)
{
        free(f->items);
        arena_finish(&f->arena);
        *f = (struct doctor_findings){};
}

int doctor_check(const struct doctor_host *h, struct doctor_findings *ret, struct error *err)
{
        struct doctor_findings f = {};

        doctor_check_kernel(h, &f);
        doctor_check_cgroups(h, &f);
        doctor_check_storage(h, &f);
        doctor_check_users(h, &f);
        doctor_check_network(h, &f);
        doctor_check_firewall(h, &f);
        doctor_check_machines(h, &f);
        doctor_check_security(h, &f);
        doctor_check_limits(h, &f);
        if (f.failed) {
                doctor_findings_finish(&f);
                return error_set(err, ENOMEM, "out of memory");
        }
        *ret = f;
        return 0;
}

size_t doctor_fix(const struct doctor_host *h, const struct doctor_findings *f,
                  void (*told)(void *userdata, const char *command, const char *failure), void *userdata)
{
        size_t done = 0;

        for (size_t i = 0; i < f->n; i++) {
                const char *const argv[] = { "sh", "-c", f->items[i].mend, NULL };
                own_buf struct buf out = {};
                char failure[64];
                int r;

                if (!f->items[i].mend || !f->items[i].safe || f->items[i].level == DOCTOR_OK)
                        continue;
                r = h->command(h, argv, &out);
                snprintf(failure, sizeof failure, r < 0 ? "it could not be started" : "it ended with %d", r);
                told(userdata, f->items[i].mend, r ? failure : NULL);
                done += r == 0;
        }
        return done;
}
