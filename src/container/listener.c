/* SPDX-License-Identifier: Apache-2.0 */
#include "container/listener.h"

#include "base/own.h"
#include "container/seccomp.h"
#include "sys/fd.h"

int listener_pass(const char *path, const char *metadata, int listener, pid_t pid, const char *state, struct error *err)
{
        own_fd int sock = fd_connect_unix(path);

        if (sock < 0)
                return error_errno(err, -sock, "connect to the seccomp agent %s", path);
        return seccomp_send_listener(sock, listener, metadata, pid, state, err);
}
