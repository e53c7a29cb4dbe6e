/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/exec_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/image_user.h"

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

void exec_plan_finish(struct exec_plan *p)
{
        arena_finish(&p->arena);
        *p = (struct exec_plan){};
}

static const char *number(struct arena *a, uint32_t n)
{
        char text[16];

        snprintf(text, sizeof text, "%u", n);
        return arena_strdup(a, text);
}

static int set_user(struct exec_plan *p, const struct image_user *u, struct error *err)
{
        const char **gids = arena_alloc(&p->arena, u->n_groups + 1, sizeof *gids);
        char text[32];

        snprintf(text, sizeof text, "%u:%u", u->uid, u->gid);
        p->options.user = arena_strdup(&p->arena, text);
        if (!gids || !p->options.user)
                return no_memory(err);
        for (size_t i = 0; i < u->n_groups; i++) {
                gids[i] = number(&p->arena, u->groups[i]);
                if (!gids[i])
                        return no_memory(err);
        }
        p->options.additional_gids = gids;
        p->options.own_gids = true;
        return 0;
}

/* By the container's own files. That the process is still its first is checked when it is entered. */
static int find_user(struct exec_plan *p, const struct container *c, const char *wanted, struct error *err)
{
        own_image_user struct image_user user = {};
        own_fd int root = -1;
        char path[64];
        int r;

        if (!wanted)
                return 0;
        snprintf(path, sizeof path, "/proc/%d/root", (int)c->pid);
        root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return error_errno(err, errno, "open the container's root");
        r = image_user_find(root, wanted, &user, err);
        return r < 0 ? r : set_user(p, &user, err);
}

/* Whether a profile of AppArmor confines the instance. */
static bool has_apparmor(const struct container *c)
{
        struct json_object *process;
        const char *profile;

        return json_get_object(c->json, "process", &process, NULL) > 0 &&
               json_get_string(process, "apparmorProfile", &profile, NULL) > 0;
}

static int add_capabilities(struct exec_plan *p, const struct container *c, struct error *err)
{
        size_t n = 0;

        while (oci_capabilities[n].name)
                n++;
        p->options.caps = arena_alloc(&p->arena, n + 1, sizeof *p->options.caps);
        if (!p->options.caps)
                return no_memory(err);
        for (size_t i = 0; i < n; i++)
                p->options.caps[i] = oci_capabilities[i].name;
        if (has_apparmor(c))
                p->options.apparmor = "unconfined";
        return 0;
}

int exec_plan_make(const struct container *c, const struct exec_request *request, struct exec_plan *ret,
                   struct error *err)
{
        int r = find_user(ret, c, request->user, err);

        if (r == 0 && request->privileged)
                r = add_capabilities(ret, c, err);
        ret->options.args = (char **)request->args;
        ret->options.env = (const char **)request->env;
        ret->options.cwd = request->workdir;
        return r;
}

static bool has_term(const struct container *c)
{
        struct json_object *process, *env;

        if (json_get_object(c->json, "process", &process, NULL) <= 0 || json_get_array(process, "env", &env, NULL) <= 0)
                return false;
        for (size_t i = 0; i < json_array_size(env); i++) {
                const char *entry = json_string_value(json_array_item(env, i));

                if (entry && strncmp(entry, "TERM=", 5) == 0)
                        return true;
        }
        return false;
}

int exec_plan_add_terminal(struct exec_plan *p, const struct container *c, unsigned rows, unsigned columns,
                           struct error *err)
{
        const char **env = p->options.env;
        size_t n = 0;

        p->options.tty = true;
        p->options.rows = (unsigned short)rows;
        p->options.columns = (unsigned short)columns;
        if (has_term(c))
                return 0;
        while (env && env[n])
                n++;
        p->options.env = arena_alloc(&p->arena, n + 2, sizeof *p->options.env);
        if (!p->options.env)
                return no_memory(err);
        p->options.env[0] = "TERM=xterm";
        if (n)
                memcpy(p->options.env + 1, env, n * sizeof *env);
        return 0;
}
