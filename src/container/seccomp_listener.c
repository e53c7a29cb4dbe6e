/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/json.h"
#include "container/seccomp.h"
#include "sys/fd.h"

int seccomp_send_listener(int sock, int listener, const char *metadata, pid_t pid, const char *state_json,
                          struct error *err)
{
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out };
        int r;

        json_begin_object(&w, NULL);
        json_write_string(&w, "ociVersion", OCI_SPEC_VERSION);
        json_begin_array(&w, "fds");
        json_write_string(&w, NULL, "seccompFd");
        json_end_array(&w);
        json_write_i64(&w, "pid", pid);
        if (metadata)
                json_write_string(&w, "metadata", metadata);
        json_write_raw(&w, "state", state_json);
        json_end_object(&w);
        if (buf_failed(&out))
                return error_set(err, ENOMEM, "out of memory");
        r = fd_send(sock, out.data, out.len, &listener, 1);
        return r < 0 ? error_errno(err, -r, "seccomp: send to the listener") : 0;
}
