/* SPDX-License-Identifier: Apache-2.0 */
#include "container/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"

enum { FIRST_FD = 3, MAX_PRESERVED = 1 << 16, MAX_VARIABLES = 3 };

/* LISTEN_PID says for whom the sockets are: a variable that was inherited from somebody else's start names another. */
static unsigned count_listen_fds(void)
{
        const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
        uint32_t p, n;

        if (!pid || !fds || parse_u32(pid, 10, &p) < 0 || parse_u32(fds, 10, &n) < 0 || n > MAX_PRESERVED)
                return 0;
        return p == (uint32_t)getpid() ? n : 0;
}

int activation_read(const struct container_options *o, struct activation *ret, struct error *err)
{
        struct activation a = { .listen_fds = count_listen_fds(), .notify_socket = getenv("NOTIFY_SOCKET") };

        if (o->preserve_fds > MAX_PRESERVED)
                return error_set(err, EINVAL, "--preserve-fds %u: that many descriptors are not possible",
                                 o->preserve_fds);
        a.preserve_fds = a.listen_fds + o->preserve_fds;
        for (unsigned fd = FIRST_FD; fd < FIRST_FD + a.preserve_fds; fd++) {
                int flags = fcntl((int)fd, F_GETFD);

                /* Whatever is close-on-exec is ours. */
                if (flags < 0 || flags & FD_CLOEXEC)
                        return error_set(err, EBADF, "--preserve-fds %u: descriptor %u is not open", o->preserve_fds,
                                         fd);
        }
        if (a.notify_socket && *a.notify_socket != '/')
                a.notify_socket = NULL;
        *ret = a;
        return 0;
}

int activation_add_environment(const struct activation *a, struct spec *spec, struct error *err)
{
        struct str_list *env = &spec->process->env;
        char listen[32];
        const char **v;

        if (!a->listen_fds && !a->notify_socket)
                return 0;
        v = arena_alloc(&spec->arena, env->n + MAX_VARIABLES + 1, sizeof *v);
        if (!v)
                return error_set(err, ENOMEM, "out of memory");
        if (env->n)
                memcpy(v, env->v, env->n * sizeof *v);
        env->v = v;
        if (a->listen_fds) {
                snprintf(listen, sizeof listen, "LISTEN_FDS=%u", a->listen_fds);
                v[env->n] = arena_strdup(&spec->arena, listen);
                if (!v[env->n])
                        return error_set(err, ENOMEM, "out of memory");
                v[++env->n] = "LISTEN_PID=1";
                env->n++;
        }
        if (a->notify_socket)
                v[env->n++] = "NOTIFY_SOCKET=" ACTIVATION_NOTIFY_PATH;
        return 0;
}
