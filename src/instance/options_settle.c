/* SPDX-License-Identifier: Apache-2.0 */
/* What depends on where the command was typed: our environment, our files, our directory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "instance/options.h"

struct lines {
        char **items;
        size_t n, cap;
};

static void lines_finish(struct lines *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->items[i]);
        free(l->items);
}
#define own_lines __attribute__((cleanup(lines_finish)))

static int lines_add(struct lines *l, const char *text, struct error *err)
{
        if (array_grow(&l->items, &l->cap, l->n + 1, sizeof *l->items) < 0)
                return error_set(err, ENOMEM, "out of memory");
        l->items[l->n] = strdup(text);
        return l->items[l->n++] ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* NAME=VALUE, or NAME for our own value, if there is one. */
static int add_variable(struct lines *l, const char *text, struct error *err)
{
        own_mem char *entry = NULL;
        const char *value;

        if (strchr(text, '='))
                return *text == '=' ? error_set(err, EINVAL, "variable \"%s\" has no name", text)
                                    : lines_add(l, text, err);
        value = getenv(text);
        if (!value)
                return 0;
        if (asprintf(&entry, "%s=%s", text, value) < 0) {
                entry = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        return lines_add(l, entry, err);
}

/* A line a setting; empty ones and those that begin with # say nothing. */
static int add_file(struct lines *l, const char *path, int (*add)(struct lines *l, const char *text, struct error *err),
                    struct error *err)
{
        FILE *f = fopen(path, "re");
        own_mem char *line = NULL;
        size_t cap = 0;
        ssize_t n;
        int r = 0;

        if (!f)
                return error_errno(err, errno, "open %s", path);
        while (r == 0 && (n = getline(&line, &cap, f)) > 0) {
                char *text = line + strspn(line, " \t");

                line[n - (line[n - 1] == '\n')] = '\0';
                if (*text && *text != '#')
                        r = add(l, text, err);
        }
        fclose(f);
        return r < 0 ? error_wrap(err, "%s", path) : 0;
}

/* Files first, so that what was said on the command line itself counts. */
static int settle(struct instance_options *o, const char *name, const char *const *files, const char *const *given,
                  int (*add)(struct lines *l, const char *text, struct error *err), struct error *err)
{
        own_lines struct lines lines = {};
        int r = 0;

        for (; r == 0 && files && *files; files++)
                r = add_file(&lines, *files, add, err);
        for (; r == 0 && given && *given; given++)
                r = add(&lines, *given, err);
        if (r < 0)
                return r;
        return instance_option_set_list(o, instance_option_find(name), (const char *const *)lines.items, lines.n) < 0
                       ? error_set(err, ENOMEM, "out of memory")
                       : 0;
}

/* "./here:/there": only what begins with a dot is a path, as Docker has it; names are volumes. */
static int add_volume(struct lines *l, const char *text, struct error *err)
{
        own_mem char *cwd = NULL, *absolute = NULL;

        if (*text != '.' || !strchr(text, ':'))
                return lines_add(l, text, err);
        cwd = getcwd(NULL, 0);
        if (!cwd)
                return error_errno(err, errno, "find the current directory");
        if (asprintf(&absolute, "%s/%s", cwd, text) < 0) {
                absolute = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        return lines_add(l, absolute, err);
}

/* "seccomp=FILE": the instance may be started from elsewhere. */
static int add_security_opt(struct lines *l, const char *text, struct error *err)
{
        const char *file = strncmp(text, "seccomp", 7) == 0 && strchr("=:", text[7]) && text[7] ? text + 8 : "";
        own_mem char *cwd = NULL, *absolute = NULL;

        if (!*file || *file == '/' || strcmp(file, "unconfined") == 0)
                return lines_add(l, text, err);
        cwd = getcwd(NULL, 0);
        if (!cwd)
                return error_errno(err, errno, "find the current directory");
        if (asprintf(&absolute, "seccomp=%s/%s", cwd, file) < 0) {
                absolute = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        return lines_add(l, absolute, err);
}

int instance_options_settle(struct instance_options *o, struct error *err)
{
        int r = settle(o, "env", o->env_file, o->env, add_variable, err);

        if (r == 0)
                r = settle(o, "label", o->label_file, o->label, lines_add, err);
        if (r == 0)
                r = settle(o, "volume", NULL, o->volume, add_volume, err);
        if (r == 0)
                r = settle(o, "security-opt", NULL, o->security_opt, add_security_opt, err);
        if (r == 0)
                o->env_file = o->label_file = NULL;
        return r;
}
