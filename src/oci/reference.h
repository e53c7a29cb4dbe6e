/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References to images: [REGISTRY[:PORT]/]REPOSITORY[:TAG][@DIGEST], with Docker's habits: what stands before the first
 * slash is a registry when it has a dot, a colon or is "localhost"; without one it is docker.io, and a repository there
 * without a slash lies in library/. (distribution/reference: regexp.go is the grammar.)
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "oci/digest.h"

struct reference {
        char registry[256];   /* "docker.io", "localhost:5000", "[::1]:5000" */
        char repository[256]; /* "library/debian" */
        char tag[129];        /* "" when there is a digest and no tag; "latest" when there was neither */
        struct digest digest;
        bool qualified; /* the text named the registry */
        bool tagged;    /* the text named the tag */
};

/* -EINVAL says what is wrong with it. 64 hexadecimal digits are no reference but an image's id. */
int reference_parse(const char *text, struct reference *ret, struct error *err);

/* Appends "docker.io/library/debian:12@sha256:..." */
void reference_add(struct buf *out, const struct reference *ref);

/* Appends "docker.io/library/debian". */
void reference_add_name(struct buf *out, const struct reference *ref);

/* Appends the name as people write it: "debian", "localhost:5000/team/web". */
void reference_add_short_name(struct buf *out, const struct reference *ref);
