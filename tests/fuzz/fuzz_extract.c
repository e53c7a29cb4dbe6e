/* SPDX-License-Identifier: Apache-2.0 */
/* A stranger's archive, of which "box" is wanted: whatever it says, nothing else is touched. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "store/tar_extract.h"
#include "sys/fd.h"

enum { PIECE = 600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
        const uint8_t *data;
        size_t size;
};

static void require(bool holds)
{
        if (!holds)
                abort();
}

static ssize_t read_input(void *userdata, const void **ret, struct error *err)
{
        struct input *in = userdata;
        size_t n = in->size < PIECE ? in->size : PIECE;

        *ret = in->data;
        in->data += n;
        in->size -= n;
        return (ssize_t)n;
}

static void extract(int root, struct input *in)
{
        const struct tar_extract_options o = { .root = root,
                                               .base = "home",
                                               .chown = true,
                                               .uid = geteuid(),
                                               .gid = getegid(),
                                               .plain = true,
                                               .only = "box" };
        own_tar_reader struct tar_reader *tar = tar_reader_new(read_input, NULL, in);
        struct error err;

        if (tar)
                tar_extract(tar, &o, &err);
}

static void check(int root)
{
        struct stat st;

        require(unlinkat(root, "home/keys/mine", 0) == 0);
        require(unlinkat(root, "home/keys", AT_REMOVEDIR) == 0);
        require(fstatat(root, "home/box", &st, AT_SYMLINK_NOFOLLOW) == 0 || errno == ENOENT);
        require(fd_remove_tree_at(root, "home/box") == 0);
        require(unlinkat(root, "home", AT_REMOVEDIR) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char path[] = "/tmp/holt-fuzz-extract-XXXXXX";
        struct input in = { data, size };
        own_fd int root = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        own_fd int mine = -1;
        struct stat st;

        require(root >= 0 && mkdirat(root, "home", 0700) == 0 && mkdirat(root, "home/keys", 0700) == 0);
        mine = openat(root, "home/keys/mine", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        require(mine >= 0);
        extract(root, &in);
        require(fstat(mine, &st) == 0 && st.st_nlink == 1 && st.st_size == 0 && (st.st_mode & 07777) == 0600);
        check(root);
        require(rmdir(path) == 0);
        return 0;
}
