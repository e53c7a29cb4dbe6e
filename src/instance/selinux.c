/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/selinux.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "instance/flag_value.h"

/* That of containers that are not confined: nobody else's has these categories. */
#define LEVEL_OF_UNCONFINED "s0:c1022,c1023"

/* ---- parts ---- */

enum part { PART_USER, PART_ROLE, PART_TYPE, PART_LEVEL, N_PARTS };

struct parts {
        const char *v[N_PARTS]; /* the level is "" where the policy has none */
        char text[SELINUX_LABEL_SIZE];
};

static int take_apart(const char *label, struct parts *ret, struct error *err)
{
        char *rest = ret->text;

        snprintf(ret->text, sizeof ret->text, "%s", label);
        for (enum part i = PART_USER; i < PART_LEVEL; i++)
                ret->v[i] = strsep(&rest, ":");
        ret->v[PART_LEVEL] = rest ? rest : "";
        return ret->v[PART_TYPE] ? 0 : error_set(err, EINVAL, "SELinux: \"%s\" is no context", label);
}

static int put_together(const struct parts *p, char ret[SELINUX_LABEL_SIZE], struct error *err)
{
        const char *level = p->v[PART_LEVEL];
        int n = snprintf(ret, SELINUX_LABEL_SIZE, "%s:%s:%s%s%s", p->v[PART_USER], p->v[PART_ROLE], p->v[PART_TYPE],
                         *level ? ":" : "", level);

        return n < SELINUX_LABEL_SIZE ? 0 : error_set(err, EINVAL, "SELinux: a label of over 255 bytes");
}

int selinux_label_share(const char *label, char ret[SELINUX_LABEL_SIZE], struct error *err)
{
        struct parts p;
        int r = take_apart(label, &p, err);

        if (r < 0)
                return r;
        if (*p.v[PART_LEVEL])
                p.v[PART_LEVEL] = "s0";
        return put_together(&p, ret, err);
}

/* ---- what was asked for ---- */

struct asked {
        const char *v[N_PARTS], *file_type;
        bool any, disabled;
};

static int read_word(const char *text, const char *word, struct asked *a, struct error *err)
{
        static const char *const names[] = {
                [PART_USER] = "user:", [PART_ROLE] = "role:", [PART_TYPE] = "type:", [PART_LEVEL] = "level:"
        };
        static const char file_type[] = "filetype:";
        size_t n = strcspn(word, ":") + 1;

        a->any = true;
        if (strcmp(word, "disable") == 0) {
                a->disabled = true;
                return 0;
        }
        if (strncmp(word, file_type, strlen(file_type)) == 0 && word[n]) {
                a->file_type = word + n;
                return 0;
        }
        for (enum part i = PART_USER; i < N_PARTS; i++) {
                if (strncmp(word, names[i], strlen(names[i])) == 0 && word[n]) {
                        a->v[i] = word + n;
                        return 0;
                }
        }
        return flag_refuse("security-opt", text,
                           "must be label=disable, or user, role, type, level or filetype with a value "
                           "(label=type:NAME)",
                           err);
}

static bool is_host(const char *value)
{
        return value && strcmp(value, "host") == 0;
}

static int read_options(const struct instance_options *o, struct asked *ret, struct error *err)
{
        struct asked a = {};
        int r = 0;

        for (const char *const *l = o->security_opt; r == 0 && l && *l; l++) {
                if (strncmp(*l, "label=", strlen("label=")) == 0 || strncmp(*l, "label:", strlen("label:")) == 0)
                        r = read_word(*l, *l + strlen("label="), &a, err);
        }
        if (!a.any)
                a.disabled = o->privileged || is_host(o->pid) || is_host(o->ipc);
        *ret = a;
        return r;
}

/* ---- labels ---- */

static int make_label(const char *context, const struct asked *a, const char *level, bool is_file,
                      char ret[SELINUX_LABEL_SIZE], struct error *err)
{
        const char *type = is_file ? a->file_type : a->v[PART_TYPE];
        struct parts p;
        int r = take_apart(context, &p, err);

        if (r < 0)
                return r;
        if (*p.v[PART_LEVEL])
                p.v[PART_LEVEL] = level;
        if (a->v[PART_LEVEL])
                p.v[PART_LEVEL] = a->v[PART_LEVEL];
        if (a->v[PART_USER])
                p.v[PART_USER] = a->v[PART_USER];
        if (a->v[PART_ROLE] && !is_file)
                p.v[PART_ROLE] = a->v[PART_ROLE];
        if (type)
                p.v[PART_TYPE] = type;
        return put_together(&p, ret, err);
}

int selinux_labels_make(const struct selinux_contexts *c, const struct instance_options *o, const char *level,
                        struct selinux_labels *ret, struct error *err)
{
        static const struct asked nothing = {};
        struct selinux_labels l = {};
        struct asked a;
        int r = read_options(o, &a, err);

        if (r == 0 && *c->file && a.disabled)
                r = make_label(c->file, &nothing, LEVEL_OF_UNCONFINED, true, l.mount, err);
        else if (r == 0 && *c->file && *c->process) {
                r = make_label(c->file, &a, level, true, l.mount, err);
                if (r == 0)
                        r = make_label(c->process, &a, level, false, l.process, err);
                if (r == 0)
                        r = make_label(*c->init ? c->init : c->process, &a, level, false, l.init, err);
        }
        if (r == 0)
                *ret = l;
        return r;
}
