/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "base/parse.h"
#include "cli/instance_select.h"
#include "cli/output_file.h"
#include "cli/systemd_unit.h"
#include "sys/fd.h"
#include "sys/sibling_program.h"

enum { STOP_TIMEOUT = 10, RESTART_SEC_MAX = 86400 };

struct lists {
        const char **after, **requires, **wants;
};

static void lists_finish(struct lists *l)
{
        free(l->after);
        free(l->requires);
        free(l->wants);
}
#define own_lists __attribute__((cleanup(lists_finish)))

static const char *value_or(const struct args *args, unsigned option, const char *otherwise)
{
        return args_has(args, option) ? (args_str(args, option) ? args_str(args, option) : "") : otherwise;
}

static int make_unit_name(const struct args *args, const char *subject, char **ret, struct error *err)
{
        const char *prefix = value_or(args, OPTION_CONTAINER_PREFIX, "container");

        if (asprintf(ret, "%s%s%s.service", prefix, *prefix ? value_or(args, OPTION_SEPARATOR, "-") : "", subject) <
            0) {
                *ret = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        /* systemd.unit(5) */
        if (strchr(*ret, '/') ||
            (*ret)[strspn(*ret, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@")])
                return error_set(err, EMISUSED, "\"%s\" is no name for a unit", *ret);
        return 0;
}

static int read_options(const struct args *args, struct lists *l, struct systemd_instance *s, struct error *err)
{
        static const char *const policies[] = { "no",          "always",   "on-success",  "on-failure",
                                                "on-abnormal", "on-abort", "on-watchdog", NULL };
        int r = check_choice("restart-policy", args_str(args, OPTION_RESTART_POLICY), policies, err);

        s->restart = value_or(args, OPTION_RESTART_POLICY, "on-failure");
        s->anew = args_flag(args, OPTION_NEW);
        s->no_header = args_flag(args, OPTION_NO_HEADER);
        if (r == 0)
                r = args_u32(args, OPTION_RESTART_SEC, &s->restart_sec, err);
        if (r >= 0 && s->restart_sec > RESTART_SEC_MAX)
                r = error_set(err, EMISUSED, "option --restart-sec: at most a day");
        if (r >= 0)
                r = args_u32(args, OPTION_TIME, &s->stop_timeout, err);
        if (r >= 0)
                r = args_list(args, OPTION_AFTER, &l->after, err);
        if (r >= 0)
                r = args_list(args, OPTION_REQUIRES, &l->requires, err);
        if (r >= 0)
                r = args_list(args, OPTION_WANTS, &l->wants, err);
        s->after = l->after;
        s->requires = l->requires;
        s->wants = l->wants;
        return r < 0 ? r : 0;
}

static int write_file(const struct systemd_instance *s, const struct buf *text, struct error *err)
{
        own_output_file struct output_file file = OUTPUT_FILE_NONE;
        own_buf struct buf line = {};
        own_mem char *here = getcwd(NULL, 0);
        int r = output_file_open(s->unit, &file, err);

        if (r == 0 && (r = fd_write_all(file.fd, buf_str(text), text->len)) < 0)
                r = error_errno(err, -r, "write %s", s->unit);
        if (r == 0)
                r = output_file_commit(&file, err);
        if (r < 0)
                return r;
        buf_addf(&line, "%s/%s\n", here ? here : ".", s->unit);
        return output_write(&line, err);
}

static int show(const struct args *args, const struct systemd_instance *s, const struct buf *text, struct error *err)
{
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out };

        if (buf_failed(text))
                return error_set(err, ENOMEM, "out of memory");
        if (args_flag(args, OPTION_FILES))
                return write_file(s, text, err);
        if (!args_str(args, OPTION_FORMAT))
                return output_write(text, err);
        json_begin_object(&w, NULL);
        json_write_string(&w, s->unit, buf_str(text));
        json_end_object(&w);
        buf_add_str(&out, "\n");
        return output_write(&out, err);
}

/* Two who start it again get in each other's way. */
static void warn_of_policy(const struct instance *i)
{
        char text[256];

        if (!i->options.restart || strcmp(i->options.restart, "no") == 0)
                return;
        snprintf(text, sizeof text, "%s has a restart policy of its own, beside systemd's: holt update --restart no %s",
                 i->name, i->name);
        report_warning(text);
}

static int generate(struct invocation *inv, struct engine *e, struct instance *i, struct error *err)
{
        static const char *const formats[] = { "json", NULL };
        char program[PATH_MAX];
        own_lists struct lists lists = {};
        own_mem char *unit = NULL;
        own_buf struct buf text = {};
        uint32_t timeout = STOP_TIMEOUT;
        struct systemd_instance s = { .program = { program, inv->root, inv->run, e->root }, .instance = i };
        int r = check_choice("format", args_str(&inv->args, OPTION_FORMAT), formats, err);

        if (i->options.stop_timeout)
                (void)parse_u32(i->options.stop_timeout, 10, &timeout);
        s.stop_timeout = timeout;
        s.subject = args_flag(&inv->args, OPTION_NAME) || args_flag(&inv->args, OPTION_NEW) ? i->name : i->id;
        if (r == 0)
                r = read_options(&inv->args, &lists, &s, err);
        if (r == 0)
                r = make_unit_name(&inv->args, s.subject, &unit, err);
        if (r == 0)
                r = sibling_program_find("holt", program, err);
        if (r < 0)
                return r;
        s.unit = unit;
        if (!s.anew)
                warn_of_policy(i);
        systemd_unit_of_instance(&s, &text);
        return show(&inv->args, &s, &text, err);
}

int cmd_generate_systemd(struct invocation *inv, struct error *err)
{
        own_instance struct instance *i = NULL;
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        return r < 0 || !i ? r : generate(inv, &e, i, err);
}
