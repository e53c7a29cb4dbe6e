/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/own.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/subordinate_ids.h"

/* The kernel's PROC_USER_INIT_INO, fixed since Linux 3.8. */
static const ino_t FIRST_USER_NAMESPACE = 0xEFFFFFFDU;

bool user_namespace_is_nested(void)
{
        struct stat s;

        return stat("/proc/self/ns/user", &s) == 0 && s.st_ino != FIRST_USER_NAMESPACE;
}

/* ---- mappings ---- */

static int write_proc(pid_t pid, const char *file, const char *text, struct error *err)
{
        char path[64];
        int r;

        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
        r = fd_write_file_at(AT_FDCWD, path, text);
        return r < 0 ? error_errno(err, -r, "write %s", file) : 0;
}

static int write_map(pid_t pid, const char *file, const struct id_mappings *m, struct error *err)
{
        own_buf struct buf text = {};

        for (size_t i = 0; i < m->n; i++)
                buf_addf(&text, "%u %u %u\n", m->v[i].container_id, m->v[i].host_id, m->v[i].size);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        return write_proc(pid, file, buf_str(&text), err);
}

/* newuidmap PID CONTAINER HOST SIZE ...: the set-uid helper that knows /etc/subuid. */
static int run_helper(const char *helper, pid_t pid, const struct id_mappings *m, struct error *err)
{
        char number[16];
        struct arena a = {};
        const char **argv = arena_alloc(&a, 3 + 3 * m->n, sizeof *argv);
        size_t n = 0;
        pid_t child;
        int status;

        if (!argv)
                return error_set(err, ENOMEM, "out of memory");
        argv[n++] = helper;
        snprintf(number, sizeof number, "%d", (int)pid);
        argv[n++] = arena_strdup(&a, number);
        for (size_t i = 0; i < m->n; i++) {
                const uint32_t ids[] = { m->v[i].container_id, m->v[i].host_id, m->v[i].size };

                for (size_t k = 0; k < ARRAY_SIZE(ids); k++) {
                        snprintf(number, sizeof number, "%u", ids[k]);
                        argv[n++] = arena_strdup(&a, number);
                }
        }
        child = fork();
        if (child == 0) {
                execvp(helper, (char *const *)argv);
                _exit(errno == ENOENT ? 127 : 126);
        }
        arena_finish(&a);
        status = child < 0 ? -errno : process_wait(child);
        if (status < 0)
                return error_errno(err, -status, "run %s", helper);
        if (status == 127)
                return error_set(err, ENOENT, "%s is not installed: install the package uidmap", helper);
        return status ? error_set(err, EPERM, "%s failed (exit status %d): see /etc/subuid and /etc/subgid", helper,
                                  status)
                      : 0;
}

static bool is_own_id(const struct id_mappings *m, uint32_t id)
{
        return m->n == 1 && m->v[0].size == 1 && m->v[0].host_id == id;
}

static int map_by_helpers(pid_t pid, const struct id_mappings *uids, const struct id_mappings *gids, struct error *err)
{
        int r;

        r = is_own_id(uids, geteuid()) ? write_map(pid, "uid_map", uids, err) : run_helper("newuidmap", pid, uids, err);
        if (r < 0)
                return r;
        if (!is_own_id(gids, getegid()))
                return run_helper("newgidmap", pid, gids, err);
        r = write_proc(pid, "setgroups", "deny", err);
        return r < 0 ? r : write_map(pid, "gid_map", gids, err);
}

int user_namespace_map(pid_t pid, const struct id_mappings *uids, const struct id_mappings *gids, struct error *err)
{
        int r;

        if (geteuid() != 0)
                return map_by_helpers(pid, uids, gids, err);
        r = write_map(pid, "uid_map", uids, err);
        return r < 0 ? r : write_map(pid, "gid_map", gids, err);
}

/* ---- a namespace of our own ---- */

static int find_ids(struct arena *a, struct id_mappings *uids, struct id_mappings *gids, bool *ret_one,
                    struct error *err)
{
        int r;

        *uids = *gids = (struct id_mappings){};
        r = subordinate_ids_find("/etc/subuid", geteuid(), geteuid(), a, uids, err);

        if (r == 0)
                r = subordinate_ids_find("/etc/subgid", geteuid(), getegid(), a, gids, err);
        *ret_one = uids->n == 1 || gids->n == 1;
        return r;
}

/*
 * The process beside, which stays where it is: only from there can ids be given to us. Ours are those of before: the
 * kernel, and newuidmap, want to see that.
 */
static _Noreturn void map_parent(pid_t parent, int sock, const struct id_mappings *uids, const struct id_mappings *gids)
{
        struct error err = {};
        char go;
        int r = read(sock, &go, 1) == 1 ? user_namespace_map(parent, uids, gids, &err) : 0;

        if (r < 0)
                (void)!write(sock, &err, sizeof err);
        _exit(r < 0);
}

/* 0, or what the helper says. */
static int ask_helper(int sock, pid_t helper, struct error *err)
{
        struct error told;
        int status, r = 0;

        if (write(sock, "", 1) != 1)
                r = error_errno(err, errno, "tell the process that maps ids");
        status = process_wait(helper);
        if (r < 0 || status == 0)
                return r;
        if (recv(sock, &told, sizeof told, MSG_DONTWAIT) != sizeof told)
                return error_set(err, EPERM, "the process that maps ids died");
        told.text[sizeof told.text - 1] = '\0';
        return error_set(err, told.code, "%s", told.text);
}

static int map_self(uid_t uid, gid_t gid, struct error *err)
{
        struct id_mapping user = { 0, uid, 1 }, group = { 0, gid, 1 };
        const struct id_mappings uids = { 1, &user }, gids = { 1, &group };
        int r = write_proc(getpid(), "setgroups", "deny", err);

        if (r == 0)
                r = write_map(getpid(), "uid_map", &uids, err);
        return r < 0 ? r : write_map(getpid(), "gid_map", &gids, err);
}

static int make_namespaces(struct error *err)
{
        return unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0
                       ? error_errno(err, errno,
                                     "make a user namespace (see the sysctls user.max_user_namespaces and "
                                     "kernel.unprivileged_userns_clone)")
                       : 0;
}

static int enter_with_helper(const struct id_mappings *uids, const struct id_mappings *gids, struct error *err)
{
        struct clone_options o = { .cgroup_fd = -1 };
        uid_t uid = geteuid();
        gid_t gid = getegid();
        pid_t self = getpid(), helper;
        int sock[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
                return error_errno(err, errno, "socketpair");
        helper = process_clone(&o);
        if (helper == 0) {
                close(sock[0]);
                map_parent(self, sock[1], uids, gids);
        }
        close(sock[1]);
        r = helper < 0 ? error_errno(err, -helper, "make a process that maps ids") : make_namespaces(err);
        if (r == 0)
                r = ask_helper(sock[0], helper, err);
        close(sock[0]);
        if (r < 0 && helper > 0)
                process_wait(helper);
        return r == -ENOENT ? map_self(uid, gid, err) : r;
}

int user_namespace_enter(struct error *err)
{
        struct arena a = {};
        struct id_mappings uids, gids;
        uid_t uid = geteuid();
        gid_t gid = getegid();
        bool one = false;
        int r = find_ids(&a, &uids, &gids, &one, err);

        if (r == 0 && !one) {
                r = enter_with_helper(&uids, &gids, err);
        } else if (r == 0) {
                r = make_namespaces(err);
                r = r == 0 ? map_self(uid, gid, err) : r;
        }
        arena_finish(&a);
        return r;
}

bool user_namespace_has_one_id(void)
{
        char text[64];
        const char *size;

        /* The second line, if there is one, tells of others. */
        if (fd_read_file_at(AT_FDCWD, "/proc/self/uid_map", text, sizeof text) <= 0 || strchr(text, '\n'))
                return false;
        size = strrchr(text, ' ');
        return size && strcmp(size + 1, "1") == 0;
}

/* ---- trees ---- */

static _Noreturn void remove_there(int dirfd, const char *name, int sock)
{
        struct error err = {};
        int r = user_namespace_enter(&err);

        if (r == 0)
                r = fd_remove_tree_at(dirfd, name);
        if (r < 0 && !err.code)
                error_errno(&err, -r, "remove %s", name);
        if (r < 0)
                (void)!write(sock, &err, sizeof err);
        _exit(r < 0);
}

static int remove_from_there(int dirfd, const char *name, struct error *err)
{
        struct clone_options o = { .cgroup_fd = -1 };
        struct error told;
        int sock[2], r;
        pid_t child;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
                return error_errno(err, errno, "socketpair");
        child = process_clone(&o);
        if (child == 0)
                remove_there(dirfd, name, sock[1]);
        r = child < 0 ? child : process_wait(child);
        close(sock[1]);
        if (r < 0)
                error_errno(err, -r, "make a process that removes %s", name);
        else if (r > 0 && recv(sock[0], &told, sizeof told, MSG_DONTWAIT) == sizeof told)
                r = error_set(err, told.code, "%.*s", (int)sizeof told.text - 1, told.text);
        else if (r > 0)
                r = error_set(err, EIO, "the process that removes %s died", name);
        close(sock[0]);
        return r;
}

int user_namespace_remove_tree(int dirfd, const char *name, struct error *err)
{
        int r = fd_remove_tree_at(dirfd, name);

        /* What cannot be read or emptied is still there, and so is what it is in. */
        if ((r == -EACCES || r == -EPERM || r == -ENOTEMPTY) && geteuid() != 0)
                return remove_from_there(dirfd, name, err);
        return r < 0 ? error_errno(err, -r, "remove %s", name) : 0;
}
