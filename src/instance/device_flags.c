/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/device_flags.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "instance/flag_value.h"

/* How deep --device looks below a directory. */
enum { MAX_DEPTH = 8 };

struct device {
        const char *path;   /* in the container */
        const char *access; /* of its rule: of "rwm"; NULL: it needs none */
        struct stat st;
};

void devices_finish(struct devices *d)
{
        free(d->items);
        arena_finish(&d->arena);
        *d = (struct devices){};
}

/* Of two at one place the later one counts. */
static int add(struct devices *d, const char *path, const char *access, const struct stat *st, struct error *err)
{
        struct device new = { .path = arena_strdup(&d->arena, path), .access = access, .st = *st };
        size_t i = 0;

        if (!new.path)
                return error_set(err, ENOMEM, "out of memory");
        while (i < d->n && strcmp(d->items[i].path, path) != 0)
                i++;
        if (i == d->n && array_grow(&d->items, &d->cap, d->n + 1, sizeof *d->items) < 0)
                return error_set(err, ENOMEM, "out of memory");
        d->items[i] = new;
        d->n += i == d->n;
        return 0;
}

static bool is_device(const struct stat *st)
{
        return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

/* ---- directories ---- */

struct search {
        struct devices *to;
        const char *access;
        bool is_user; /* leave out what we may not open */
        unsigned depth;
};

static int add_directory(const struct search *s, int fd, const char *inside, struct error *err);

static int add_entry(const struct search *s, DIR *dir, const char *name, const char *inside, struct error *err)
{
        struct search below = *s;
        own_mem char *path = NULL;
        struct stat st;
        int fd;

        if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        if (asprintf(&path, "%s/%s", inside, name) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        if (is_device(&st))
                return s->is_user && faccessat(dirfd(dir), name, R_OK, 0) < 0 ? 0
                                                                              : add(s->to, path, s->access, &st, err);
        if (!S_ISDIR(st.st_mode) || s->depth >= MAX_DEPTH)
                return 0;
        fd = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        below.depth++;
        return fd < 0 ? 0 : add_directory(&below, fd, path, err);
}

/* What a container has of its own there, or what is no device (moby: oci/devices_linux.go). */
static bool is_left_out(const char *name)
{
        static const char *const names[] = { ".",      "..",   "pts",   "shm",     "fd",
                                             "mqueue", ".lxc", ".udev", "console", ".lxd-mounts" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (strcmp(name, names[i]) == 0)
                        return true;
        }
        return false;
}

/* Closes fd. */
static int add_directory(const struct search *s, int fd, const char *inside, struct error *err)
{
        own_dir DIR *dir = fdopendir(fd);
        struct dirent *e;
        int r = 0;

        if (!dir) {
                close(fd);
                return error_errno(err, errno, "read the directory of %s", inside);
        }
        while (r == 0 && (e = readdir(dir))) {
                if (!is_left_out(e->d_name))
                        r = add_entry(s, dir, e->d_name, inside, err);
        }
        return r;
}

static int add_host(struct devices *d, bool is_user, struct error *err)
{
        const struct search s = { .to = d, .is_user = is_user };
        int fd = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, "open /dev") : add_directory(&s, fd, "/dev", err);
}

/* ---- --device HOST[:INSIDE][:rwm] ---- */

static bool is_access(const char *text)
{
        return *text && strlen(text) <= 3 && strspn(text, "rwm") == strlen(text);
}

/* Cuts text at its colons. */
static int cut(char *text, const char *flag_text, const char **ret_inside, const char **ret_access, struct error *err)
{
        char *second = strchr(text, ':'), *third;

        *ret_inside = text;
        *ret_access = "rwm";
        if (!second)
                return 0;
        *second++ = '\0';
        if (is_access(second)) {
                *ret_access = second;
                return 0;
        }
        *ret_inside = second;
        third = strchr(second, ':');
        if (third) {
                *third++ = '\0';
                *ret_access = third;
        }
        if (*second != '/')
                return flag_refuse("device", flag_text, "the path in the container must be absolute", err);
        return is_access(*ret_access) ? 0 : flag_refuse("device", flag_text, "its access must be of r, w and m", err);
}

static int add_flag(struct devices *d, const char *text, struct error *err)
{
        char *copy = arena_strdup(&d->arena, text);
        const char *inside, *access;
        struct stat st;
        int r, fd;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        r = cut(copy, text, &inside, &access, err);
        if (r < 0)
                return r;
        if (*copy != '/')
                return flag_refuse("device", text,
                                   strchr(text, '=') ? "CDI devices are not there yet" : "its path must be absolute",
                                   err);
        if (stat(copy, &st) < 0)
                return error_errno(err, errno, "--device %s", copy);
        if (is_device(&st))
                return add(d, inside, access, &st, err);
        if (!S_ISDIR(st.st_mode))
                return error_set(err, EINVAL, "--device %s: no device", copy);
        fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "--device %s", copy);
        return add_directory(&(struct search){ .to = d, .access = access }, fd, inside, err);
}

int device_flags_read(const struct instance_options *o, bool is_user, bool in_guest, struct devices *ret,
                      struct error *err)
{
        own_devices struct devices d = {};
        int r = o->privileged && !in_guest ? add_host(&d, is_user, err) : 0;

        for (size_t i = 0; r == 0 && o->device && o->device[i]; i++)
                r = add_flag(&d, o->device[i], err);
        if (r < 0)
                return r;
        *ret = d;
        d = (struct devices){};
        return 0;
}

void device_flags_write(const struct devices *d, struct json_writer *w)
{
        json_begin_array(w, "devices");
        for (size_t i = 0; i < d->n; i++) {
                const struct device *v = &d->items[i];

                json_begin_object(w, NULL);
                json_write_string(w, "path", v->path);
                json_write_string(w, "type", S_ISCHR(v->st.st_mode) ? "c" : "b");
                json_write_u64(w, "major", major(v->st.st_rdev));
                json_write_u64(w, "minor", minor(v->st.st_rdev));
                json_write_u64(w, "fileMode", v->st.st_mode & 0777);
                json_write_u64(w, "uid", v->st.st_uid);
                json_write_u64(w, "gid", v->st.st_gid);
                json_end_object(w);
        }
        json_end_array(w);
}

/* ---- rules ---- */

/* "*" is any. */
static int write_number(const char *key, const char *text, size_t n, struct json_writer *w)
{
        int64_t number;
        char digits[16];

        if (n == 1 && *text == '*')
                return 0;
        snprintf(digits, sizeof digits, "%.*s", (int)n, text);
        if (!n || n > 9 || strspn(digits, "0123456789") != n || flag_i64("", digits, 0, INT32_MAX, &number, NULL) < 0)
                return -EINVAL;
        json_write_i64(w, key, number);
        return 0;
}

/* "c 10:200 rwm" */
static int write_rule(const char *text, struct json_writer *w, struct error *err)
{
        const char type[] = { *text, '\0' }, *major_at = *text && text[1] == ' ' ? text + 2 : "";
        size_t n = strcspn(major_at, ":"), k;
        const char *minor_at = major_at[n] ? major_at + n + 1 : "", *access;
        bool is_bad = !*text || !strchr("acb", *text);

        k = strcspn(minor_at, " ");
        access = minor_at[k] ? minor_at + k + 1 : "";
        json_begin_object(w, NULL);
        json_write_bool(w, "allow", true);
        json_write_string(w, "type", type);
        is_bad |= write_number("major", major_at, n, w) < 0;
        is_bad |= write_number("minor", minor_at, k, w) < 0;
        json_write_string(w, "access", access);
        json_end_object(w);
        return is_bad || !is_access(access)
                       ? flag_refuse("device-cgroup-rule", text, "must be such as \"c 10:200 rwm\" or \"b 8:* r\"", err)
                       : 0;
}

static void write_device_rule(const struct device *d, struct json_writer *w)
{
        json_begin_object(w, NULL);
        json_write_bool(w, "allow", true);
        json_write_string(w, "type", S_ISCHR(d->st.st_mode) ? "c" : "b");
        json_write_u64(w, "major", major(d->st.st_rdev));
        json_write_u64(w, "minor", minor(d->st.st_rdev));
        json_write_string(w, "access", d->access);
        json_end_object(w);
}

/* All is forbidden but what every container has, which the runtime adds, and what was asked for. */
int device_flags_write_rules(const struct instance_options *o, const struct devices *d, struct json_writer *w,
                             struct error *err)
{
        int r = 0;

        json_begin_array(w, "devices");
        json_begin_object(w, NULL);
        json_write_bool(w, "allow", o->privileged);
        json_write_string(w, "access", "rwm");
        json_end_object(w);
        for (size_t i = 0; !o->privileged && i < d->n; i++)
                write_device_rule(&d->items[i], w);
        for (size_t i = 0; r == 0 && o->device_cgroup_rule && o->device_cgroup_rule[i]; i++)
                r = write_rule(o->device_cgroup_rule[i], w, err);
        json_end_array(w);
        return r;
}
