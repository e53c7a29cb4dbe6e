/* SPDX-License-Identifier: Apache-2.0 */
/* holt-share: started by holt-vm, with its descriptors (share/share.h), not by hand. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "share/share.h"

enum { STATUS_FAILED = 1, STATUS_MISUSED = 125 };

static bool is_socket(int fd)
{
        int type;
        socklen_t len = sizeof type;

        return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

static int serve(const int *roots, size_t n, bool is_copy, struct error *err)
{
        struct share_server *s = share_server_new(SHARE_STREAM, roots, n);
        int r = s && is_copy ? share_server_follow(s) : 0;

        if (!s)
                return error_set(err, ENOMEM, "out of memory");
        r = r < 0 ? error_errno(err, -r, "draw a number") : share_sandbox_enter(err);
        if (r == 0)
                r = share_serve(s, err);
        share_server_free(s);
        return r;
}

int main(int argc, char **argv)
{
        struct error err = {};
        int roots[SHARE_MAX];
        uint32_t n = 0;

        if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], SHARE_OF_COPY) != 0) ||
            parse_u32(argv[1], 10, &n) < 0 || !n || n > SHARE_MAX || !is_socket(SHARE_STREAM)) {
                fputs("holt-share: it is started by holt-vm, with its descriptors\n", stderr);
                return STATUS_MISUSED;
        }
        for (uint32_t i = 0; i < n; i++)
                roots[i] = SHARE_FIRST + (int)i;
        if (serve(roots, n, argc == 3, &err) == 0)
                return 0;
        fprintf(stderr, "holt-share: %s\n", err.text);
        return STATUS_FAILED;
}
