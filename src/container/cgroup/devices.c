/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/devices.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

/* What runc allows every container beside its own rules; users' images have come to depend on it. */
static const struct bpf_device_rule builtin[] = {
        { true, 'c', -1, -1, BPF_DEVCG_ACC_MKNOD },    { true, 'b', -1, -1, BPF_DEVCG_ACC_MKNOD },
        { true, 'c', 1, 3, BPF_DEVICE_ALL_ACCESS },    /* null */
        { true, 'c', 1, 8, BPF_DEVICE_ALL_ACCESS },    /* random */
        { true, 'c', 1, 7, BPF_DEVICE_ALL_ACCESS },    /* full */
        { true, 'c', 5, 0, BPF_DEVICE_ALL_ACCESS },    /* tty */
        { true, 'c', 1, 5, BPF_DEVICE_ALL_ACCESS },    /* zero */
        { true, 'c', 1, 9, BPF_DEVICE_ALL_ACCESS },    /* urandom */
        { true, 'c', 136, -1, BPF_DEVICE_ALL_ACCESS }, /* pts/N */
        { true, 'c', 5, 2, BPF_DEVICE_ALL_ACCESS },    /* ptmx */
        { true, 'c', 10, 200, BPF_DEVICE_ALL_ACCESS }, /* net/tun */
};

static unsigned parse_access(const char *access)
{
        return (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0U) | (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0U) |
               (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0U);
}

int device_rules(const struct spec_resources *res, struct bpf_device_rule **ret, size_t *ret_n)
{
        struct bpf_device_rule *rules = calloc(res->n_devices + ARRAY_SIZE(builtin), sizeof *rules);

        if (!rules)
                return -ENOMEM;
        for (size_t i = 0; i < res->n_devices; i++) {
                const struct spec_device_rule *d = &res->devices[i];

                rules[i] = (struct bpf_device_rule){ d->allow, d->type, d->major, d->minor, parse_access(d->access) };
        }
        memcpy(rules + res->n_devices, builtin, sizeof builtin);
        *ret = rules;
        *ret_n = res->n_devices + ARRAY_SIZE(builtin);
        return 0;
}

static bool is_everything(const struct bpf_device_rule *r)
{
        return r->type == 'a' && r->major == -1 && r->minor == -1 && r->access == BPF_DEVICE_ALL_ACCESS;
}

static void add_exception(struct device_list *list, const struct bpf_device_rule *r, char type, bool is_builtin)
{
        for (size_t i = 0; i < list->n; i++) {
                struct device_exception *e = &list->v[i];

                if (e->type == type && e->major == r->major && e->minor == r->minor) {
                        e->access |= r->access;
                        e->builtin &= is_builtin;
                        return;
                }
        }
        list->v[list->n++] = (struct device_exception){ type, is_builtin, r->major, r->minor, r->access };
}

static bool overlaps(int64_t a, int64_t b)
{
        return a == b || a == -1 || b == -1;
}

/* Takes what the rule covers out of the exceptions; false when it covers only a part of one. */
static bool remove_exceptions(struct device_list *list, const struct bpf_device_rule *r, char type)
{
        size_t kept = 0;

        for (size_t i = 0; i < list->n; i++) {
                struct device_exception e = list->v[i];

                if (e.type == type && e.access & r->access && overlaps(e.major, r->major) &&
                    overlaps(e.minor, r->minor)) {
                        if ((r->major != -1 && r->major != e.major) || (r->minor != -1 && r->minor != e.minor))
                                return false;
                        e.access &= ~r->access;
                }
                if (e.access)
                        list->v[kept++] = e;
        }
        list->n = kept;
        return true;
}

static bool fold_rule(struct device_list *list, const struct bpf_device_rule *r, bool is_builtin)
{
        if (is_everything(r)) {
                list->allow = r->allow;
                list->n = 0;
                return true;
        }
        for (const char *type = r->type == 'a' ? "bc" : r->type == 'b' ? "b" : "c"; *type && r->access; type++) {
                if (r->allow != list->allow)
                        add_exception(list, r, *type, is_builtin);
                else if (!remove_exceptions(list, r, *type))
                        return false;
        }
        return true;
}

int device_list_fold(const struct spec_resources *res, struct device_list *ret, struct error *err)
{
        own_mem struct bpf_device_rule *rules = NULL;
        own_device_list struct device_list list = {};
        size_t n;

        if (device_rules(res, &rules, &n) < 0)
                return error_set(err, ENOMEM, "out of memory");
        list.v = calloc(n * 2, sizeof *list.v);
        if (!list.v)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < n; i++) {
                if (!fold_rule(&list, &rules[i], i >= res->n_devices))
                        return error_set(err, EINVAL,
                                         "linux.resources.devices: rule %zu is an exception from a part of an earlier "
                                         "rule, which cgroup v1 cannot express",
                                         i);
        }
        *ret = list;
        list.v = NULL;
        return 0;
}

void device_list_finish(struct device_list *list)
{
        free(list->v);
        *list = (struct device_list){};
}

static void add_number(char *out, size_t size, int64_t v)
{
        if (v == -1)
                snprintf(out, size, "*");
        else
                snprintf(out, size, "%" PRId64, v);
}

void device_exception_format(const struct device_exception *e, char ret[80])
{
        char major[24], minor[24];

        add_number(major, sizeof major, e->major);
        add_number(minor, sizeof minor, e->minor);
        snprintf(ret, 80, "%c %s:%s %s%s%s", e->type, major, minor, e->access & BPF_DEVCG_ACC_READ ? "r" : "",
                 e->access & BPF_DEVCG_ACC_WRITE ? "w" : "", e->access & BPF_DEVCG_ACC_MKNOD ? "m" : "");
}
