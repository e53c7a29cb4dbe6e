/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a filter decides, as a graph of tests without cycles, in which nothing stands twice; and that graph as
 * instructions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Whether data & mask compares with k; data: the 32 bits of struct seccomp_data at offset. */
struct seccomp_test {
        uint32_t offset, mask;
        uint16_t comparison; /* BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET */
        uint32_t k;
};

struct seccomp_node;

/* Zeroes are an empty graph. One that ran out of memory, or has more nodes than a filter could have, has failed. */
struct seccomp_graph {
        struct seccomp_node *nodes;
        size_t n, cap;
        uint32_t *table; /* number of a node + 1, by its hash */
        bool failed;
};

void seccomp_graph_finish(struct seccomp_graph *g);

/* The node that answers with an action; of a failed graph: 0, here and below. */
uint32_t seccomp_graph_return(struct seccomp_graph *g, uint32_t action);

/* The node that tests, and goes on at one of two that are there; where these are the same, that one. */
uint32_t seccomp_graph_test(struct seccomp_graph *g, struct seccomp_test test, uint32_t if_true, uint32_t if_false);

/* Appends what begins at the node as instructions (struct sock_filter), or marks the graph as failed. */
void seccomp_graph_write(struct seccomp_graph *g, uint32_t root, struct buf *out);
