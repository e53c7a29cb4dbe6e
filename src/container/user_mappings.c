/* SPDX-License-Identifier: Apache-2.0 */
/* The uid and gid mappings of user namespaces (user_namespaces(7)). */
#include "container/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/process.h"

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

static int map_rootless(pid_t pid, const struct spec_linux *l, struct error *err)
{
        int r;

        r = is_own_id(&l->uid_mappings, geteuid()) ? write_map(pid, "uid_map", &l->uid_mappings, err)
                                                   : run_helper("newuidmap", pid, &l->uid_mappings, err);
        if (r < 0)
                return r;
        if (!is_own_id(&l->gid_mappings, getegid()))
                return run_helper("newgidmap", pid, &l->gid_mappings, err);
        r = write_proc(pid, "setgroups", "deny", err);
        return r < 0 ? r : write_map(pid, "gid_map", &l->gid_mappings, err);
}

int namespaces_map_users(pid_t pid, const struct spec_linux *l, struct error *err)
{
        int r;

        if (geteuid() != 0)
                return map_rootless(pid, l, err);
        r = write_map(pid, "uid_map", &l->uid_mappings, err);
        return r < 0 ? r : write_map(pid, "gid_map", &l->gid_mappings, err);
}

/* The next number of the kernel's table, and what follows it; NULL when there is none. */
static const char *take_number(const char *p, uint32_t *ret)
{
        char digits[16];
        size_t n;

        p += strspn(p, " \n");
        n = strspn(p, "0123456789");
        if (n >= sizeof digits)
                return NULL;
        memcpy(digits, p, n);
        digits[n] = '\0';
        return parse_u32(digits, 10, ret) < 0 ? NULL : p + n;
}

static int check_map(const char *file, const struct id_mappings *m, struct error *err)
{
        char text[8192];
        const char *p = text;
        ssize_t len;

        if (!m->n)
                return 0;
        len = fd_read_file_at(AT_FDCWD, file, text, sizeof text);
        if (len < 0)
                return error_errno(err, (int)-len, "read %s", file);
        for (size_t i = 0; p && i < m->n; i++) {
                const uint32_t want[] = { m->v[i].container_id, m->v[i].host_id, m->v[i].size };
                uint32_t got = 0;

                for (size_t k = 0; p && k < ARRAY_SIZE(want); k++) {
                        p = take_number(p, &got);
                        if (p && got != want[k])
                                p = NULL;
                }
        }
        return p && !p[strspn(p, " \n")]
                       ? 0
                       : error_set(err, EINVAL, "the mappings of the joined user namespace are others (%s)", file);
}

int namespaces_check_mappings(const struct spec_linux *l, struct error *err)
{
        int r = check_map("/proc/self/uid_map", &l->uid_mappings, err);

        return r < 0 ? r : check_map("/proc/self/gid_map", &l->gid_mappings, err);
}

int namespaces_new_userns(const struct id_mappings *uids, const struct id_mappings *gids, struct error *err)
{
        struct clone_options o = { .flags = CLONE_NEWUSER, .cgroup_fd = -1 };
        struct spec_linux l = { .uid_mappings = *uids, .gid_mappings = *gids };
        char path[64];
        int fd, r, hold[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, hold) < 0)
                return error_errno(err, errno, "socketpair");
        pid = process_clone(&o);
        if (pid == 0) {
                char c;

                close(hold[0]);
                _exit(read(hold[1], &c, 1) < 0);
        }
        close(hold[1]);
        if (pid < 0) {
                close(hold[0]);
                return error_errno(err, -pid, "make a user namespace for the mount's mappings");
        }
        snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
        r = namespaces_map_users(pid, &l, err);
        fd = r < 0 ? r : open(path, O_RDONLY | O_CLOEXEC);
        if (r == 0 && fd < 0)
                fd = error_errno(err, errno, "open %s", path);
        close(hold[0]);
        process_wait(pid);
        return fd;
}
