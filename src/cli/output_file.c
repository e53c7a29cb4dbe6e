/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

int output_file_open(const char *path, struct output_file *ret, struct error *err)
{
        own_mem char *temporary = NULL;
        struct stat st;
        mode_t mask;
        int fd;

        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
                fd = open(path, O_WRONLY | O_CLOEXEC);
                if (fd < 0)
                        return error_errno(err, errno, "%s", path);
                *ret = (struct output_file){ .path = path, .fd = fd };
                return 0;
        }
        if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
                temporary = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "%s", path);
        /* mkostemp() lets nobody else read it. */
        mask = umask(0);
        umask(mask);
        (void)fchmod(fd, 0666 & ~mask);
        *ret = (struct output_file){ .path = path, .temporary = take_ptr(temporary), .fd = fd };
        return 0;
}

int output_file_commit(struct output_file *f, struct error *err)
{
        int fd = take_fd(&f->fd);

        if (close(fd) < 0 || (f->temporary && rename(f->temporary, f->path) < 0))
                return error_errno(err, errno, "%s", f->path);
        free(f->temporary);
        f->temporary = NULL;
        return 0;
}

void output_file_finish(struct output_file *f)
{
        if (f->fd >= 0)
                close(f->fd);
        if (f->temporary)
                unlink(f->temporary);
        free(f->temporary);
        *f = (struct output_file)OUTPUT_FILE_NONE;
}
