/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that begin with the same layers share a stem: a layer is a node below the one that it lies on, and an image is
 * written behind its last layer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/own.h"
#include "cli/human.h"
#include "cli/image_lookup.h"

struct image_node {
        struct image_node *next;
        const struct image_info *info;
};

struct layer_node {
        struct layer_node *child, *next; /* the first that lies on it; the next on the same one */
        const struct digest *diff_id;
        struct image_node *images; /* that end here */
};

struct tree {
        struct store *store;
        struct arena arena;
        struct layer_node root;
        bool whole;
        struct buf out;
        struct error *err;
};

static struct layer_node *find_child(struct tree *t, struct layer_node *below, const struct digest *diff_id)
{
        struct layer_node **place = &below->child;

        while (*place && !digest_equal((*place)->diff_id, diff_id))
                place = &(*place)->next;
        if (!*place) {
                *place = arena_alloc(&t->arena, 1, sizeof **place);
                if (*place)
                        (*place)->diff_id = diff_id;
        }
        return *place;
}

static int add_image(struct tree *t, const struct image_info *info)
{
        struct image_node *image = arena_alloc(&t->arena, 1, sizeof *image), **last;
        struct layer_node *node = &t->root;

        for (size_t i = 0; node && i < info->n_layers; i++)
                node = find_child(t, node, &info->diff_ids[i]);
        if (!image || !node)
                return error_set(t->err, ENOMEM, "out of memory");
        image->info = info;
        for (last = &node->images; *last; last = &(*last)->next)
                ;
        *last = image;
        return 0;
}

static void write_images(struct tree *t, const struct layer_node *node)
{
        for (const struct image_node *image = node->images; image; image = image->next) {
                const char *const *names = image->info->names;
                char id[sizeof(struct digest)];

                buf_addf(&t->out, "  %s", image_id_text(&image->info->id, t->whole, id));
                for (const char *const *name = names; *name; name++) {
                        buf_add_str(&t->out, name == names ? " (" : ", ");
                        image_add_short_name(&t->out, *name);
                }
                buf_add_str(&t->out, *names ? ")" : "");
        }
}

static int write_layer(struct tree *t, const struct layer_node *node)
{
        char id[sizeof(struct digest)], size[HUMAN_SIZE_MAX];
        struct layer_info info;
        int fd = store_layer_open(t->store, node->diff_id, &info, NULL, t->err);

        if (fd < 0)
                return fd;
        close(fd);
        human_size(info.size + info.recipe_size, 3, size);
        buf_addf(&t->out, "%s %s", image_id_text(node->diff_id, t->whole, id), size);
        write_images(t, node);
        buf_add_str(&t->out, "\n");
        return 0;
}

/* Writes what lies on the layer. A stem without branches is not indented further: an image may have 120 layers. */
static int write_children(struct tree *t, const struct layer_node *below, struct buf *indent)
{
        size_t length = indent->len;
        int r = 0;

        for (const struct layer_node *node = below->child; r == 0 && node; node = node->next) {
                bool alone = !node->next && node == below->child && below->diff_id;

                buf_addf(&t->out, "%s%s", buf_str(indent), alone ? "" : node->next ? "\u251c\u2500 " : "\u2514\u2500 ");
                r = write_layer(t, node);
                if (r == 0 && !alone)
                        buf_add_str(indent, node->next ? "\u2502  " : "   ");
                if (r == 0)
                        r = write_children(t, node, indent);
                indent->len = length;
                if (indent->data)
                        indent->data[length] = '\0';
        }
        return r;
}

static int show(struct tree *t, struct image_list *images, struct error *err)
{
        own_buf struct buf indent = {};
        int r = 0;

        for (size_t i = 0; r == 0 && i < images->n; i++)
                r = add_image(t, images->items[i]);
        if (r == 0)
                r = write_children(t, &t->root, &indent);
        return r < 0 ? r : output_write(&t->out, err);
}

/* The images that were named, or all. */
static int find_images(const struct args *args, struct store *store, struct image_list *ret, struct error *err)
{
        int r = 0;

        if (!args->n_operands)
                return image_list_all(store, ret, err);
        ret->items = calloc(args->n_operands, sizeof(struct image_info *));
        if (!ret->items)
                return error_set(err, ENOMEM, "out of memory");
        for (; r == 0 && ret->n < args->n_operands; ret->n += r == 0)
                r = image_find(store, args->operands[ret->n], &ret->items[ret->n], err);
        return r;
}

int cmd_image_tree(struct invocation *inv, struct error *err)
{
        own_image_list struct image_list images = {};
        own_store struct store *store = NULL;
        struct tree t = { .whole = args_flag(&inv->args, OPTION_NO_TRUNC), .err = err };
        int r = invocation_store(inv, &store, err);

        if (r == 0)
                r = find_images(&inv->args, store, &images, err);
        t.store = store;
        if (r == 0)
                r = show(&t, &images, err);
        arena_finish(&t.arena);
        buf_finish(&t.out);
        return r;
}
