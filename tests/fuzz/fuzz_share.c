/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest may say to holt-share: requests of FUSE, about a directory that goes with the process. */
#include <fcntl.h>
#include <sys/socket.h>

#include "share/share.h"

#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Answers that nobody waits for. */
static void read_away(int fd)
{
        static char bytes[64 << 10];

        while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
                continue;
}

/* Of a stream that takes no more the server thinks that it has ended: it does not wait for who is the same process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static int pair[2] = { -1, -1 }, root = -1;
        struct share_server *s;
        struct error err;

        if (root < 0) {
                scratch_write("file", (const uint8_t *)"content", 7);
                root = open(scratch_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (share_enter_descriptors(&err) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
                        exit(77);
        }
        s = share_server_new(pair[0], &root, 1);
        if (!s)
                abort();
        for (size_t at = 0; at < size; at += 4096) {
                if (share_serve_bytes(s, data + at, size - at < 4096 ? size - at : 4096) < 0)
                        break;
                read_away(pair[1]);
        }
        read_away(pair[1]);
        share_server_free(s);
        return 0;
}
