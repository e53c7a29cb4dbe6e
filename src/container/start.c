/* SPDX-License-Identifier: Apache-2.0 */
/* start: lets a created container's init go on, and hears how its exec went. */
#include <errno.h>
#include <unistd.h>

#include "base/own.h"
#include "container/container.h"
#include "container/lifecycle.h"
#include "container/listener.h"
#include "container/message.h"
#include "container/start_socket.h"
#include "container/state.h"

/* Until the end of the stream: init executed the program. */
static int follow(struct container *c, int sock, struct error *err)
{
        for (;;) {
                own_fd int fd = -1;
                struct message m;
                int r = message_receive(sock, &m, &fd);

                if (r < 0)
                        return error_errno(err, -r, "talk to the container's first process");
                if (r == 0)
                        return 0;
                if (m.type == MESSAGE_ERROR) {
                        *err = m.error;
                        return -err->code;
                }
                if (m.type == MESSAGE_LISTENER) {
                        r = listener_pass_of(c, CONTAINER_CREATED, fd, c->pid, err);
                        if (r < 0) {
                                lifecycle_kill_init(c);
                                return r;
                        }
                }
        }
}

static int begin(struct container *c, struct error *err)
{
        own_fd int sock = start_socket_connect(c);
        int r;

        if (sock < 0)
                return error_set(err, EINVAL, "cannot start a container that is not in the created state");
        r = message_send(sock, MESSAGE_GO, -1);
        /* Somebody else's start was first: the socket closes without an answer. */
        if (r < 0 || message_expect(sock, MESSAGE_GO, NULL, err) < 0)
                return error_set(err, EINVAL, "cannot start a container that is not in the created state");
        return follow(c, sock, err);
}

int container_start(struct container *c, struct error *err)
{
        char name[STATE_NAME_MAX];
        enum container_status status;
        int r;

        r = lifecycle_status(c, &status, err);
        if (r < 0)
                return r;
        if (status == CONTAINER_STOPPED)
                return error_set(err, EINVAL, "cannot start a container that has stopped");
        if (status != CONTAINER_CREATED)
                return error_set(err, EINVAL, "cannot start an already running container");
        r = begin(c, err);
        if (r < 0)
                return r;
        state_file_name(c->id, STATE_START_SOCKET, name);
        unlinkat(c->rootfd, name, 0);
        r = lifecycle_run_hooks(c, "poststart", CONTAINER_RUNNING, false, err);
        if (r < 0)
                lifecycle_kill_init(c);
        return r;
}
