/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "workload.h"

int read_all(int fd, void *data, size_t len)
{
        char *at = data;

        while (len) {
                ssize_t n = read(fd, at, len);

                if (n == 0)
                        errno = EPIPE;
                if (n <= 0)
                        return -1;
                at += n;
                len -= (size_t)n;
        }
        return 0;
}

int write_all(int fd, const void *data, size_t len)
{
        const char *at = data;

        while (len) {
                ssize_t n = write(fd, at, len);

                if (n < 0)
                        return -1;
                at += n;
                len -= (size_t)n;
        }
        return 0;
}
