/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of its corpus, where there is no libFuzzer: replay_NAME DIRECTORY. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes stand in memory of exactly their size, so that a sanitizer sees what is read behind them. */
static int file_run(int dir, const char *name)
{
        own_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        own_mem uint8_t *data = NULL;
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -1;
        if (!S_ISREG(st.st_mode))
                return 0;
        data = malloc(st.st_size ? (size_t)st.st_size : 1);
        n = data ? read(fd, data, (size_t)st.st_size) : -1;
        if (n != st.st_size)
                return -1;
        LLVMFuzzerTestOneInput(data, (size_t)n);
        return 1;
}

int main(int argc, char **argv)
{
        own_dir DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
        int run = 0;

        if (!dir) {
                fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
                return 2;
        }
        for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
                int r = file_run(dirfd(dir), e->d_name);

                if (r < 0) {
                        perror(e->d_name);
                        return 1;
                }
                run += r;
        }
        printf("%d files\n", run);
        return run ? 0 : 1;
}
