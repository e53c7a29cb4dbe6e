/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that appears under its name when it is complete. What is there already and is no regular file (a pipe,
 * /dev/stdout) is written as it is.
 */
#pragma once

#include "base/error.h"

struct output_file {
        const char *path; /* the caller's */
        char *temporary;  /* NULL: written in place */
        int fd;
};

/* Starts with fd -1: an output_file that was not opened may be finished. */
#define OUTPUT_FILE_NONE \
        {                \
                .fd = -1 \
        }

int output_file_open(const char *path, struct output_file *ret, struct error *err);
/* Gives it its name. */
int output_file_commit(struct output_file *f, struct error *err);
/* Removes it, unless it has its name. */
void output_file_finish(struct output_file *f);
#define own_output_file __attribute__((cleanup(output_file_finish)))
