/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp (runtime-spec, config-linux.md#seccomp) */
#include "oci/spec_parse.h"

#include <errno.h>
#include <linux/seccomp.h>

enum {
        ERRNO_MAX = 4095,   /* the kernel lowers anything above to this */
        TRACE_MAX = 0xffff, /* what fits into the filter's answer */
        LAST_ARG = 5,
};

/* An action and the number that goes with it; the spec wants a number without use refused. */
static int action_read(struct json_object *o, const char *action_key, const char *errno_key, uint32_t *ret_action,
                       struct opt_u64 *ret_errno, struct error *err)
{
        uint64_t action;
        int r = read_name(o, action_key, oci_seccomp_actions, &action, err);

        if (r < 0)
                return r;
        if (!r)
                return error_set(err, EINVAL, "%s: must be given", action_key);
        *ret_action = (uint32_t)action;
        r = read_opt_u64(o, errno_key, action == SECCOMP_RET_TRACE ? TRACE_MAX : ERRNO_MAX, ret_errno, err);
        if (r < 0)
                return r;
        if (ret_errno->set && action != SECCOMP_RET_ERRNO && action != SECCOMP_RET_TRACE)
                return error_set(err, EINVAL, "%s: only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE", errno_key);
        return 0;
}

static int arg_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_seccomp_arg *arg = ret;
        uint64_t op;
        int index, value, r;

        index = json_get_u32(o, "index", &arg->index, err);
        if (index < 0)
                return index;
        value = json_get_u64(o, "value", &arg->value, err);
        if (value < 0)
                return value;
        r = read_name(o, "op", oci_seccomp_ops, &op, err);
        if (r < 0 || json_get_u64(o, "valueTwo", &arg->value_two, err) < 0)
                return -err->code;
        if (!index || !value || !r)
                return error_set(err, EINVAL, "%s: must be given", !index ? "index" : !value ? "value" : "op");
        if (arg->index > LAST_ARG)
                return error_set(err, EINVAL, "index: must be from 0 to %d", LAST_ARG);
        arg->op = (int)op;
        return 0;
}

static int rule_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_seccomp_rule *rule = ret;

        if (read_str_list(a, o, "names", &rule->names, err) < 0 ||
            action_read(o, "action", "errnoRet", &rule->action, &rule->errno_ret, err) < 0 ||
            read_objects(a, o, "args", arg_read, sizeof *rule->args, &rule->args, &rule->n_args, err) < 0)
                return -err->code;
        return rule->names.n ? 0 : error_set(err, EINVAL, "names: must not be empty");
}

static int architectures_read(struct arena *a, struct json_object *o, struct spec_seccomp *s, struct error *err)
{
        uint64_t token;

        if (read_str_list(a, o, "architectures", &s->architectures, err) < 0)
                return -err->code;
        for (size_t i = 0; i < s->architectures.n; i++) {
                const char *name = s->architectures.v[i];

                if (!name_value_find(oci_seccomp_archs, name, &token))
                        return error_set(err, EINVAL, "architectures[%zu]: unknown value \"%s\"", i, name);
        }
        return 0;
}

static int flags_read(struct json_object *o, struct spec_seccomp *s, struct error *err)
{
        /* runc's default when there is no list: without it every container pays for spectre's mitigation. */
        uint64_t flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;

        if (read_name_set(o, "flags", oci_seccomp_flags, &flags, err) < 0)
                return -err->code;
        s->flags = (uint32_t)flags;
        return 0;
}

static int listener_read(struct json_object *o, struct spec_seccomp *s, struct error *err)
{
        if (read_string(o, "listenerPath", &s->listener_path, err) < 0 ||
            read_string(o, "listenerMetadata", &s->listener_metadata, err) < 0)
                return -err->code;
        if (s->listener_metadata && !s->listener_path)
                return error_set(err, EINVAL, "listenerMetadata: needs listenerPath");
        return 0;
}

int seccomp_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_seccomp *s = ret;

        s->json = o;
        if (action_read(o, "defaultAction", "defaultErrnoRet", &s->default_action, &s->default_errno_ret, err) < 0)
                return -err->code;
        /* The process could not even tell its listener: the sendmsg() would wait for the listener as well. */
        if (s->default_action == SECCOMP_RET_USER_NOTIF)
                return error_set(err, EINVAL, "defaultAction: SCMP_ACT_NOTIFY is only for syscalls[]");
        if (architectures_read(a, o, s, err) < 0 || flags_read(o, s, err) < 0 || listener_read(o, s, err) < 0)
                return -err->code;
        return read_objects(a, o, "syscalls", rule_read, sizeof *s->rules, &s->rules, &s->n_rules, err);
}
