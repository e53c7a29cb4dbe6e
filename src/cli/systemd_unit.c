/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/systemd_unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/timestamp.h"

/* A stop is given its time, and then some. */
enum { STOP_MARGIN = 60, BOOT_TIMEOUT = 900 };

/* systemd replaces %x also between quotation marks, and in commands $x. */
static void add_escaped(struct buf *out, const char *text, bool command)
{
        for (; *text; text++) {
                if (*text == '%' || (*text == '$' && command))
                        buf_addf(out, "%c%c", *text, *text);
                else if (*text == '"' || *text == '\\')
                        buf_addf(out, "\\%c", *text);
                else if ((unsigned char)*text < ' ' || *text == 0x7f)
                        buf_addf(out, "\\x%02x", (unsigned char)*text);
                else
                        buf_add(out, text, 1);
        }
}

void systemd_add_word(struct buf *out, const char *word)
{
        static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@,+-";
        bool plain = *word && !word[strspn(word, harmless)];

        buf_add_str(out, plain ? "" : "\"");
        add_escaped(out, word, true);
        buf_add_str(out, plain ? "" : "\"");
}

static void add_words(struct buf *out, const char *const *words)
{
        for (; words && *words; words++) {
                buf_add_str(out, " ");
                systemd_add_word(out, *words);
        }
}

static void add_setting(struct buf *out, const char *name, const char *value)
{
        buf_addf(out, "Environment=\"%s=", name);
        add_escaped(out, value, false);
        buf_add_str(out, "\"\n");
}

static void add_environment(struct buf *out, const struct systemd_program *p)
{
        if (p->root)
                add_setting(out, "HOLT_ROOT", p->root);
        if (p->run)
                add_setting(out, "HOLT_RUN", p->run);
}

static void add_mounts(struct buf *out, const struct systemd_program *p)
{
        buf_add_str(out, "RequiresMountsFor=\"");
        add_escaped(out, p->store, false);
        buf_add_str(out, "\"\n");
}

static void begin_command(struct buf *out, const char *key, const char *prefix, const struct systemd_program *p)
{
        buf_addf(out, "%s=%s", key, prefix);
        systemd_add_word(out, p->path);
}

void systemd_unit_at_boot(const struct systemd_program *p, bool user, struct buf *out)
{
        buf_add_str(out, "# Made by holt system enable\n\n"
                         "[Unit]\n"
                         "Description=Instances of holt that start with the host\n"
                         "Documentation=man:holt-system(1)\n");
        if (!user)
                buf_add_str(out, "Wants=network-online.target\nAfter=network-online.target nss-lookup.target\n");
        add_mounts(out, p);
        buf_add_str(out, "\n[Service]\nType=oneshot\nRemainAfterExit=yes\nDelegate=yes\n");
        add_environment(out, p);
        begin_command(out, "ExecStart", "", p);
        buf_add_str(out, " system boot\n");
        begin_command(out, "ExecStop", "", p);
        buf_addf(out, " system shutdown\nTimeoutStartSec=%d\nTimeoutStopSec=%d\n", BOOT_TIMEOUT, BOOT_TIMEOUT);
        buf_addf(out, "\n[Install]\nWantedBy=%s\n", user ? "default.target" : "multi-user.target");
}

static bool is_set(const struct instance_options *o, const struct option_member *m)
{
        const char *const *const *list = (const char *const *const *)((const char *)o + m->offset);
        const char *const *text = (const char *const *)((const char *)o + m->offset);
        const bool *flag = (const bool *)((const char *)o + m->offset);

        return m->kind == OPTION_KIND_FLAG ? *flag : m->kind == OPTION_KIND_TEXT ? *text != NULL : *list != NULL;
}

/* systemd starts it again, and gives the name; the others are made of other options. */
static bool is_left_away(const struct option_member *m)
{
        static const char *const names[] = { "command", "health_test", "image_volume", "name", "restart", "rm" };

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(m->name, names[i]) == 0)
                        return true;
        return false;
}

static void add_option(struct buf *out, const struct option_member *m, const char *value)
{
        struct buf word = {};

        buf_add_str(&word, "--");
        for (const char *c = m->name; *c; c++)
                buf_addf(&word, "%c", *c == '_' ? '-' : *c);
        if (value)
                buf_addf(&word, "=%s", value);
        out->failed = out->failed || word.failed;
        buf_add_str(out, " \\\n        ");
        systemd_add_word(out, buf_str(&word));
        buf_finish(&word);
}

static void add_options(struct buf *out, const struct instance_options *o)
{
        for (const struct option_member *m = NULL; (m = instance_option_next(m));) {
                const void *at = (const char *)o + m->offset;

                if (!is_set(o, m) || is_left_away(m))
                        continue;
                if (m->kind == OPTION_KIND_FLAG)
                        add_option(out, m, NULL);
                else if (m->kind == OPTION_KIND_TEXT)
                        add_option(out, m, *(const char *const *)at);
                else
                        for (const char *const *v = *(const char *const *const *)at; *v; v++)
                                add_option(out, m, *v);
        }
}

static void add_run(const struct systemd_instance *s, struct buf *out)
{
        const struct instance_options *o = &s->instance->options;

        begin_command(out, "ExecStartPre", "-", &s->program);
        buf_add_str(out, " rm --force ");
        systemd_add_word(out, s->instance->name);
        buf_add_str(out, "\n");
        begin_command(out, "ExecStart", "", &s->program);
        buf_add_str(out, " run --rm --name=");
        systemd_add_word(out, s->instance->name);
        add_options(out, o);
        buf_add_str(out, " \\\n        ");
        systemd_add_word(out, s->instance->image_name);
        add_words(out, o->command);
        buf_add_str(out, "\n");
}

static void add_stop(const struct systemd_instance *s, const char *key, const char *prefix, struct buf *out)
{
        begin_command(out, key, prefix, &s->program);
        buf_addf(out, " stop --time %u ", s->stop_timeout);
        systemd_add_word(out, s->anew ? s->instance->name : s->subject);
        buf_add_str(out, "\n");
}

static void add_others(struct buf *out, const char *key, const char *const *units)
{
        if (!units)
                return;
        buf_addf(out, "%s=", key);
        for (size_t i = 0; units[i]; i++)
                buf_addf(out, "%s%s", i ? " " : "", units[i]);
        buf_add_str(out, "\n");
}

static void add_header(const struct systemd_instance *s, struct buf *out)
{
        char now[TIMESTAMP_MAX];

        timestamp_docker(time(NULL), now);
        buf_addf(out, "# %s\n", s->unit);
        if (!s->no_header)
                buf_addf(out, "# Made by holt generate systemd, holt " HOLT_VERSION ", %s\n", now);
}

/* After a failure, of which one that was killed is one, be it for want of memory. */
static bool restarts_killed(const char *policy)
{
        return strcmp(policy, "on-failure") == 0 || strcmp(policy, "on-abnormal") == 0 ||
               strcmp(policy, "on-abort") == 0;
}

/*
 * The unit's main process is a holt that is attached: its output is the journal's, its exit status the instance's. The
 * shim is in the unit as well, and outlives the main process until the stop behind it.
 */
void systemd_unit_of_instance(const struct systemd_instance *s, struct buf *out)
{
        add_header(s, out);
        buf_addf(out, "\n[Unit]\nDescription=holt %s\nDocumentation=man:holt-generate(1)\n", s->unit);
        buf_add_str(out, "Wants=network-online.target\nAfter=network-online.target\n");
        add_others(out, "Wants", s->wants);
        add_others(out, "Requires", s->requires);
        add_others(out, "After", s->after);
        add_mounts(out, &s->program);
        buf_addf(out, "\n[Service]\nType=exec\nKillMode=mixed\nDelegate=yes\nRestart=%s\n", s->restart);
        if (s->restart_sec)
                buf_addf(out, "RestartSec=%u\n", s->restart_sec);
        if (restarts_killed(s->restart))
                buf_add_str(out, "RestartForceExitStatus=137\n");
        /* What a stop signal ends is no failure. */
        buf_addf(out, "SuccessExitStatus=130 137 143\nTimeoutStopSec=%u\n", s->stop_timeout + STOP_MARGIN);
        add_environment(out, &s->program);
        if (s->anew) {
                add_run(s, out);
        } else {
                begin_command(out, "ExecStart", "", &s->program);
                buf_add_str(out, " start --attach ");
                systemd_add_word(out, s->subject);
                buf_add_str(out, "\n");
        }
        add_stop(s, "ExecStop", "", out);
        add_stop(s, "ExecStopPost", "-", out);
        buf_add_str(out, "\n[Install]\nWantedBy=default.target\n");
}
