/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/text_line.h"
#include "oci/runtime_spec.h"

void explain_say(struct table *t, const char *name, const struct buf *text)
{
        own_buf struct buf line = {};
        const char *cells[] = { name, NULL };

        text_add_line(&line, buf_str(text), 0);
        cells[1] = buf_str(&line);
        if (text->len)
                (void)table_add(t, cells);
}

/* A word as a shell would need it. */
static void add_word(struct buf *out, const char *word)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";

        if (*word && strspn(word, plain) == strlen(word)) {
                buf_add_str(out, word);
                return;
        }
        buf_add_str(out, "'");
        for (; *word; word++) {
                if (*word == '\'')
                        buf_add_str(out, "'\\''");
                else
                        buf_add(out, word, 1);
        }
        buf_add_str(out, "'");
}

static void add_list(struct buf *out, const struct str_list *list)
{
        for (size_t i = 0; i < list->n; i++) {
                if (i)
                        buf_add_str(out, " ");
                add_word(out, list->v[i]);
        }
}

/* ---- the process ---- */

static void explain_user(const struct spec_process *p, struct table *t)
{
        own_buf struct buf text = {};

        buf_addf(&text, "%u:%u", p->uid, p->gid);
        for (size_t i = 0; i < p->n_additional_gids; i++)
                buf_addf(&text, "%s%u", i ? "," : ", also of group ", p->additional_gids[i]);
        explain_say(t, "User:", &text);
}

static void explain_rlimits(const struct spec_process *p, struct table *t)
{
        own_buf struct buf text = {};

        for (size_t i = 0; i < p->n_rlimits; i++) {
                const struct spec_rlimit *l = &p->rlimits[i];

                for (const struct name_value *n = oci_rlimits; n->name; n++) {
                        if ((int)n->value == l->resource)
                                buf_addf(&text, "%s%s %" PRIu64 " to %" PRIu64, i ? ", " : "", n->name, l->soft,
                                         l->hard);
                }
        }
        explain_say(t, "Ulimits:", &text);
}

static void explain_capabilities(const struct spec_process *p, struct table *t)
{
        own_buf struct buf text = {};
        uint64_t all = 0;

        for (const struct name_value *n = oci_capabilities; n->name; n++) {
                all |= 1ULL << n->value;
                if (p->caps.bounding & 1ULL << n->value)
                        buf_addf(&text, "%s%s", text.len ? " " : "", n->name + strlen("CAP_"));
        }
        if ((p->caps.bounding & all) == all) {
                text.len = 0;
                buf_add_str(&text, "all");
        }
        if (!text.len)
                buf_add_str(&text, "none");
        if (p->uid)
                buf_add_str(&text, "; for programs that raise their rights");
        explain_say(t, "Capabilities:", &text);
}

static void explain_process(const struct spec *s, struct table *t)
{
        const struct spec_process *p = s->process;
        own_buf struct buf program = {}, cwd = {}, env = {}, terminal = {}, privileges = {};

        add_list(&program, &p->args);
        add_list(&env, &p->env);
        buf_add_str(&cwd, p->cwd);
        buf_add_str(&terminal, p->terminal ? "yes" : "no");
        explain_say(t, "Program:", &program);
        explain_say(t, "Terminal:", &terminal);
        explain_user(p, t);
        explain_say(t, "Directory:", &cwd);
        explain_say(t, "Variables:", &env);
        explain_rlimits(p, t);
        explain_capabilities(p, t);
        if (p->no_new_privileges)
                buf_add_str(&privileges, "none, whatever it executes");
        explain_say(t, "New privileges:", &privileges);
}

/* ---- the kernel's part ---- */

static void explain_seccomp(const struct spec *s, struct table *t)
{
        const struct spec_seccomp *p = s->linux_.seccomp;
        own_buf struct buf text = {};
        size_t names = 0;

        for (size_t i = 0; p && i < p->n_rules; i++)
                names += p->rules[i].names.n;
        if (p)
                buf_addf(&text, "%zu rules for %zu system calls", p->n_rules, names);
        else
                buf_add_str(&text, "none: all system calls");
        explain_say(t, "Seccomp:", &text);
        if (s->process->apparmor_profile) {
                text.len = 0;
                buf_add_str(&text, s->process->apparmor_profile);
                explain_say(t, "AppArmor:", &text);
        }
        if (s->process->selinux_label) {
                text.len = 0;
                buf_add_str(&text, s->process->selinux_label);
                explain_say(t, "SELinux:", &text);
        }
}

static void explain_namespaces(const struct spec *s, bool has_own_users, struct table *t)
{
        own_buf struct buf own = {}, joined = {}, host = {};

        for (const struct name_value *n = oci_namespaces; n->name; n++) {
                const struct spec_namespace *ns = spec_namespace(s, (int)n->value);

                if (ns && ns->path)
                        buf_addf(&joined, "%s%s (%s)", joined.len ? " " : "", n->name, ns->path);
                else if (ns || (has_own_users && n->value == CLONE_NEWUSER))
                        buf_addf(&own, "%s%s", own.len ? " " : "", n->name);
                /* Nobody misses a time namespace, or its other name. */
                else if (n->value & (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER))
                        buf_addf(&host, "%s%s", host.len ? " " : "", n->name);
        }
        explain_say(t, "Own:", &own);
        explain_say(t, "Joined:", &joined);
        explain_say(t, "The host's:", &host);
}

static void add_size(struct buf *out, const char *name, const struct opt_i64 *v)
{
        char text[HUMAN_SIZE_MAX];

        if (!v->set || v->v <= 0)
                return;
        human_size((uint64_t)v->v, 4, text);
        buf_addf(out, "%s%s %s", out->len ? ", " : "", name, text);
}

static void explain_limits(const struct spec *s, struct table *t)
{
        const struct spec_resources *r = &s->linux_.resources;
        own_buf struct buf text = {};

        add_size(&text, "memory", &r->memory.limit);
        add_size(&text, "memory and swap", &r->memory.swap);
        add_size(&text, "memory reservation", &r->memory.reservation);
        if (r->pids_limit.set && r->pids_limit.v > 0)
                buf_addf(&text, "%s%" PRId64 " processes", text.len ? ", " : "", r->pids_limit.v);
        if (r->cpu.quota.set && r->cpu.quota.v > 0)
                buf_addf(&text, "%s%.2f processors", text.len ? ", " : "",
                         (double)r->cpu.quota.v / (double)(r->cpu.period.set ? r->cpu.period.v : 100000));
        if (r->cpu.shares.set)
                buf_addf(&text, "%s%" PRIu64 " shares", text.len ? ", " : "", r->cpu.shares.v);
        if (r->cpu.cpus)
                buf_addf(&text, "%sprocessors %s", text.len ? ", " : "", r->cpu.cpus);
        if (!text.len)
                buf_add_str(&text, "none");
        explain_say(t, "Limits:", &text);
}

static void explain_linux(const struct spec *s, bool has_own_users, struct table *t)
{
        const struct spec_linux *l = &s->linux_;
        own_buf struct buf cgroup = {}, masked = {}, read_only = {}, devices = {}, sysctl = {};

        if (l->cgroups_path)
                buf_add_str(&cgroup, l->cgroups_path);
        add_list(&masked, &l->masked_paths);
        add_list(&read_only, &l->readonly_paths);
        for (size_t i = 0; i < l->n_devices; i++)
                buf_addf(&devices, "%s%s", i ? " " : "", l->devices[i].path);
        for (size_t i = 0; i < l->sysctl.n; i++)
                buf_addf(&sysctl, "%s%s=%s", i ? ", " : "", l->sysctl.v[i].key, l->sysctl.v[i].value);
        explain_seccomp(s, t);
        explain_namespaces(s, has_own_users, t);
        explain_limits(s, t);
        explain_say(t, "Cgroup:", &cgroup);
        explain_say(t, "Devices:", &devices);
        explain_say(t, "Sysctl:", &sysctl);
        explain_say(t, "Hidden:", &masked);
        explain_say(t, "Read-only:", &read_only);
}

/* ---- mounts ---- */

static void join_options(struct json_object *mount, struct buf *out)
{
        struct json_object *list = NULL;

        if (json_get_array(mount, "options", &list, NULL) <= 0)
                return;
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *word = json_string_value(json_array_item(list, i));

                buf_addf(out, "%s%s", i ? "," : "", word ? word : "");
        }
}

static int explain_mounts(const struct spec *s, struct buf *out, struct error *err)
{
        own_table struct table t = { .columns = 4, .gap = 2 };
        struct json_object *list = NULL;

        if (json_get_array(s->json, "mounts", &list, err) < 0)
                return -err->code;
        for (size_t i = 0; list && i < json_array_size(list); i++) {
                own_buf struct buf options = {}, place = {}, source = {};
                const struct spec_mount *m = &s->mounts[i];
                const char *cells[4];

                join_options(json_array_item(list, i), &options);
                buf_add_str(&place, "  ");
                text_add_line(&place, m->destination, 0);
                text_add_line(&source, spec_mount_is_bind(m) ? m->source : "", 0);
                cells[0] = buf_str(&place);
                cells[1] = m->type;
                cells[2] = buf_str(&source);
                cells[3] = buf_str(&options);
                if (table_add(&t, cells) < 0)
                        return error_set(err, ENOMEM, "out of memory");
        }
        buf_add_str(out, "Mounts:\n");
        table_write(&t, out);
        return 0;
}

int explain_config(const struct buf *config, bool has_own_users, struct buf *out, struct error *err)
{
        own_table struct table t = { .columns = 2, .min_width = 16, .gap = 1 };
        own_buf struct buf host = {}, root = {};
        own_spec struct spec s = {};
        int r = spec_parse(buf_str(config), config->len, &s, err);

        if (r < 0)
                return r;
        buf_add_str(&host, s.hostname ? s.hostname : "the host's");
        buf_add_str(&root, s.root_readonly ? "cannot be written to" : "what is written is kept apart from the image");
        explain_process(&s, &t);
        explain_say(&t, "Host name:", &host);
        explain_say(&t, "Root:", &root);
        explain_linux(&s, has_own_users, &t);
        table_write(&t, out);
        r = explain_mounts(&s, out, err);
        return r == 0 && buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : r;
}
