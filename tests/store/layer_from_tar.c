/* SPDX-License-Identifier: Apache-2.0 */
/* layer_from_tar FILE: the archive on standard input becomes a layer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/own.h"
#include "store/layer_write.h"

static ssize_t read_stdin(void *userdata, void *data, size_t n)
{
        ssize_t got = read(STDIN_FILENO, data, n);

        return got < 0 ? -errno : got;
}

static int convert(int fd, struct error *err)
{
        static const uint8_t uuid[16];
        own_tar_reader struct tar_reader *tar = tar_reader_new(read_stdin, NULL, NULL);
        own_layer_writer struct layer_writer w = {};
        int r = tar ? layer_writer_init(&w, fd, err) : error_set(err, ENOMEM, "out of memory");

        if (r == 0)
                r = layer_writer_add(&w, tar, err);
        return r == 0 ? layer_writer_end(&w, uuid, err) : r;
}

int main(int argc, char **argv)
{
        own_fd int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
        struct error err;

        if (fd < 0) {
                fprintf(stderr, "usage: %s FILE < ARCHIVE\n", argv[0]);
                return 2;
        }
        if (convert(fd, &err) < 0) {
                fprintf(stderr, "%s\n", err.text);
                return 1;
        }
        return 0;
}
