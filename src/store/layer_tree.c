/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/tar.h"

enum { FIRST_TABLE = 1024, MAX_LINKS = 40 };

int layer_tree_init(struct layer_tree *t)
{
        *t = (struct layer_tree){ .table_size = FIRST_TABLE, .table = malloc(FIRST_TABLE * sizeof *t->table) };
        if (!t->table)
                return -ENOMEM;
        memset(t->table, 0xff, FIRST_TABLE * sizeof *t->table);
        if (getrandom(&t->seed, sizeof t->seed, 0) != sizeof t->seed)
                return -EIO;
        return layer_tree_add_directory(t, TREE_ROOT) < 0 ? -ENOMEM : 0;
}

void layer_tree_finish(struct layer_tree *t)
{
        for (size_t i = 0; i < t->n_directories; i++)
                buf_finish(&t->directories[i].xattrs);
        free(t->nodes);
        free(t->names);
        free(t->directories);
        free(t->texts);
        free(t->table);
        *t = (struct layer_tree){};
}

/* ---- the table ---- */

/* MurmurHash2's way of mixing (Austin Appleby, public domain), seeded. */
static uint64_t hash(const struct layer_tree *t, uint32_t directory, const char *name, size_t len)
{
        const uint64_t m = 0xc6a4a7935bd1e995u;
        uint64_t h = t->seed ^ (directory + 1) * m;

        for (size_t i = 0; i < len; i++) {
                h = (h ^ (unsigned char)name[i]) * m;
                h ^= h >> 47;
        }
        return h ^ h >> 29;
}

static bool is_named(const struct layer_tree *t, uint32_t i, uint32_t directory, const char *name, size_t len)
{
        const char *text = layer_tree_text(t, t->names[i].text);

        return t->names[i].directory == directory && strncmp(text, name, len) == 0 && text[len] == '\0';
}

/* Where the name stands, or where it would. */
static uint32_t *slot_of(const struct layer_tree *t, uint32_t directory, const char *name, size_t len)
{
        size_t mask = t->table_size - 1, at = hash(t, directory, name, len) & mask;

        while (t->table[at] != TREE_NONE && !is_named(t, t->table[at], directory, name, len))
                at = (at + 1) & mask;
        return &t->table[at];
}

uint32_t layer_tree_find(const struct layer_tree *t, uint32_t directory, const char *name, size_t len)
{
        return *slot_of(t, directory, name, len);
}

static int table_grow(struct layer_tree *t)
{
        struct layer_tree larger = *t;

        if (t->n_names + 1 <= t->table_size / 4 * 3)
                return 0;
        larger.table_size = t->table_size * 2;
        larger.table = reallocarray(NULL, larger.table_size, sizeof *larger.table);
        if (!larger.table)
                return -ENOMEM;
        memset(larger.table, 0xff, larger.table_size * sizeof *larger.table);
        for (uint32_t i = 0; i < t->n_names; i++) {
                const char *text = layer_tree_text(t, t->names[i].text);

                *slot_of(&larger, t->names[i].directory, text, strlen(text)) = i;
        }
        free(t->table);
        *t = larger;
        return 0;
}

/* ---- adding ---- */

static int64_t add_text(struct layer_tree *t, const char *text, size_t len)
{
        size_t at = t->texts_len;

        if (at + len + 1 > UINT32_MAX || array_grow(&t->texts, &t->texts_cap, at + len + 1, 1) < 0)
                return -ENOMEM;
        memcpy(t->texts + at, text, len);
        t->texts[at + len] = '\0';
        t->texts_len += len + 1;
        return (int64_t)at;
}

int64_t layer_tree_add_node(struct layer_tree *t, uint8_t type, uint64_t nid, const char *target)
{
        int64_t text = target ? add_text(t, target, strlen(target)) : 0;

        if (text < 0 || t->n_nodes >= TREE_NONE ||
            array_grow(&t->nodes, &t->nodes_cap, t->n_nodes + 1, sizeof *t->nodes) < 0)
                return -ENOMEM;
        t->nodes[t->n_nodes] = (struct tree_node){ .nid = nid, .type = type, .more = (uint32_t)text };
        return (int64_t)t->n_nodes++;
}

int64_t layer_tree_add_directory(struct layer_tree *t, uint32_t parent)
{
        int64_t node;

        if (array_grow(&t->directories, &t->directories_cap, t->n_directories + 1, sizeof *t->directories) < 0)
                return -ENOMEM;
        node = layer_tree_add_node(t, EROFS_DIRECTORY, 0, NULL);
        if (node < 0)
                return node;
        t->nodes[node].more = (uint32_t)t->n_directories;
        t->directories[t->n_directories] = (struct tree_directory){
                .node = (uint32_t)node, .parent = parent, .first = TREE_NONE, .attributes.mode = S_IFDIR | 0755
        };
        return (int64_t)t->n_directories++;
}

/* What the name stood for loses it; a whiteout, of all that is below. */
static void replace(struct layer_tree *t, struct tree_name *n, uint32_t node)
{
        struct tree_node *old = &t->nodes[n->node], *new = &t->nodes[node];

        if (old->type == EROFS_DIRECTORY)
                t->directories[n->directory].subdirectories--;
        else
                old->nlink--;
        if (new->type == EROFS_DIRECTORY)
                t->directories[new->more].opaque |= old->whiteout;
        n->node = node;
}

int layer_tree_put(struct layer_tree *t, uint32_t directory, const char *name, size_t len, uint32_t node)
{
        uint32_t *slot = slot_of(t, directory, name, len);
        struct tree_directory *d = &t->directories[directory];
        int64_t text;

        if (*slot != TREE_NONE) {
                replace(t, &t->names[*slot], node);
        } else {
                if (t->n_names >= TREE_NONE - 1 || table_grow(t) < 0 ||
                    array_grow(&t->names, &t->names_cap, t->n_names + 1, sizeof *t->names) < 0)
                        return -ENOMEM;
                text = add_text(t, name, len);
                if (text < 0)
                        return -ENOMEM;
                t->names[t->n_names] = (struct tree_name){ directory, (uint32_t)text, node, d->first };
                slot = slot_of(t, directory, name, len);
                *slot = d->first = (uint32_t)t->n_names++;
                d->count++;
        }
        if (t->nodes[node].type == EROFS_DIRECTORY)
                d->subdirectories++;
        else
                t->nodes[node].nlink++;
        return 0;
}

/* ---- walking ---- */

/* The path that is left; what a symlink says is put before it. */
struct walk {
        struct layer_tree *t;
        uint32_t directory;
        char rest[2 * TAR_MAX_PATH];
        size_t at;
        unsigned links;
};

static int follow(struct walk *w, const char *target)
{
        size_t n = strlen(target), left = strlen(w->rest + w->at);

        if (++w->links > MAX_LINKS)
                return -ELOOP;
        if (n + 1 + left + 1 > sizeof w->rest)
                return -ENAMETOOLONG;
        memmove(w->rest + n + 1, w->rest + w->at, left + 1);
        memcpy(w->rest, target, n);
        w->rest[n] = '/';
        w->at = 0;
        if (*target == '/')
                w->directory = TREE_ROOT;
        return 0;
}

static int make_directory(struct walk *w, const char *name, size_t len)
{
        int64_t made = layer_tree_add_directory(w->t, w->directory);
        int r = made < 0 ? (int)made : layer_tree_put(w->t, w->directory, name, len, w->t->directories[made].node);

        if (r == 0)
                w->directory = (uint32_t)made;
        return r;
}

static int step(struct walk *w, const char *name, size_t len)
{
        const struct tree_node *node;
        uint32_t found;

        if (len > EROFS_MAX_NAME)
                return -ENAMETOOLONG;
        if (len == 0 || (len == 1 && *name == '.'))
                return 0;
        if (len == 2 && memcmp(name, "..", 2) == 0) {
                w->directory = w->t->directories[w->directory].parent;
                return 0;
        }
        found = layer_tree_find(w->t, w->directory, name, len);
        if (found == TREE_NONE)
                return make_directory(w, name, len);
        node = &w->t->nodes[w->t->names[found].node];
        if (node->whiteout)
                return make_directory(w, name, len);
        if (node->type == EROFS_SYMLINK)
                return follow(w, layer_tree_text(w->t, node->more));
        if (node->type != EROFS_DIRECTORY)
                return -ENOTDIR;
        w->directory = node->more;
        return 0;
}

static bool has_dots(const char *path)
{
        for (const char *p = path; *p; p += strcspn(p, "/"), p += strspn(p, "/")) {
                if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
                        return true;
        }
        return false;
}

/* Where the last component begins, and how long it is; "" when there is none but dots. */
static const char *last_name(const char *path, size_t *ret_len)
{
        const char *end = path + strlen(path);

        for (;;) {
                const char *begin;

                while (end > path && end[-1] == '/')
                        end--;
                for (begin = end; begin > path && begin[-1] != '/';)
                        begin--;
                if (end - begin != 1 || *begin != '.') {
                        *ret_len = (size_t)(end - begin);
                        return begin;
                }
                end = begin;
        }
}

int layer_tree_walk(struct layer_tree *t, const char *path, uint32_t *ret_directory, const char **ret_name,
                    size_t *ret_len, struct error *err)
{
        struct walk w = { .t = t, .directory = TREE_ROOT };
        size_t len;
        const char *name = last_name(path, &len);
        int r = 0;

        if (strlen(path) >= TAR_MAX_PATH || len > EROFS_MAX_NAME)
                return error_set(err, ENAMETOOLONG, "%.80s...: the path is too long", path);
        if (has_dots(path))
                return error_set(err, EINVAL, "%s: a path with \"..\" is not taken", path);
        memcpy(w.rest, path, (size_t)(name - path));
        w.rest[name - path] = '\0';
        while (r == 0 && w.rest[w.at]) {
                char component[EROFS_MAX_NAME + 1];
                size_t n = strcspn(w.rest + w.at, "/");

                if (n > EROFS_MAX_NAME) {
                        r = -ENAMETOOLONG;
                        break;
                }
                memcpy(component, w.rest + w.at, n);
                w.at += n + (w.rest[w.at + n] == '/');
                r = step(&w, component, n);
        }
        if (r < 0)
                return error_errno(err, -r, "%s", path);
        *ret_directory = w.directory;
        *ret_name = name;
        *ret_len = len;
        return 0;
}
