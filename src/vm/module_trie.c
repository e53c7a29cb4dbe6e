/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "vm/module_index.h"

/* libkmod-index.h: numbers are big endian; a node's place says of what it consists. */
enum { MAGIC = 0xB007F457, VERSION = 2 << 16 | 1, CHARACTERS = 128 };
enum { HAS_PREFIX = 0x80000000, HAS_VALUES = 0x40000000, HAS_CHILDREN = 0x20000000 };

static int compare(const void *a, const void *b)
{
        const struct trie_entry *x = a, *y = b;
        int r = strcmp(x->key, y->key);

        return r ? r : (x->priority > y->priority) - (x->priority < y->priority);
}

static void add_number(struct buf *out, uint32_t v)
{
        const unsigned char bytes[] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8),
                                        (unsigned char)v };

        buf_add(out, bytes, sizeof(bytes));
}

static size_t common_length(const char *a, const char *b)
{
        size_t n = 0;

        while (a[n] && a[n] == b[n])
                n++;
        return n;
}

struct children {
        uint32_t at[CHARACTERS];
        unsigned char first, last; /* 0: none */
};

static uint32_t write_node(const struct trie_entry *v, size_t n, size_t depth, struct buf *out);

static void write_children(const struct trie_entry *v, size_t n, size_t depth, struct children *ret, struct buf *out)
{
        for (size_t i = 0, end; i < n; i = end) {
                unsigned char c = (unsigned char)v[i].key[depth];

                for (end = i + 1; end < n && (unsigned char)v[end].key[depth] == c; end++)
                        continue;
                ret->at[c] = write_node(&v[i], end - i, depth + 1, out);
                ret->first = ret->first ? ret->first : c;
                ret->last = c;
        }
}

/* All keys are the same up to depth. */
static uint32_t write_node(const struct trie_entry *v, size_t n, size_t depth, struct buf *out)
{
        size_t prefix = common_length(v[0].key + depth, v[n - 1].key + depth), here = 0;
        own_mem struct children *c = calloc(1, sizeof(*c));
        uint32_t at;

        if (!c) {
                out->failed = true;
                return 0;
        }
        while (here < n && !v[here].key[depth + prefix])
                here++;
        write_children(v + here, n - here, depth + prefix, c, out);
        at = (uint32_t)out->len;
        if (prefix) {
                buf_add(out, v[0].key + depth, prefix);
                buf_add(out, "", 1);
        }
        if (c->first) {
                buf_add(out, &c->first, 1);
                buf_add(out, &c->last, 1);
                for (unsigned i = c->first; i <= c->last; i++)
                        add_number(out, c->at[i]);
        }
        if (here)
                add_number(out, (uint32_t)here);
        for (size_t i = 0; i < here; i++) {
                add_number(out, v[i].priority);
                buf_add(out, v[i].value, strlen(v[i].value) + 1);
        }
        return at | (prefix ? HAS_PREFIX : 0) | (here ? HAS_VALUES : 0) | (c->first ? HAS_CHILDREN : 0);
}

void module_trie_write(struct trie_entry *v, size_t n, struct buf *out)
{
        own_buf struct buf nodes = {};
        uint32_t root = 0;

        /* The nodes stand behind three numbers, the last of which is known when all have been written. */
        for (size_t i = 0; i < 3; i++)
                add_number(&nodes, 0);
        if (n) {
                qsort(v, n, sizeof(*v), compare);
                root = write_node(v, n, 0, &nodes);
        }
        add_number(out, MAGIC);
        add_number(out, VERSION);
        add_number(out, root);
        if (nodes.len > out->len)
                buf_add(out, nodes.data + out->len, nodes.len - out->len);
        out->failed |= nodes.failed;
}
