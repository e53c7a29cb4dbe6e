/* SPDX-License-Identifier: Apache-2.0 */
#include "store/erofs_tree.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

static int damaged(struct error *err, const char *what)
{
        return error_set(err, EBADMSG, "the layer is damaged: %s", what);
}

/* n bytes of the image are about to be told. */
static int spend(struct erofs_tree *t, uint64_t n, struct error *err)
{
        if (n > t->left)
                return damaged(err, "more in it than its size allows");
        t->left -= n;
        return 0;
}

int erofs_tree_open(struct erofs_tree *t, int fd, struct error *err)
{
        struct erofs_super super;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, "look at the layer");
        if (pread(fd, &super, sizeof super, EROFS_SUPER_OFFSET) != sizeof super ||
            le32toh(super.magic) != EROFS_MAGIC || super.block_bits != EROFS_BLOCK_BITS || super.meta_block ||
            super.dir_block_bits || (le32toh(super.feature_incompat) & ~(uint32_t)EROFS_HAS_CHUNKS))
                return damaged(err, "no superblock");
        if ((uint64_t)st.st_size < (uint64_t)le32toh(super.blocks) * EROFS_BLOCK)
                return damaged(err, "its end is missing");
        *t = (struct erofs_tree){ .fd = fd, .root = le16toh(super.root_nid), .left = (uint64_t)st.st_size };
        return 0;
}

int erofs_node_open(struct erofs_tree *t, uint64_t nid, struct erofs_node *ret, struct error *err)
{
        struct erofs_node n = { .nid = nid };
        struct erofs_inode inode;
        int r = erofs_view_open_inode(&n.data, t->fd, nid, &inode, err);

        if (r < 0)
                return r;
        n.mode = le16toh(inode.mode);
        n.uid = le32toh(inode.uid);
        n.gid = le32toh(inode.gid);
        n.nlink = le32toh(inode.nlink);
        n.device = le32toh(inode.place);
        n.mtime = (int64_t)le64toh(inode.mtime);
        n.mtime_nsec = le32toh(inode.mtime_nsec);
        if (n.mtime_nsec > 999999999)
                return damaged(err, "a node without a time");
        if (inode.xattr_count) {
                n.xattrs = nid * EROFS_SLOT + sizeof inode;
                n.xattrs_len = sizeof(struct erofs_xattr_header) + (size_t)(le16toh(inode.xattr_count) - 1) * 4;
        }
        *ret = n;
        return 0;
}

/* ---- extended attributes ---- */

static const char *prefix_of(uint8_t index)
{
        static const char *const prefixes[] = {
                [EROFS_XATTR_USER] = "user.",
                [EROFS_XATTR_ACL_ACCESS] = "system.posix_acl_access",
                [EROFS_XATTR_ACL_DEFAULT] = "system.posix_acl_default",
                [EROFS_XATTR_TRUSTED] = "trusted.",
                [EROFS_XATTR_SECURITY] = "security.",
        };

        return index < ARRAY_SIZE(prefixes) ? prefixes[index] : NULL;
}

/* Writes the name; its length in the image. */
static int name_of(const struct erofs_xattr *x, const char *behind, char *ret)
{
        const char *prefix = prefix_of(x->name_index);

        if (!prefix || memchr(behind, '\0', x->name_len))
                return -EBADMSG;
        memcpy(stpcpy(ret, prefix), behind, x->name_len);
        ret[strlen(prefix) + x->name_len] = '\0';
        return x->name_len;
}

static int tell_xattrs(const char *data, size_t len,
                       int (*each)(void *userdata, const char *name, const void *value, size_t len, struct error *err),
                       void *userdata, struct error *err)
{
        char name[32 + UINT8_MAX];
        int r = 0;

        for (size_t at = 0, value, end; r == 0 && at < len; at = (end + 3) / 4 * 4) {
                struct erofs_xattr x;

                if (len - at < sizeof x)
                        return damaged(err, "an extended attribute is cut off");
                memcpy(&x, data + at, sizeof x);
                value = at + sizeof x + x.name_len;
                end = value + le16toh(x.value_size);
                if (end > len || name_of(&x, data + at + sizeof x, name) < 0)
                        return damaged(err, "an extended attribute is none");
                r = each(userdata, name, data + value, end - value, err);
        }
        return r;
}

int erofs_node_xattrs(struct erofs_tree *t, const struct erofs_node *node,
                      int (*each)(void *userdata, const char *name, const void *value, size_t len, struct error *err),
                      void *userdata, struct error *err)
{
        struct erofs_xattr_header header;
        own_mem char *data = NULL;
        int r;

        if (!node->xattrs_len)
                return 0;
        r = spend(t, node->xattrs_len, err);
        if (r < 0)
                return r;
        data = malloc(node->xattrs_len);
        if (!data)
                return error_set(err, ENOMEM, "out of memory");
        if (pread(t->fd, data, node->xattrs_len, (off_t)node->xattrs) != (ssize_t)node->xattrs_len)
                return damaged(err, "extended attributes are cut off");
        memcpy(&header, data, sizeof header);
        if (header.shared)
                return damaged(err, "shared extended attributes");
        return tell_xattrs(data + sizeof header, node->xattrs_len - sizeof header, each, userdata, err);
}

/* ---- content ---- */

int erofs_node_link(struct erofs_tree *t, const struct erofs_node *node, char **ret, struct error *err)
{
        own_mem char *text = NULL;
        uint64_t n = node->data.size;
        int r;

        if (n == 0 || n >= PATH_MAX)
                return damaged(err, "a symbolic link of no length");
        r = spend(t, n, err);
        if (r < 0)
                return r;
        text = calloc(1, n + 1);
        if (!text)
                return error_set(err, ENOMEM, "out of memory");
        r = erofs_view_read(&node->data, 0, text, n, err);
        if (r < 0)
                return r;
        if (strlen(text) != n)
                return damaged(err, "a symbolic link with a NUL in it");
        *ret = take_ptr(text);
        return 0;
}

int erofs_node_read(struct erofs_tree *t, const struct erofs_node *node, uint64_t offset, void *data, size_t n,
                    uint64_t *ret_n, bool *ret_hole, struct error *err)
{
        uint64_t run;
        bool hole;
        int r;

        *ret_n = 0;
        *ret_hole = false;
        if (offset >= node->data.size)
                return 0;
        r = erofs_view_run(&node->data, offset, &run, &hole, err);
        if (r < 0)
                return r;
        if (!hole)
                run = run < n ? run : n;
        /* Of a hole there is its place in the map. */
        r = spend(t, hole ? sizeof(uint32_t) : run, err);
        if (r == 0 && !hole)
                r = erofs_view_read(&node->data, offset, data, run, err);
        if (r < 0)
                return r;
        *ret_n = run;
        *ret_hole = hole;
        return 0;
}

/* ---- directories ---- */

static struct erofs_dirent entry_of(const struct erofs_cursor *c, size_t i)
{
        struct erofs_dirent e;

        memcpy(&e, c->data + i * sizeof e, sizeof e);
        return e;
}

/* The next block, and how many entries it has. */
static int load(struct erofs_tree *t, const struct erofs_node *node, struct erofs_cursor *c, struct error *err)
{
        uint64_t at = c->block * EROFS_BLOCK, left = node->data.size - at;
        size_t names, len = left < EROFS_BLOCK ? (size_t)left : EROFS_BLOCK;
        int r = spend(t, len, err);

        if (r == 0)
                r = erofs_view_read(&node->data, at, c->data, len, err);
        if (r < 0)
                return r;
        if (len < sizeof(struct erofs_dirent))
                return damaged(err, "a directory is cut off");
        names = le16toh(entry_of(c, 0).name_offset);
        if (names == 0 || names % sizeof(struct erofs_dirent) || names > len)
                return damaged(err, "a directory without names");
        c->block++;
        c->entry = 0;
        c->entries = names / sizeof(struct erofs_dirent);
        c->len = len;
        return 0;
}

/* The last name of a block ends with it, or with a NUL. */
static int read_name(const struct erofs_cursor *c, struct erofs_name *ret, struct error *err)
{
        struct erofs_dirent e = entry_of(c, c->entry);
        size_t begin = le16toh(e.name_offset), end = c->len, n;

        if (c->entry + 1 < c->entries)
                end = le16toh(entry_of(c, c->entry + 1).name_offset);
        if (begin < c->entries * sizeof e || begin >= end || end > c->len)
                return damaged(err, "a name lies nowhere");
        n = strnlen(c->data + begin, end - begin);
        if (n == 0 || n > EROFS_MAX_NAME || (n < end - begin && c->entry + 1 < c->entries) ||
            memchr(c->data + begin, '/', n))
                return damaged(err, "a name that is none");
        memcpy(ret->text, c->data + begin, n);
        ret->text[n] = '\0';
        ret->nid = le64toh(e.nid);
        return 0;
}

int erofs_directory_next(struct erofs_tree *t, const struct erofs_node *node, struct erofs_cursor *c,
                         struct erofs_name *ret, struct error *err)
{
        int r;

        if (!S_ISDIR(node->mode))
                return damaged(err, "what should be a directory is none");
        do {
                if (c->entry == c->entries) {
                        if (c->block >= (node->data.size + EROFS_BLOCK - 1) / EROFS_BLOCK)
                                return 0;
                        r = load(t, node, c, err);
                        if (r < 0)
                                return r;
                }
                r = read_name(c, ret, err);
                if (r < 0)
                        return r;
                c->entry++;
        } while (strcmp(ret->text, ".") == 0 || strcmp(ret->text, "..") == 0);
        return 1;
}
