/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build or a package manager does: many small files are written, some to the disk itself, read again, looked at,
 * renamed, and half of them removed. The other half stays, so that it is seen on the disk.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workload.h"

enum { FILES_OF_100 = 1500, IN_A_DIRECTORY = 50, MAX_SIZE = 32 << 10, SYNC_EVERY = 250 };

struct place {
        char dir[32], name[64], other[64];
};

static void find_place(unsigned i, struct place *ret)
{
        snprintf(ret->dir, sizeof ret->dir, "holt-workload.%u", i / IN_A_DIRECTORY);
        snprintf(ret->name, sizeof ret->name, "%s/new.%u", ret->dir, i);
        snprintf(ret->other, sizeof ret->other, "%s/%u", ret->dir, i);
}

static int write_file(unsigned i, const char *data, size_t size)
{
        struct place p;
        int fd, r;

        find_place(i, &p);
        if (i % IN_A_DIRECTORY == 0 && mkdir(p.dir, 0755) < 0)
                return -1;
        fd = open(p.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
                return -1;
        r = write_all(fd, data, size);
        if (r == 0 && i % SYNC_EVERY == 0)
                r = fsync(fd);
        close(fd);
        return r < 0 ? r : rename(p.name, p.other);
}

static int read_file(unsigned i, char *data, uint64_t *sum)
{
        struct place p;
        struct stat st;
        int fd, r = -1;

        find_place(i, &p);
        fd = open(p.other, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -1;
        if (fstat(fd, &st) == 0 && st.st_size <= MAX_SIZE)
                r = read_all(fd, data, (size_t)st.st_size);
        close(fd);
        if (r < 0)
                return r;
        *sum += (uint64_t)st.st_size + (unsigned char)data[0];
        return i % 2 ? unlink(p.other) : 0;
}

uint64_t work_files(unsigned amount, const char *program)
{
        static char data[MAX_SIZE];
        unsigned files = amount * FILES_OF_100 / 100 + 1;
        uint64_t state = 1, sum = 0;

        for (unsigned i = 0; i < files; i++) {
                memset(data, (int)(i & 0xff), sizeof data);
                if (write_file(i, data, 1 + next_number(&state) % MAX_SIZE) < 0)
                        return FAILED;
        }
        for (unsigned i = 0; i < files; i++)
                if (read_file(i, data, &sum) < 0)
                        return FAILED;
        return sum;
}
