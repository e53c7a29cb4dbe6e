/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/devices.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/limits.h"
#include "sys/bpf_device.h"

enum { MAX_EXCEPTION_TEXT = 80 };

/*
 * Writes exceptions to devices.allow or devices.deny: the kernel takes one rule a write. EPERM means that the
 * cgroup above allows less; for what nobody asked for that is fine.
 */
static int write_exceptions(struct limits *l, const char *file, const struct device_exception *v, size_t n)
{
        own_fd int fd = n ? hierarchy_open_file(l->h, file, O_WRONLY) : -1;
        char text[MAX_EXCEPTION_TEXT];

        if (n && fd < 0)
                return limits_error(l, "devices", file, "", fd);
        for (size_t i = 0; i < n; i++) {
                device_exception_format(&v[i], text);
                if (write(fd, text, strlen(text)) < 0 && !(errno == EPERM && v[i].builtin))
                        return limits_error(l, "devices", file, text, -errno);
        }
        return 0;
}

/* From whatever it was; for a moment everything (or nothing) is refused. */
static int write_from_default(struct limits *l, const struct device_list *want)
{
        int r = 0;

        /* A new cgroup has what its parent has: to allow everything needs no word, and may be refused. */
        if (!(want->allow && l->h->fresh))
                r = limits_write(l, "devices", want->allow ? "devices.allow" : "devices.deny", "a");
        return r < 0 ? r : write_exceptions(l, want->allow ? "devices.deny" : "devices.allow", want->v, want->n);
}

static int parse_number(const char *s, int64_t *ret)
{
        if (strcmp(s, "*") == 0) {
                *ret = -1;
                return 0;
        }
        return parse_i64(s, ret);
}

/* A line of devices.list: "c 1:3 rwm". */
static bool parse_exception(char *line, struct device_exception *ret)
{
        const char *type = strsep(&line, " "), *major = strsep(&line, ":"), *minor = strsep(&line, " ");

        *ret = (struct device_exception){ .type = type[0] };
        if (!line || (type[0] != 'b' && type[0] != 'c') || parse_number(major, &ret->major) < 0 ||
            parse_number(minor, &ret->minor) < 0)
                return false;
        for (; *line; line++)
                ret->access |= *line == 'r'   ? BPF_DEVCG_ACC_READ
                               : *line == 'w' ? BPF_DEVCG_ACC_WRITE
                               : *line == 'm' ? BPF_DEVCG_ACC_MKNOD
                                              : 0U;
        return true;
}

static unsigned access_in(const struct device_list *list, const struct device_exception *e)
{
        for (size_t i = 0; i < list->n; i++) {
                if (list->v[i].type == e->type && list->v[i].major == e->major && list->v[i].minor == e->minor)
                        return list->v[i].access;
        }
        return 0;
}

/* Exceptions of `a` less what `b` has of them; `out` has room for a->n. */
static size_t subtract(const struct device_list *a, const struct device_list *b, struct device_exception *out)
{
        size_t n = 0;

        for (size_t i = 0; i < a->n; i++) {
                out[n] = a->v[i];
                out[n].access &= ~access_in(b, &a->v[i]);
                n += out[n].access != 0;
        }
        return n;
}

/* Reads devices.list; `allow` when it is "a *:* rwm". */
static int read_list(struct limits *l, struct device_list *ret)
{
        own_device_list struct device_list list = {};
        own_buf struct buf text = {};
        char *rest, *line;
        int r = hierarchy_read_all(l->h, "devices.list", &text);

        if (r < 0)
                return limits_error(l, "devices", "devices.list", "", r);
        list.v = calloc(text.len / 8 + 1, sizeof *list.v);
        if (!list.v)
                return error_set(l->err, ENOMEM, "out of memory");
        rest = text.data;
        while (rest && (line = strsep(&rest, "\n"))) {
                if (line[0] == 'a')
                        list.allow = true;
                else if (line[0] && parse_exception(line, &list.v[list.n]))
                        list.n++;
        }
        *ret = list;
        list.v = NULL;
        return 0;
}

/* Processes may be using their devices right now: allow first what is new, then deny what is gone. */
static int write_difference(struct limits *l, const struct device_list *want)
{
        own_device_list struct device_list have = {};
        own_mem struct device_exception *diff = NULL;
        int r = read_list(l, &have);

        if (r < 0)
                return r;
        if (have.allow || want->allow)
                return write_from_default(l, want);
        diff = calloc(want->n + have.n + 1, sizeof *diff);
        if (!diff)
                return error_set(l->err, ENOMEM, "out of memory");
        r = write_exceptions(l, "devices.allow", diff, subtract(want, &have, diff));
        return r < 0 ? r : write_exceptions(l, "devices.deny", diff, subtract(&have, want, diff));
}

int limits_v1_devices(struct limits *l)
{
        own_device_list struct device_list want = {};
        int r = device_list_fold(l->res, &want, l->err);

        if (r < 0)
                return r;
        return l->h->fresh ? write_from_default(l, &want) : write_difference(l, &want);
}

int limits_v2_devices(struct limits *l)
{
        own_mem struct bpf_device_rule *rules = NULL;
        own_mem struct bpf_insn *program = NULL;
        own_fd int fd = -1;
        size_t n_rules = 0, n = 0;
        int r = device_rules(l->res, &rules, &n_rules);

        if (r == 0)
                r = bpf_device_build(rules, n_rules, false, &program, &n);
        if (r == -ERANGE)
                return error_set(l->err, EINVAL, "linux.resources.devices: no device has such a number");
        if (r < 0)
                return error_set(l->err, -r, "out of memory");
        fd = hierarchy_open_file(l->h, ".", O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return error_errno(l->err, -fd, "open cgroup %s%s", l->h->root, l->h->path ? l->h->path : "");
        r = bpf_device_attach(fd, program, n, l->err);
        return r < 0 ? error_wrap(l->err, "linux.resources.devices") : 0;
}
