/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter is made shorter without knowing anything of the rules it came from: it is followed with an architecture and
 * a number of a system call. What it does with them is an action, or a graph of tests of arguments; and since it only
 * compares, the same holds up to the next number that some comparison on that way would tell apart. So all numbers there
 * are fall into ranges, for each architecture that it knows and for all others. A tree of comparisons finds the range.
 */
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/own.h"
#include "container/seccomp_compile.h"
#include "container/seccomp_graph.h"

enum {
        MAX_ARCHITECTURES = 32,
        MAX_RANGES = 4 * BPF_MAXINSNS,
        ALL_BITS = -1,
        USUAL_CALLS = 512, /* the kernel asks a new filter about each of them */
        MAX_EXCEPTIONS = 3,
};

static const uint32_t nr_offset = offsetof(struct seccomp_data, nr), arch_offset = offsetof(struct seccomp_data, arch);

/* The accumulator: what is at `offset`, & mask. */
struct loaded {
        bool is_set;
        uint32_t offset, mask;
};

/* At some instruction, with something loaded, the way went on to a node. */
struct memory {
        uint32_t round;
        struct loaded loaded;
        uint32_t node;
};

/* Numbers from `first` to the next range's. */
struct range {
        uint32_t first, node;
};

struct walk {
        const struct sock_filter *program;
        size_t n;
        struct seccomp_graph graph;
        uint32_t known[MAX_ARCHITECTURES]; /* those that the program compares with */
        size_t n_known;
        bool is_known; /* arch is one of them; else any other */
        uint32_t arch;
        uint32_t nr, last; /* the number followed; the last one with which all is the same */
        struct memory *memory;
        uint32_t round; /* each number followed is one: what was remembered before does not hold */
        struct range *ranges;
        size_t n_ranges, cap_ranges;
        bool failed; /* the program has something that is not understood */
};

static void walk_finish(struct walk *w)
{
        seccomp_graph_finish(&w->graph);
        free(w->memory);
        free(w->ranges);
}

static bool compare(uint16_t comparison, uint32_t a, uint32_t k)
{
        switch (comparison) {
        case BPF_JEQ:
                return a == k;
        case BPF_JGT:
                return a > k;
        case BPF_JGE:
                return a >= k;
        default:
                return a & k;
        }
}

/* The last number from nr on for which the comparison says the same, or one before it. */
static uint32_t last_alike(uint16_t comparison, uint32_t nr, uint32_t k)
{
        switch (comparison) {
        case BPF_JEQ:
                return nr > k ? UINT32_MAX : nr == k ? k : k - 1;
        case BPF_JGT:
                return nr > k ? UINT32_MAX : k;
        case BPF_JGE:
                return nr >= k ? UINT32_MAX : k - 1;
        default: /* none of the bits changes before the lowest does */
                return k ? nr | ((k & -k) - 1) : UINT32_MAX;
        }
}

static bool test_nr(struct walk *w, const struct seccomp_test *t)
{
        uint32_t last = last_alike(t->comparison, w->nr, t->k);

        if (t->mask != (uint32_t)ALL_BITS)
                w->failed = true;
        if (last < w->last)
                w->last = last;
        return compare(t->comparison, w->nr, t->k);
}

static void know_architecture(struct walk *w, uint32_t arch)
{
        for (size_t i = 0; i < w->n_known; i++) {
                if (w->known[i] == arch)
                        return;
        }
        if (w->n_known < MAX_ARCHITECTURES)
                w->known[w->n_known++] = arch;
        else
                w->failed = true;
}

/* Any other architecture is none of those that the program compares with. */
static bool test_arch(struct walk *w, const struct seccomp_test *t)
{
        if (w->is_known)
                return compare(t->comparison, w->arch & t->mask, t->k);
        if (t->comparison != BPF_JEQ || t->mask != (uint32_t)ALL_BITS)
                w->failed = true;
        know_architecture(w, t->k);
        return false;
}

static uint32_t follow(struct walk *w, size_t at, struct loaded loaded);

static bool same_loaded(struct loaded a, struct loaded b)
{
        return a.offset == b.offset && a.mask == b.mask;
}

/* Both ways, once: ways that meet again would double each time. */
static uint32_t follow_both(struct walk *w, size_t at, struct loaded loaded, const struct seccomp_test *t)
{
        const struct sock_filter *s = &w->program[at];
        struct memory *m = &w->memory[at];
        uint32_t if_true, if_false;

        if (m->round == w->round && same_loaded(m->loaded, loaded))
                return m->node;
        if_true = follow(w, at + 1 + s->jt, loaded);
        if_false = follow(w, at + 1 + s->jf, loaded);
        *m = (struct memory){ w->round, loaded, seccomp_graph_test(&w->graph, *t, if_true, if_false) };
        return m->node;
}

static bool is_comparison(uint16_t code)
{
        return code == (BPF_JMP | BPF_JEQ | BPF_K) || code == (BPF_JMP | BPF_JGT | BPF_K) ||
               code == (BPF_JMP | BPF_JGE | BPF_K) || code == (BPF_JMP | BPF_JSET | BPF_K);
}

static uint32_t give_up(struct walk *w)
{
        w->failed = true;
        return 0;
}

/* The node for all that the program does from an instruction on. Jumps only lead forward: this ends. */
static uint32_t follow(struct walk *w, size_t at, struct loaded loaded)
{
        for (; at < w->n && !w->failed; at++) {
                const struct sock_filter *s = &w->program[at];
                struct seccomp_test test = { loaded.offset, loaded.mask, BPF_OP(s->code), s->k };

                if (s->code == (BPF_RET | BPF_K))
                        return seccomp_graph_return(&w->graph, s->k);
                if (s->code == (BPF_LD | BPF_W | BPF_ABS))
                        loaded = (struct loaded){ true, s->k, (uint32_t)ALL_BITS };
                else if (s->code == (BPF_JMP | BPF_JA))
                        at += s->k;
                else if (loaded.is_set && s->code == (BPF_ALU | BPF_AND | BPF_K))
                        loaded.mask &= s->k;
                else if (!loaded.is_set || !is_comparison(s->code))
                        return give_up(w);
                else if (loaded.offset == nr_offset)
                        at += test_nr(w, &test) ? s->jt : s->jf;
                else if (loaded.offset == arch_offset)
                        at += test_arch(w, &test) ? s->jt : s->jf;
                else
                        return follow_both(w, at, loaded, &test);
        }
        return give_up(w);
}

static void add_range(struct walk *w, uint32_t first, uint32_t node)
{
        if (w->n_ranges && w->ranges[w->n_ranges - 1].node == node)
                return;
        if (w->n_ranges == MAX_RANGES || array_grow(&w->ranges, &w->cap_ranges, w->n_ranges + 1, sizeof *w->ranges) < 0)
                w->failed = true;
        else
                w->ranges[w->n_ranges++] = (struct range){ first, node };
}

static void find_ranges(struct walk *w)
{
        uint32_t rounds = 0;

        w->n_ranges = 0;
        w->nr = 0;
        do {
                uint32_t node;

                w->last = UINT32_MAX;
                w->round++;
                node = follow(w, 0, (struct loaded){});
                if (++rounds > MAX_RANGES)
                        w->failed = true;
                add_range(w, w->nr, node);
                w->nr = w->last + 1;
        } while (w->nr && !w->failed);
}

static uint32_t last_of(const struct walk *w, size_t i)
{
        return i + 1 < w->n_ranges ? w->ranges[i + 1].first - 1 : UINT32_MAX;
}

/* How many usual calls are before this range, and one for each range: the tree is balanced by it. */
static size_t weight_before(const struct walk *w, size_t i)
{
        uint32_t first = w->ranges[i].first;

        return i + (first < USUAL_CALLS ? first : USUAL_CALLS);
}

/* The range from i + 1 to end - 1 at which the upper half begins. */
static size_t find_middle(const struct walk *w, size_t i, size_t end)
{
        size_t from = weight_before(w, i);
        size_t to = end < w->n_ranges ? weight_before(w, end) : w->n_ranges + USUAL_CALLS;
        size_t middle = i + 1;

        while (middle + 1 < end && weight_before(w, middle) < from + (to - from) / 2)
                middle++;
        return middle;
}

static uint32_t test_number(struct walk *w, uint16_t comparison, uint32_t k, uint32_t if_true, uint32_t if_false)
{
        const struct seccomp_test t = { nr_offset, (uint32_t)ALL_BITS, comparison, k };

        return seccomp_graph_test(&w->graph, t, if_true, if_false);
}

/* Whether ranges i to end - 1 are one node but for single numbers, which take a test each instead of two. */
static bool is_nearly_uniform(const struct walk *w, size_t i, size_t end, uint32_t *ret_node)
{
        for (size_t base = i; base < end && base < i + 2; base++) {
                uint32_t node = w->ranges[base].node;
                size_t exceptions = 0;
                bool single = true;

                for (size_t k = i; k < end; k++) {
                        if (w->ranges[k].node == node)
                                continue;
                        exceptions++;
                        single = single && last_of(w, k) == w->ranges[k].first;
                }
                *ret_node = node;
                if (single && exceptions <= MAX_EXCEPTIONS)
                        return true;
        }
        return false;
}

/* The node that finds the right one of the ranges from i to end - 1. */
static uint32_t find_range(struct walk *w, size_t i, size_t end)
{
        uint32_t node, upper;
        size_t middle;

        if (is_nearly_uniform(w, i, end, &node)) {
                const uint32_t usual = node;

                for (size_t k = i; k < end; k++) {
                        if (w->ranges[k].node != usual)
                                node = test_number(w, BPF_JEQ, w->ranges[k].first, w->ranges[k].node, node);
                }
                return node;
        }
        middle = find_middle(w, i, end);
        upper = find_range(w, middle, end);
        return test_number(w, BPF_JGE, w->ranges[middle].first, upper, find_range(w, i, middle));
}

static uint32_t find_node(struct walk *w)
{
        find_ranges(w);
        return w->failed ? 0 : find_range(w, 0, w->n_ranges);
}

/* Other architectures come first: following them shows which ones there are. */
static uint32_t find_root(struct walk *w)
{
        uint32_t root = find_node(w);

        w->is_known = true;
        for (size_t i = w->n_known; i-- > 0 && !w->failed;) {
                const struct seccomp_test t = { arch_offset, (uint32_t)ALL_BITS, BPF_JEQ, w->known[i] };

                w->arch = w->known[i];
                root = seccomp_graph_test(&w->graph, t, find_node(w), root);
        }
        return root;
}

void seccomp_compact(struct buf *program)
{
        __attribute__((cleanup(walk_finish))) struct walk w = {
                .program = (const void *)program->data,
                .n = program->len / sizeof(struct sock_filter),
                .memory = calloc(program->len / sizeof(struct sock_filter) + 1, sizeof(struct memory)),
        };
        own_buf struct buf out = {};
        uint32_t root;

        if (buf_failed(program) || !w.memory)
                return;
        root = find_root(&w);
        if (w.failed || w.graph.failed)
                return;
        seccomp_graph_write(&w.graph, root, &out);
        if (w.graph.failed || buf_failed(&out) || out.len >= program->len)
                return;
        buf_finish(program);
        *program = out;
        out = (struct buf){};
}
