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
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/user_namespace.h"

int namespaces_map_users(pid_t pid, const struct spec_linux *l, struct error *err)
{
        return user_namespace_map(pid, &l->uid_mappings, &l->gid_mappings, err);
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
