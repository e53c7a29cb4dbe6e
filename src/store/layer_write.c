/* SPDX-License-Identifier: Apache-2.0 */
/* Entry by entry: what each of them makes of the names, and of the image. */
#include "store/layer_write.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"

#define WHITEOUT ".wh."
#define WHITEOUT_META ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

int layer_writer_init(struct layer_writer *w, int fd, struct tar_recipe_writer *recipe, struct error *err)
{
        int r;

        *w = (struct layer_writer){ .whiteout = TREE_NONE, .recipe = recipe };
        r = layer_tree_init(&w->tree);
        return r < 0 ? error_errno(err, -r, "begin a layer") : erofs_image_begin(&w->image, fd, err);
}

void layer_writer_finish(struct layer_writer *w)
{
        erofs_image_finish(&w->image);
        layer_tree_finish(&w->tree);
        buf_finish(&w->xattrs);
}

/* ---- attributes ---- */

static uint32_t mode_of(const struct tar_entry *e)
{
        static const uint32_t types[] = {
                [TAR_FILE] = S_IFREG,      [TAR_HARD_LINK] = S_IFREG,    [TAR_SYMLINK] = S_IFLNK,
                [TAR_CHARACTER] = S_IFCHR, [TAR_BLOCK_DEVICE] = S_IFBLK, [TAR_DIRECTORY] = S_IFDIR,
                [TAR_FIFO] = S_IFIFO,
        };

        return types[e->type] | (e->type == TAR_SYMLINK ? 0777 : e->mode);
}

/* new_encode_dev() of the kernel */
static uint32_t device_of(const struct tar_entry *e)
{
        return (e->minor & 0xff) | e->major << 8 | (e->minor & ~0xffu) << 12;
}

static int take_xattrs(const struct tar_entry *e, struct buf *ret, struct error *err)
{
        ret->len = 0;
        for (size_t i = 0; i < e->n_xattrs; i++) {
                const struct tar_xattr *x = &e->xattrs[i];
                int r = erofs_xattr_add(ret, x->name, x->value, x->len);

                if (r < 0)
                        return error_errno(err, -r, "%s: extended attribute %s", e->path, x->name);
        }
        return 0;
}

static struct erofs_attributes attributes_of(const struct tar_entry *e, const struct buf *xattrs)
{
        return (struct erofs_attributes){
                .mode = mode_of(e),
                .uid = e->uid,
                .gid = e->gid,
                .device = device_of(e),
                .nlink = 1,
                .mtime = e->mtime,
                .mtime_nsec = e->mtime_nsec,
                .xattrs = xattrs,
        };
}

/* ---- whiteouts ---- */

static int add_whiteout_node(struct layer_writer *w, struct error *err)
{
        const struct erofs_attributes a = { .mode = S_IFCHR, .nlink = 1 };
        uint64_t nid;
        int64_t node;
        int r = erofs_node_write(&w->image, &a, NULL, 0, &nid, err);

        if (r < 0)
                return r;
        node = layer_tree_add_node(&w->tree, EROFS_CHARACTER, nid, NULL);
        if (node < 0)
                return error_set(err, ENOMEM, "out of memory");
        w->tree.nodes[node].whiteout = true;
        w->whiteout = (uint32_t)node;
        return 0;
}

/* It is about layers below, whatever of that name this one has, before or behind it. */
static int add_whiteout(struct layer_writer *w, uint32_t directory, const char *name, size_t len, struct error *err)
{
        struct layer_tree *t = &w->tree;
        uint32_t found = layer_tree_find(t, directory, name, len);
        int r;

        if (found != TREE_NONE) {
                const struct tree_node *node = &t->nodes[t->names[found].node];

                if (node->type == EROFS_DIRECTORY)
                        t->directories[node->more].opaque = true;
                return 0;
        }
        r = w->whiteout == TREE_NONE ? add_whiteout_node(w, err) : 0;
        if (r < 0)
                return r;
        r = layer_tree_put(t, directory, name, len, w->whiteout);
        return r < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

/* True when the name was one of those that say something of other names. */
static bool is_whiteout(const char *name, size_t len)
{
        return len >= strlen(WHITEOUT) && memcmp(name, WHITEOUT, strlen(WHITEOUT)) == 0;
}

static int take_whiteout(struct layer_writer *w, uint32_t directory, const char *name, size_t len, const char *path,
                         struct error *err)
{
        const size_t prefix = strlen(WHITEOUT);

        if (len == strlen(WHITEOUT_OPAQUE) && memcmp(name, WHITEOUT_OPAQUE, len) == 0) {
                w->tree.directories[directory].opaque = true;
                return 0;
        }
        /* aufs kept things of its own under such names; they mean nothing. */
        if (len >= strlen(WHITEOUT_META) && memcmp(name, WHITEOUT_META, strlen(WHITEOUT_META)) == 0)
                return 0;
        name += prefix;
        len -= prefix;
        if (len == 0 || (len <= 2 && memcmp(name, "..", len) == 0))
                return error_set(err, EINVAL, "%s: a whiteout of nothing", path);
        return add_whiteout(w, directory, name, len, err);
}

/* ---- entries ---- */

static int put(struct layer_writer *w, uint32_t directory, const char *name, size_t len, int64_t node,
               struct error *err)
{
        if (node < 0 || layer_tree_put(&w->tree, directory, name, len, (uint32_t)node) < 0)
                return error_set(err, ENOMEM, "out of memory");
        return 0;
}

static int set_directory(struct layer_writer *w, uint32_t directory, const struct tar_entry *e, struct error *err)
{
        struct tree_directory *d = &w->tree.directories[directory];

        d->attributes = attributes_of(e, NULL);
        return take_xattrs(e, &d->xattrs, err);
}

static int add_directory(struct layer_writer *w, uint32_t directory, const char *name, size_t len,
                         const struct tar_entry *e, struct error *err)
{
        struct layer_tree *t = &w->tree;
        uint32_t found = layer_tree_find(t, directory, name, len);
        int64_t made;
        int r;

        if (found != TREE_NONE && t->nodes[t->names[found].node].type == EROFS_DIRECTORY)
                return set_directory(w, t->nodes[t->names[found].node].more, e, err);
        made = layer_tree_add_directory(t, directory);
        r = put(w, directory, name, len, made < 0 ? made : (int64_t)t->directories[made].node, err);
        return r < 0 ? r : set_directory(w, (uint32_t)made, e, err);
}

static int add_hard_link(struct layer_writer *w, uint32_t directory, const char *name, size_t len,
                         const struct tar_entry *e, struct error *err)
{
        struct layer_tree *t = &w->tree;
        uint32_t other, found;
        const char *target;
        size_t target_len;
        int r = layer_tree_walk(t, e->link, &other, &target, &target_len, err);

        if (r < 0)
                return error_wrap(err, "%s: hard link", e->path);
        found = layer_tree_find(t, other, target, target_len);
        if (found == TREE_NONE || t->nodes[t->names[found].node].whiteout)
                return error_set(err, ENOENT, "%s: a hard link to %s, which is not in the layer", e->path, e->link);
        if (t->nodes[t->names[found].node].type == EROFS_DIRECTORY)
                return error_set(err, EISDIR, "%s: a hard link to the directory %s", e->path, e->link);
        return put(w, directory, name, len, t->names[found].node, err);
}

static int add_data(struct layer_writer *w, struct tar_reader *tar, const struct erofs_attributes *a, uint64_t *ret_nid,
                    struct error *err)
{
        struct erofs_file f;
        const void *data;
        ssize_t n;
        int r;

        erofs_file_begin(&w->image, &f);
        while ((n = tar_reader_data(tar, &data, err)) > 0) {
                r = erofs_file_write(&w->image, &f, data, (size_t)n, err);
                if (r < 0)
                        return r;
        }
        r = n < 0 ? (int)n : erofs_file_end(&w->image, &f, a, ret_nid, err);
        return r == 0 && w->recipe && f.size ? tar_recipe_add_file(w->recipe, *ret_nid, f.size, err) : r;
}

/* The data of all extents comes as one. */
static int add_extents(struct layer_writer *w, struct tar_reader *tar, const struct tar_entry *e,
                       struct erofs_sparse *s, struct error *err)
{
        const struct tar_extent *x = e->extents, *end = e->extents + e->n_extents;
        uint64_t done = 0; /* of this extent */
        const char *data = NULL;
        const void *more;
        size_t n = 0;

        while (x < end) {
                size_t k;
                int r;

                if (done == x->len) {
                        x++;
                        done = 0;
                        continue;
                }
                if (!n) {
                        ssize_t got = tar_reader_data(tar, &more, err);

                        if (got <= 0)
                                return got < 0 ? (int)got : error_set(err, EBADMSG, "%s: its data is cut off", e->path);
                        data = more;
                        n = (size_t)got;
                }
                k = x->len - done < n ? (size_t)(x->len - done) : n;
                r = erofs_sparse_write(&w->image, s, x->offset + done, data, k, err);
                if (r < 0)
                        return r;
                data += k;
                n -= k;
                done += k;
        }
        return 0;
}

static int add_sparse(struct layer_writer *w, struct tar_reader *tar, const struct tar_entry *e,
                      const struct erofs_attributes *a, uint64_t *ret_nid, struct error *err)
{
        own_erofs_sparse struct erofs_sparse s = {};
        int r = erofs_sparse_begin(&w->image, &s, e->sparse_size, err);

        if (r == 0)
                r = add_extents(w, tar, e, &s, err);
        if (r == 0)
                r = erofs_sparse_end(&w->image, &s, a, ret_nid, err);
        return r == 0 && w->recipe ? tar_recipe_add_extents(w->recipe, *ret_nid, e->extents, e->n_extents, err) : r;
}

static int add_node(struct layer_writer *w, struct tar_reader *tar, uint32_t directory, const char *name, size_t len,
                    const struct tar_entry *e, struct error *err)
{
        static const uint8_t types[] = {
                [TAR_FILE] = EROFS_FILE,           [TAR_SYMLINK] = EROFS_SYMLINK,
                [TAR_CHARACTER] = EROFS_CHARACTER, [TAR_BLOCK_DEVICE] = EROFS_BLOCK_DEVICE,
                [TAR_FIFO] = EROFS_FIFO,
        };
        bool link = e->type == TAR_SYMLINK;
        struct erofs_attributes a = attributes_of(e, &w->xattrs);
        uint64_t nid = 0;
        int64_t node;
        int r = take_xattrs(e, &w->xattrs, err);

        if (r < 0)
                return r;
        if (link && !*e->link)
                return error_set(err, EINVAL, "%s: a symlink to nothing", e->path);
        if (e->type != TAR_FILE)
                r = erofs_node_write(&w->image, &a, e->link, link ? strlen(e->link) : 0, &nid, err);
        else if (e->sparse)
                r = add_sparse(w, tar, e, &a, &nid, err);
        else
                r = add_data(w, tar, &a, &nid, err);
        if (r < 0)
                return r;
        node = layer_tree_add_node(&w->tree, types[e->type], nid, link ? e->link : NULL);
        return put(w, directory, name, len, node, err);
}

static int add_entry(struct layer_writer *w, struct tar_reader *tar, const struct tar_entry *e, struct error *err)
{
        uint32_t directory;
        const char *name;
        size_t len;
        int r = layer_tree_walk(&w->tree, e->path, &directory, &name, &len, err);

        if (r < 0)
                return r;
        if (!len)
                return e->type == TAR_DIRECTORY ? set_directory(w, TREE_ROOT, e, err)
                                                : error_set(err, EINVAL, "%s: the root has to be a directory", e->path);
        if (is_whiteout(name, len))
                return take_whiteout(w, directory, name, len, e->path, err);
        if (e->type == TAR_DIRECTORY)
                return add_directory(w, directory, name, len, e, err);
        if (e->type == TAR_HARD_LINK)
                return add_hard_link(w, directory, name, len, e, err);
        return add_node(w, tar, directory, name, len, e, err);
}

int layer_writer_add(struct layer_writer *w, struct tar_reader *tar, struct error *err)
{
        struct tar_entry e;
        int r;

        while ((r = tar_reader_next(tar, &e, err)) > 0) {
                r = add_entry(w, tar, &e, err);
                if (r < 0)
                        return r;
        }
        return r;
}
