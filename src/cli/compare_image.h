/* SPDX-License-Identifier: Apache-2.0 */
/* The image of a comparison: another one, or none, with the program that does the work on top. */
#pragma once

#include "base/error.h"
#include "store/store.h"

/* Where the program is in it. */
#define COMPARE_PROGRAM_PATH "/.holt-workload"

struct compare_image {
        struct digest id;
        int pin; /* keeps it; -1 */
};

/*
 * base: NULL for none. program: the file on this host. scratch: a directory of ours, in which files are made and
 * removed. The same base and program make the same image: one that was left behind is found again.
 */
int compare_image_make(struct store *s, const struct image_info *base, const char *program, const char *scratch,
                       struct compare_image *ret, struct error *err);

/* Removes it, unless another comparison has it. */
void compare_image_remove(struct store *s, struct compare_image *i);
