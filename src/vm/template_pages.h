/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a template that has only what changed: its file `memory` has those pages one behind the other, the others
 * are in files of the templates from which the machine came, which it has as links of its own ("memory.1", "memory.2",
 * ...): nobody can take them away, and they take no room as long as another has them, too. The file `pages` says where
 * what is, as struct template_extent in the order of the memory; what is in none is zero. The first of the others is as
 * large as the memory, and has its pages at their places.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "vm/template.h"

struct template_extent {
        uint64_t start, length, offset; /* in bytes, whole pages */
        uint32_t file, unused;          /* 0: memory; N: memory.N */
};

/* "memory.N" */
enum { TEMPLATE_BASE_NAME = 32 };
void template_base_name(size_t n, char ret[TEMPLATE_BASE_NAME]);

/* extents: of struct template_extent. */
int template_pages_write(int directory, const struct buf *extents, char ret_digest[SHA256_HEX], struct error *err);

/* -EBADMSG. *ret is t->pages of a template that has files. */
int template_pages_open(int directory, struct template *t, struct error *err);

/* What they have is read whole. -EBADMSG. */
int template_bases_check(const struct template *t, struct error *err);
