/* SPDX-License-Identifier: Apache-2.0 */
#include "container/seccomp_graph.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/own.h"

enum {
        MAX_NODES = 4 * BPF_MAXINSNS,
        TABLE_SIZE = 4 * MAX_NODES, /* a power of two; never more than a quarter full */
        LOAD = BPF_LD | BPF_W | BPF_ABS,
        AND = BPF_ALU | BPF_AND | BPF_K,
        RETURN = BPF_RET | BPF_K,
        ALL_BITS = -1,
};

static_assert((TABLE_SIZE & (TABLE_SIZE - 1)) == 0, "a mask does for the rest of a division");

/* Without padding, which makes two of them the same when their bytes are. */
struct seccomp_node {
        uint32_t offset, mask;
        uint32_t code; /* of the instruction */
        uint32_t k;
        uint32_t if_true, if_false;
};

static_assert(sizeof(struct seccomp_node) == 6 * sizeof(uint32_t), "no padding");

void seccomp_graph_finish(struct seccomp_graph *g)
{
        free(g->nodes);
        free(g->table);
        *g = (struct seccomp_graph){};
}

static uint32_t hash(const struct seccomp_node *node)
{
        const uint32_t words[] = { node->offset, node->mask, node->code, node->k, node->if_true, node->if_false };
        uint32_t h = 0;

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                h = (h ^ words[i]) * 0x9e3779b1U;
                h ^= h >> 15;
        }
        return h;
}

static int make_room(struct seccomp_graph *g)
{
        if (!g->table)
                g->table = calloc(TABLE_SIZE, sizeof *g->table);
        if (!g->table || g->n == MAX_NODES)
                return -ENOMEM;
        return array_grow(&g->nodes, &g->cap, g->n + 1, sizeof *g->nodes);
}

/* The number of that node, which is added unless it is there. */
static uint32_t find_or_add(struct seccomp_graph *g, const struct seccomp_node *node)
{
        uint32_t slot;

        if (g->failed || make_room(g) < 0) {
                g->failed = true;
                return 0;
        }
        for (slot = hash(node) & (TABLE_SIZE - 1); g->table[slot]; slot = (slot + 1) & (TABLE_SIZE - 1)) {
                if (memcmp(&g->nodes[g->table[slot] - 1], node, sizeof *node) == 0)
                        return g->table[slot] - 1;
        }
        g->nodes[g->n++] = *node;
        g->table[slot] = (uint32_t)g->n;
        return (uint32_t)g->n - 1;
}

uint32_t seccomp_graph_return(struct seccomp_graph *g, uint32_t action)
{
        return find_or_add(g, &(struct seccomp_node){ .code = RETURN, .k = action });
}

uint32_t seccomp_graph_test(struct seccomp_graph *g, struct seccomp_test test, uint32_t if_true, uint32_t if_false)
{
        struct seccomp_node node = {
                .offset = test.offset,
                .mask = test.mask,
                .code = BPF_JMP | test.comparison | BPF_K,
                .k = test.k,
                .if_true = if_true,
                .if_false = if_false,
        };

        return if_true == if_false ? if_true : find_or_add(g, &node);
}

/*
 * Instructions from the last to the first: what a jump leads to has its place already, since jumps only lead forward.
 * A node's place is the number of instructions that were there before its first one.
 */
struct layout {
        const struct seccomp_graph *graph;
        struct sock_filter *code; /* room for BPF_MAXINSNS */
        size_t n;
        size_t *place;
        bool *is_reached, *has_to_load;
};

static bool same_data(const struct seccomp_node *a, const struct seccomp_node *b)
{
        return a->offset == b->offset && a->mask == b->mask;
}

static void reach(struct layout *l, const struct seccomp_node *from, uint32_t to)
{
        l->is_reached[to] = true;
        if (!same_data(from, &l->graph->nodes[to]))
                l->has_to_load[to] = true;
}

/* A node's number is above those of all that it leads to. */
static void reach_all(struct layout *l, uint32_t root)
{
        l->is_reached[root] = l->has_to_load[root] = true;
        for (uint32_t i = root + 1; i-- > 0;) {
                const struct seccomp_node *node = &l->graph->nodes[i];

                if (!l->is_reached[i] || node->code == RETURN)
                        continue;
                reach(l, node, node->if_true);
                reach(l, node, node->if_false);
        }
}

/* Beyond the room nothing is written, but counted. */
static void add(struct layout *l, uint32_t code, uint32_t k, size_t if_true, size_t if_false)
{
        if (l->n < BPF_MAXINSNS)
                l->code[l->n] = (struct sock_filter)BPF_JUMP((uint16_t)code, k, (uint8_t)if_true, (uint8_t)if_false);
        l->n++;
}

/* How many instructions lie between the next one that is added, and a node. */
static size_t distance(const struct layout *l, uint32_t node)
{
        return l->n - l->place[node] - 1;
}

/* A test jumps over 255 instructions at most: behind it comes what is farther away, or a long jump to it. */
static void bring_near(struct layout *l, uint32_t number)
{
        const struct seccomp_node *node = &l->graph->nodes[number];
        const size_t far = UINT8_MAX - 2; /* the other one's long jump and the test's own place may come between */

        if (distance(l, number) <= far)
                return;
        if (node->code == RETURN)
                add(l, RETURN, node->k, 0, 0);
        else
                add(l, BPF_JMP | BPF_JA, (uint32_t)distance(l, number), 0, 0);
        l->place[number] = l->n - 1;
}

static void add_node(struct layout *l, uint32_t number)
{
        const struct seccomp_node *node = &l->graph->nodes[number];

        if (node->code == RETURN) {
                add(l, RETURN, node->k, 0, 0);
        } else {
                bring_near(l, node->if_true);
                bring_near(l, node->if_false);
                add(l, node->code, node->k, distance(l, node->if_true), distance(l, node->if_false));
                if (l->has_to_load[number]) {
                        if (node->mask != (uint32_t)ALL_BITS)
                                add(l, AND, node->mask, 0, 0);
                        add(l, LOAD, node->offset, 0, 0);
                }
        }
        l->place[number] = l->n - 1;
}

void seccomp_graph_write(struct seccomp_graph *g, uint32_t root, struct buf *out)
{
        own_mem struct sock_filter *code = calloc(BPF_MAXINSNS, sizeof *code);
        own_mem size_t *place = calloc(g->n + 1, sizeof *place);
        own_mem bool *is_reached = calloc(g->n + 1, sizeof *is_reached);
        own_mem bool *has_to_load = calloc(g->n + 1, sizeof *has_to_load);
        struct layout l = { g, code, 0, place, is_reached, has_to_load };

        if (g->failed || !code || !place || !is_reached || !has_to_load) {
                g->failed = true;
                return;
        }
        reach_all(&l, root);
        for (uint32_t i = 0; i <= root; i++) {
                if (is_reached[i])
                        add_node(&l, i);
        }
        g->failed = l.n > BPF_MAXINSNS;
        while (!g->failed && l.n-- > 0)
                buf_add(out, &code[l.n], sizeof code[l.n]);
}
