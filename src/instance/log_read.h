/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what log_file.c writes: the rotated files from the oldest on, then the one that is written to. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "instance/log.h"

enum { LOG_READ_MAX_FILES = 1000 };

struct log_entry {
        const char *text; /* with the end of the line, if it has one */
        size_t len;
        enum log_stream stream;
        int64_t time; /* nanoseconds since 1970 */
};

/* One line of the file, without its end; what it has is decoded in its place. -EINVAL: it makes no sense. */
int log_line_parse(char *line, size_t len, struct log_entry *ret);

struct log_reader {
        int dir;         /* the instance's */
        int fd;          /* of the file that is being read; -1: none is there (yet) */
        int64_t at;      /* where the next read begins */
        struct buf data; /* that was read and is not a whole line */
};

/* dir stays the caller's. tail: begin so many lines before the end; -1: at the beginning. */
void log_reader_open(struct log_reader *r, int dir, int64_t tail);
void log_reader_close(struct log_reader *r);
#define own_log_reader __attribute__((cleanup(log_reader_close)))

/* Calls each for every line that is there by now, until it returns non-zero, and returns that. A line that makes no
 * sense is passed over. */
int log_reader_each(struct log_reader *r, int (*each)(void *userdata, const struct log_entry *entry), void *userdata,
                    struct error *err);
