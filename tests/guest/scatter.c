/* SPDX-License-Identifier: Apache-2.0 */
/* scatter FILE BLOCKS: writes so many blocks of 4 KB, each at another place in the first GB of the file. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096, PLACES = 1 << 18, STEP = 104729 };

int main(int argc, char **argv)
{
        char block[BLOCK];
        long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
        int fd = argc == 3 ? open(argv[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;

        for (long i = 0; i < n; i++) {
                memset(block, (int)(i % 251) + 1, sizeof(block));
                if (pwrite(fd, block, sizeof(block), i * STEP % PLACES * BLOCK) != BLOCK)
                        return 1;
        }
        return n < 1 || fsync(fd) < 0;
}
