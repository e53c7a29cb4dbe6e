/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever image comes: its tree is told to an end, which its size sets, or refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "store/erofs_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As long as the unpacker goes down. */
enum { MAX_DEPTH = 64 };

static int check_xattr(void *userdata, const char *name, const void *value, size_t len, struct error *err)
{
        unsigned sum = 0;

        for (size_t i = 0; i < len; i++)
                sum += ((const unsigned char *)value)[i];
        *(unsigned *)userdata += sum;
        if (!strchr(name, '.'))
                abort();
        return 0;
}

static int read_file(struct erofs_tree *t, const struct erofs_node *node, struct error *err)
{
        char data[5000];
        uint64_t at = 0, n = 0;
        bool hole;
        int r;

        while ((r = erofs_node_read(t, node, at, data, sizeof data, &n, &hole, err)) == 0 && n) {
                if (n > node->data.size - at || (!hole && n > sizeof data))
                        abort();
                at += n;
        }
        if (r == 0 && at != node->data.size)
                abort();
        return r;
}

static int walk(struct erofs_tree *t, uint64_t nid, int depth, struct error *err);

static int walk_directory(struct erofs_tree *t, const struct erofs_node *node, int depth, struct error *err)
{
        own_mem struct erofs_cursor *cursor = calloc(1, sizeof *cursor);
        struct erofs_name name;
        int r = 0, found = 0;

        while (cursor && r == 0 && (found = erofs_directory_next(t, node, cursor, &name, err)) > 0) {
                if (!*name.text || strchr(name.text, '/') || strcmp(name.text, ".") == 0 ||
                    strcmp(name.text, "..") == 0)
                        abort();
                r = walk(t, name.nid, depth + 1, err);
        }
        return r < 0 ? r : found;
}

static int walk(struct erofs_tree *t, uint64_t nid, int depth, struct error *err)
{
        own_mem char *target = NULL;
        struct erofs_node node;
        unsigned sum = 0;
        int r = erofs_node_open(t, nid, &node, err);

        if (r == 0)
                r = erofs_node_xattrs(t, &node, check_xattr, &sum, err);
        if (r < 0 || depth > MAX_DEPTH)
                return r;
        if (S_ISDIR(node.mode))
                return walk_directory(t, &node, depth, err);
        if (S_ISLNK(node.mode))
                return erofs_node_link(t, &node, &target, err);
        return S_ISREG(node.mode) ? read_file(t, &node, err) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_fd int fd = memfd_create("image", MFD_CLOEXEC);
        struct error err = {};
        struct erofs_tree t;
        int r;

        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
                return 0;
        r = erofs_tree_open(&t, fd, &err);
        if (r == 0)
                r = walk(&t, t.root, 0, &err);
        if (r < 0 && (r != -EBADMSG || err.code != EBADMSG || !*err.text))
                abort();
        return 0;
}
