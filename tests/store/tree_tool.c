/* SPDX-License-Identifier: Apache-2.0 */
/* tree_tool archive DIRECTORY NAME AS [overlay]: the tree as an archive, on standard output.
 * tree_tool extract ROOT BASE: the archive on standard input becomes files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "store/tar_extract.h"
#include "store/tar_tree.h"
#include "sys/fd.h"

struct input {
        char data[256 << 10];
};

static ssize_t read_stdin(void *userdata, const void **ret, struct error *err)
{
        struct input *in = userdata;
        ssize_t got = read(STDIN_FILENO, in->data, sizeof in->data);

        *ret = in->data;
        return got < 0 ? error_errno(err, errno, "read the archive") : got;
}

static int archive(int dir, char **argv, bool overlay, struct error *err)
{
        const struct tar_tree_options o = { .dir = dir, .name = argv[0], .as = argv[1], .overlay = overlay };
        own_tar_tree struct tar_tree *tree = tar_tree_new(&o);
        const void *piece;
        ssize_t n;

        if (!tree)
                return error_set(err, ENOMEM, "out of memory");
        while ((n = tar_tree_read(tree, &piece, err)) > 0) {
                if (fd_write_all(STDOUT_FILENO, piece, (size_t)n) < 0)
                        return error_set(err, EIO, "write the archive");
        }
        return (int)n;
}

static int extract(int root, const char *base, struct error *err)
{
        const struct tar_extract_options o = { .root = root, .base = base };
        own_mem struct input *in = calloc(1, sizeof *in);
        own_tar_reader struct tar_reader *tar = in ? tar_reader_new(read_stdin, NULL, in) : NULL;

        return tar ? tar_extract(tar, &o, err) : error_set(err, ENOMEM, "out of memory");
}

int main(int argc, char **argv)
{
        bool is_archive = argc >= 5 && strcmp(argv[1], "archive") == 0;
        own_fd int dir = argc >= 4 ? open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        struct error err;
        int r;

        if (dir < 0) {
                fprintf(stderr, "usage: %s archive DIRECTORY NAME AS [overlay]\n       %s extract ROOT BASE\n", argv[0],
                        argv[0]);
                return 2;
        }
        r = is_archive ? archive(dir, argv + 3, argc == 6, &err) : extract(dir, argv[3], &err);
        if (r < 0)
                fprintf(stderr, "%s\n", err.text);
        return r < 0;
}
