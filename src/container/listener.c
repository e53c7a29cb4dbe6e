/* SPDX-License-Identifier: Apache-2.0 */
#include "container/listener.h"

#include <errno.h>

#include "base/own.h"
#include "container/seccomp.h"
#include "sys/fd.h"

int listener_pass(const char *path, const char *metadata, int listener, pid_t pid, const char *state, struct error *err)
{
        own_fd int sock = fd_connect_unix(path);

        if (sock < 0)
                return error_errno(err, -sock, "failed to connect with seccomp agent %s", path);
        return seccomp_send_listener(sock, listener, metadata, pid, state, err);
}

int listener_pass_of(struct container *c, enum container_status status, int listener, pid_t pid, struct error *err)
{
        const char *path = NULL, *metadata = NULL;
        own_buf struct buf state = {};
        int r;

        json_get_string(c->json, "seccompListener", &path, NULL);
        json_get_string(c->json, "seccompMetadata", &metadata, NULL);
        if (!path)
                return error_set(err, EINVAL, "the container's seccomp filter notifies but has no listenerPath");
        r = container_describe(c, status, &state, err);
        return r < 0 ? r : listener_pass(path, metadata, listener, pid, buf_str(&state), err);
}
