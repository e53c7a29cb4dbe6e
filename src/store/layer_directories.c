/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a layer: its directories. Their names stand sorted by their bytes, for the kernel searches by halving. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "store/layer_write.h"

#define OPAQUE "trusted.overlay.opaque"

struct item {
        const char *name;
        uint64_t nid;
        uint16_t len;
        uint8_t type;
};

static int compare(const void *a, const void *b)
{
        return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

/* The directory's content in order, "." and ".." among the rest. malloc'ed; NULL without memory. */
static struct item *list(const struct layer_tree *t, const struct tree_directory *d, size_t *ret_n)
{
        struct item *items = reallocarray(NULL, (size_t)d->count + 2, sizeof *items);
        size_t n = 0;

        if (!items)
                return NULL;
        items[n++] = (struct item){ ".", d->place.nid, 1, EROFS_DIRECTORY };
        items[n++] = (struct item){ "..", t->directories[d->parent].place.nid, 2, EROFS_DIRECTORY };
        for (uint32_t i = d->first; i != TREE_NONE; i = t->names[i].next) {
                const struct tree_node *node = &t->nodes[t->names[i].node];
                const char *name = layer_tree_text(t, t->names[i].text);

                items[n++] =
                        (struct item){ name,
                                       node->type == EROFS_DIRECTORY ? t->directories[node->more].place.nid : node->nid,
                                       (uint16_t)strlen(name), node->type };
        }
        qsort(items, n, sizeof *items, compare);
        *ret_n = n;
        return items;
}

/* How many of the items fit into one block, and how many bytes they take. */
static size_t fit(const struct item *items, size_t n, size_t *ret_bytes)
{
        size_t bytes = 0, i;

        for (i = 0; i < n && bytes + sizeof(struct erofs_dirent) + items[i].len <= EROFS_BLOCK; i++)
                bytes += sizeof(struct erofs_dirent) + items[i].len;
        *ret_bytes = bytes;
        return i;
}

static uint64_t content_size(const struct item *items, size_t n)
{
        uint64_t size = 0;
        size_t bytes = 0;

        while (n) {
                size_t k = fit(items, n, &bytes);

                items += k;
                n -= k;
                size += n ? EROFS_BLOCK : bytes;
        }
        return size;
}

/* `to` has zeros in it. */
static void fill_block(char *to, const struct item *items, size_t n)
{
        size_t name = n * sizeof(struct erofs_dirent);

        for (size_t i = 0; i < n; i++) {
                const struct erofs_dirent d = { .nid = htole64(items[i].nid),
                                                .name_offset = htole16((uint16_t)name),
                                                .type = items[i].type };

                memcpy(to + i * sizeof d, &d, sizeof d);
                memcpy(to + name, items[i].name, items[i].len);
                name += items[i].len;
        }
}

static void fill(char *to, const struct item *items, size_t n)
{
        size_t bytes;

        while (n) {
                size_t k = fit(items, n, &bytes);

                fill_block(to, items, k);
                to += EROFS_BLOCK;
                items += k;
                n -= k;
        }
}

static int out_of_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static int place(struct layer_writer *w, uint32_t directory, struct error *err)
{
        struct tree_directory *d = &w->tree.directories[directory];
        own_mem struct item *items = NULL;
        size_t n;

        if (d->opaque && erofs_xattr_add(&d->xattrs, OPAQUE, "y", 1) < 0)
                return error_set(err, E2BIG, "a directory has too many extended attributes");
        items = list(&w->tree, d, &n);
        if (!items)
                return out_of_memory(err);
        d->size = content_size(items, n);
        return erofs_directory_place(&w->image, directory == TREE_ROOT, d->size, &d->xattrs, &d->place, err);
}

static int write_one(struct layer_writer *w, uint32_t directory, struct error *err)
{
        struct tree_directory *d = &w->tree.directories[directory];
        struct erofs_attributes a = d->attributes;
        own_mem struct item *items = NULL;
        own_mem char *content = NULL;
        size_t n;

        items = list(&w->tree, d, &n);
        content = calloc(1, d->size + EROFS_BLOCK);
        if (!items || !content)
                return out_of_memory(err);
        fill(content, items, n);
        a.nlink = 2 + d->subdirectories;
        a.xattrs = &d->xattrs;
        return erofs_directory_write(&w->image, &d->place, &a, content, d->size, err);
}

/* All that have a name, from the root down. malloc'ed; NULL without memory. */
static uint32_t *reachable(const struct layer_tree *t, size_t *ret_n)
{
        uint32_t *queue = reallocarray(NULL, t->n_directories, sizeof *queue);
        size_t n = 0;

        if (!queue)
                return NULL;
        queue[n++] = TREE_ROOT;
        for (size_t at = 0; at < n; at++) {
                for (uint32_t i = t->directories[queue[at]].first; i != TREE_NONE; i = t->names[i].next) {
                        const struct tree_node *node = &t->nodes[t->names[i].node];

                        if (node->type == EROFS_DIRECTORY)
                                queue[n++] = node->more;
                }
        }
        *ret_n = n;
        return queue;
}

static int write_links(struct layer_writer *w, struct error *err)
{
        const struct layer_tree *t = &w->tree;
        int r = 0;

        for (size_t i = 0; r == 0 && i < t->n_nodes; i++) {
                if (t->nodes[i].type != EROFS_DIRECTORY && t->nodes[i].nlink > 1)
                        r = erofs_nlink_write(&w->image, t->nodes[i].nid, t->nodes[i].nlink, err);
        }
        return r;
}

int layer_writer_end(struct layer_writer *w, const uint8_t uuid[16], struct error *err)
{
        size_t n = 0;
        own_mem uint32_t *order = reachable(&w->tree, &n);
        int r = order ? write_links(w, err) : out_of_memory(err);

        for (size_t i = 0; r == 0 && i < n; i++)
                r = place(w, order[i], err);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = write_one(w, order[i], err);
        return r == 0 ? erofs_image_end(&w->image, w->tree.directories[TREE_ROOT].place.nid, uuid, err) : r;
}
