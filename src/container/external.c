/* SPDX-License-Identifier: Apache-2.0 */
#include "container/external.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "container/criu_message.h"
#include "sys/fd.h"

enum { MAX_MOUNTINFO = 16 << 20, MAX_DESCRIPTORS = 1 << 16, MEM_MAJOR = 1 };

static const char descriptors[] = "descriptors.json";

const char *external_namespace(int type)
{
        return type == CLONE_NEWNET ? "extRootNetNS" : type == CLONE_NEWPID ? "extRootPidNS" : NULL;
}

const char *const external_devices[] = { "/dev/null",    "/dev/zero", "/dev/full", "/dev/random",
                                         "/dev/urandom", "/dev/tty",  NULL };

/* ---- paths ---- */

int external_path(int fd, char ret[PATH_MAX])
{
        char name[32];
        ssize_t n;

        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        n = readlink(name, ret, PATH_MAX - 1);
        if (n < 0)
                return -errno;
        ret[n] = '\0';
        return 0;
}

int external_resolve(int root, const char *destination, char ret[PATH_MAX], struct stat *ret_st)
{
        own_fd int fd = fd_open_in_root(root, destination, O_PATH);
        char top[PATH_MAX] = "", path[PATH_MAX] = "";
        size_t n;
        int r = fd < 0 ? fd : fstat(fd, ret_st) < 0 ? -errno : 0;

        if (r == 0)
                r = external_path(root, top);
        if (r == 0)
                r = external_path(fd, path);
        if (r < 0)
                return r;
        n = strcmp(top, "/") == 0 ? 0 : strlen(top);
        if (strncmp(path, top, n) != 0 || path[n] != '/')
                return -EXDEV;
        memmove(ret, path + n, strlen(path + n) + 1);
        return 0;
}

/* ---- cgroups ---- */

static void add_cgroup(const struct cgroup_hierarchy *h, const char *destination, bool unified, bool restoring,
                       struct buf *opts)
{
        const char *name = strrchr(h->root, '/');
        own_buf struct buf place = {}, source = {};

        if (!h->path || !name)
                return;
        buf_addf(&place, "%s%s", destination, unified ? "" : name);
        buf_addf(&source, "%s%s", h->root, h->path);
        opts->failed |= place.failed || source.failed;
        criu_add_pair(opts, CRIU_EXT_MNT, buf_str(&place), buf_str(restoring ? &source : &place));
}

void external_add_cgroups(const struct container *c, const struct spec *s, bool restoring, struct buf *opts)
{
        if (c->namespaces & CLONE_NEWCGROUP)
                return;
        for (size_t i = 0; i < s->n_mounts; i++) {
                const struct spec_mount *m = &s->mounts[i];

                if (!m->type || (strcmp(m->type, "cgroup") != 0 && strcmp(m->type, "cgroup2") != 0))
                        continue;
                for (size_t k = 0; k < c->cgroup.n; k++)
                        add_cgroup(&c->cgroup.h[k], m->destination, c->cgroup.unified, restoring, opts);
        }
}

/* ---- saving standard input, output and error ---- */

struct stdio {
        struct container *c;
        struct buf mounts; /* the container's mountinfo */
        pid_t *pids;       /* its processes */
        size_t n_pids;
};

/* Whether any process of the container holds the other end: `mode` is the permission of its link in /proc. */
static bool holds(pid_t pid, const char *link, mode_t mode)
{
        char name[64], text[PATH_MAX];
        own_dir DIR *dir = NULL;
        struct dirent *e;

        snprintf(name, sizeof name, "/proc/%d/fd", (int)pid);
        dir = opendir(name);
        while (dir && (e = readdir(dir))) {
                struct stat st;
                ssize_t n = readlinkat(dirfd(dir), e->d_name, text, sizeof text - 1);

                if (n < 0)
                        continue;
                text[n] = '\0';
                if (strcmp(text, link) == 0 && fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                    st.st_mode & mode)
                        return true;
        }
        return false;
}

static bool is_external_pipe(const struct stdio *s, const char *link, mode_t own_mode)
{
        mode_t other = own_mode & S_IWUSR ? S_IRUSR : S_IWUSR;

        if ((own_mode & (S_IRUSR | S_IWUSR)) == (S_IRUSR | S_IWUSR))
                return false;
        for (size_t i = 0; i < s->n_pids; i++) {
                if (holds(s->pids[i], link, other))
                        return false;
        }
        return true;
}

static bool has_mount(const struct stdio *s, long id)
{
        char text[32];
        size_t n = (size_t)snprintf(text, sizeof text, "%ld ", id);

        for (const char *line = buf_str(&s->mounts); line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, text, n) == 0)
                        return true;
        }
        return false;
}

static int mount_id(pid_t pid, int fd, long *ret)
{
        char name[64], text[256];
        const char *id;
        ssize_t n;

        snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", (int)pid, fd);
        n = fd_read_file_at(AT_FDCWD, name, text, sizeof text);
        id = n > 0 ? strstr(text, "mnt_id:") : NULL;
        if (!id)
                return -ENOENT;
        *ret = strtol(id + strlen("mnt_id:"), NULL, 10);
        return 0;
}

/* Terminals are criu's own business (--shell-job). */
static bool is_file(const struct stat *st)
{
        return S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode) ||
               (S_ISCHR(st->st_mode) && major(st->st_rdev) == MEM_MAJOR);
}

/* *ret: the name under which it is restored, or where it led, or "". */
static int save_one(const struct stdio *s, int fd, struct buf *opts, char ret[PATH_MAX])
{
        char name[64];
        struct stat st, link;
        ssize_t n;
        long id;

        snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)s->c->pid, fd);
        n = readlink(name, ret, PATH_MAX - 1);
        ret[n < 0 ? 0 : n] = '\0';
        if (n < 0 || lstat(name, &link) < 0 || stat(name, &st) < 0)
                return 0;
        if (strncmp(ret, "pipe:[", 6) == 0) {
                if (!is_external_pipe(s, ret, link.st_mode))
                        *ret = '\0';
                return 0;
        }
        if (!is_file(&st) || mount_id(s->c->pid, fd, &id) < 0 || has_mount(s, id))
                return 0;
        snprintf(ret, PATH_MAX, "file[%lx:%lx]", id, (unsigned long)st.st_ino);
        criu_add_text(opts, CRIU_EXTERNAL, ret);
        return 0;
}

static int learn(struct stdio *s, struct error *err)
{
        own_fd int fd = -1;
        char name[64];
        int r;

        snprintf(name, sizeof name, "/proc/%d/mountinfo", (int)s->c->pid);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : fd_read_all(fd, MAX_MOUNTINFO, &s->mounts);
        if (r < 0)
                return error_errno(err, -r, "read %s", name);
        return cgroup_pids(&s->c->cgroup, &s->pids, &s->n_pids, err);
}

static void forget(struct stdio *s)
{
        buf_finish(&s->mounts);
        free(s->pids);
}

int external_save_stdio(struct container *c, int images, struct buf *opts, struct error *err)
{
        struct stdio s = { .c = c };
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        char name[PATH_MAX];
        int r = learn(&s, err);

        json_begin_array(&w, NULL);
        for (int fd = 0; r == 0 && fd < 3; fd++) {
                r = save_one(&s, fd, opts, name);
                json_write_string(&w, NULL, name);
        }
        json_end_array(&w);
        forget(&s);
        if (r < 0)
                return r;
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        r = fd_replace_file_at(images, descriptors, text.data, text.len, 0600);
        return r < 0 ? error_errno(err, -r, "write %s beside the images", descriptors) : 0;
}

/* ---- restoring them ---- */

static bool is_restorable(const char *name)
{
        return strncmp(name, "pipe:[", 6) == 0 || strncmp(name, "file[", 5) == 0;
}

int external_restore_stdio(int images, struct buf *opts, struct error *err)
{
        own_fd int fd = openat(images, descriptors, O_RDONLY | O_CLOEXEC);
        own_json struct json_object *list = NULL;
        own_buf struct buf text = {};
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_DESCRIPTORS, &text);

        if (r < 0)
                return error_errno(err, -r, "read %s beside the images", descriptors);
        r = json_parse(buf_str(&text), text.len, &list, err);
        if (r < 0)
                return error_wrap(err, "%s", descriptors);
        if (!json_is_array(list))
                return error_set(err, EINVAL, "%s: not an array", descriptors);
        for (size_t i = 0; i < 3 && i < json_array_size(list); i++) {
                const char *name = json_string_value(json_array_item(list, i));

                if (name && is_restorable(name))
                        criu_add_numbered(opts, CRIU_INHERIT_FD, name, i);
        }
        return 0;
}
