/* SPDX-License-Identifier: Apache-2.0 */
/* The process object (runtime-spec, config.md#process), but for its scheduling. */
#include "oci/spec_parse.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"

static int caps_set_read(struct json_object *o, const char *key, uint64_t *ret, struct error *err)
{
        struct json_object *array;
        int r = json_get_array(o, key, &array, err);

        if (r <= 0)
                return r;
        for (size_t i = 0, n = json_array_size(array); i < n; i++) {
                const char *s = json_string_value(json_array_item(array, i));
                const struct name_value *c = oci_capabilities;

                if (!s || strncmp(s, "CAP_", 4) != 0 || !s[4] ||
                    s[4 + strspn(s + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
                        return error_set(err, EINVAL, "%s[%zu]: expected the name of a capability", key, i);
                /* One that this kernel has no bit for cannot be granted: the spec wants no failure then. */
                while (c->name && strcmp(c->name + 4, s + 4) != 0)
                        c++;
                if (c->name)
                        *ret |= UINT64_C(1) << c->value;
        }
        return 0;
}

int caps_read(struct json_object *o, struct spec_caps *ret, struct error *err)
{
        const struct {
                const char *key;
                uint64_t *set;
        } sets[] = {
                { "bounding", &ret->bounding },       { "effective", &ret->effective },
                { "inheritable", &ret->inheritable }, { "permitted", &ret->permitted },
                { "ambient", &ret->ambient },
        };

        for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
                int r = caps_set_read(o, sets[i].key, sets[i].set, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int capabilities_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_process *p = ret;

        p->has_caps = true;
        return caps_read(o, &p->caps, err);
}

static int rlimit_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_rlimit *l = ret;
        uint64_t resource;
        int r, soft, hard;

        r = read_name(o, "type", oci_rlimits, &resource, err);
        if (r < 0)
                return r;
        if (!r)
                return error_set(err, EINVAL, "type: must be given");
        l->resource = (int)resource;
        soft = json_get_u64(o, "soft", &l->soft, err);
        if (soft < 0)
                return soft;
        hard = json_get_u64(o, "hard", &l->hard, err);
        if (hard < 0)
                return hard;
        if (!soft || !hard)
                return error_set(err, EINVAL, "%s: must be given", soft ? "hard" : "soft");
        if (l->soft > l->hard)
                return error_set(err, EINVAL, "soft: is more than hard");
        return 0;
}

static int rlimits_read(struct arena *a, struct json_object *o, struct spec_process *p, struct error *err)
{
        uint64_t seen = 0;
        int r = read_objects(a, o, "rlimits", rlimit_read, sizeof *p->rlimits, &p->rlimits, &p->n_rlimits, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < p->n_rlimits; i++) {
                uint64_t bit = UINT64_C(1) << p->rlimits[i].resource;

                if (seen & bit)
                        return error_set(err, EINVAL, "rlimits[%zu].type: given twice", i);
                seen |= bit;
        }
        return 0;
}

static int gids_read(struct arena *a, struct json_object *o, struct spec_process *p, struct error *err)
{
        struct json_object *array;
        int r = json_get_array(o, "additionalGids", &array, err);
        size_t n;

        if (r <= 0)
                return r;
        n = json_array_size(array);
        p->additional_gids = arena_alloc(a, n, sizeof *p->additional_gids);
        if (!p->additional_gids)
                return no_memory(err);
        for (size_t i = 0; i < n; i++) {
                uint64_t gid;

                if (!json_u64_value(json_array_item(array, i), &gid) || gid > UINT32_MAX)
                        return error_set(err, EINVAL, "additionalGids[%zu]: expected a number below 2^32", i);
                p->additional_gids[i] = (gid_t)gid;
        }
        p->n_additional_gids = n;
        return 0;
}

/* (uid_t)-1 means "leave it" to setresuid(2): the process would stay root. */
static int id_read(struct json_object *o, const char *key, uint32_t *ret, struct error *err)
{
        uint32_t id = *ret;
        int r = read_u32(o, key, &id, err);

        if (r < 0)
                return r;
        if (id == UINT32_MAX)
                return error_set(err, EINVAL, "%s: expected a number below 2^32 - 1", key);
        *ret = id;
        return 0;
}

static int user_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_process *p = ret;

        if (id_read(o, "uid", &p->uid, err) < 0 || id_read(o, "gid", &p->gid, err) < 0 ||
            read_opt_u64(o, "umask", 0777, &p->umask, err) < 0 || gids_read(a, o, p, err) < 0)
                return -err->code;
        return 0;
}

static int console_size_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_process *p = ret;
        struct opt_u64 width = {}, height = {};

        if (read_opt_u64(o, "width", UINT16_MAX, &width, err) < 0 ||
            read_opt_u64(o, "height", UINT16_MAX, &height, err) < 0)
                return -err->code;
        p->console_width = (unsigned short)width.v;
        p->console_height = (unsigned short)height.v;
        return 0;
}

static int affinity_list_read(struct json_object *o, const char *key, const char **ret, struct error *err)
{
        const char *s = NULL;
        int r = read_string(o, key, &s, err);

        if (r < 0 || !s)
                return r;
        if (s[strspn(s, "0123456789, -")])
                return error_set(err, EINVAL, "%s: expected a list of CPUs, not \"%s\"", key, s);
        *ret = s;
        return 0;
}

static int affinity_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_process *p = ret;

        if (affinity_list_read(o, "initial", &p->cpu_affinity_initial, err) < 0)
                return -err->code;
        return affinity_list_read(o, "final", &p->cpu_affinity_final, err);
}

static int cwd_read(struct json_object *o, struct spec_process *p, struct error *err)
{
        int r = read_string(o, "cwd", &p->cwd, err);

        if (r < 0)
                return r;
        if (!p->cwd || *p->cwd != '/')
                return error_set(err, EINVAL, "cwd: Cwd must be an absolute path");
        return 0;
}

/* The members that end up in the process's attributes rather than in what it executes. */
static int attributes_read(struct arena *a, struct json_object *o, struct spec_process *p, struct error *err)
{
        if (read_bool(o, "noNewPrivileges", &p->no_new_privileges, err) < 0 ||
            read_string(o, "apparmorProfile", &p->apparmor_profile, err) < 0 ||
            read_string(o, "selinuxLabel", &p->selinux_label, err) < 0 ||
            read_opt_i64(o, "oomScoreAdj", &p->oom_score_adj, err) < 0 ||
            read_object(a, o, "capabilities", capabilities_read, p, err) < 0 || rlimits_read(a, o, p, err) < 0 ||
            read_object(a, o, "ioPriority", io_priority_read, &p->io_priority, err) < 0 ||
            read_object(a, o, "execCPUAffinity", affinity_read, p, err) < 0 ||
            read_new(a, o, "scheduler", scheduler_read, sizeof *p->scheduler, &p->scheduler, err) < 0)
                return -err->code;
        if (p->oom_score_adj.set && (p->oom_score_adj.v < -1000 || p->oom_score_adj.v > 1000))
                return error_set(err, EINVAL, "oomScoreAdj: must be from -1000 to 1000");
        return 0;
}

int process_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_process *p = ret;

        p->json = o;
        if (read_bool(o, "terminal", &p->terminal, err) < 0 || read_object(a, o, "user", user_read, p, err) < 0 ||
            read_str_list(a, o, "args", &p->args, err) < 0 || read_str_list(a, o, "env", &p->env, err) < 0 ||
            cwd_read(o, p, err) < 0 || attributes_read(a, o, p, err) < 0)
                return -err->code;
        /* The spec wants the size ignored without a terminal. */
        return p->terminal ? read_object(a, o, "consoleSize", console_size_read, p, err) : 0;
}
