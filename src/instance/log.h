/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of an instance, as the shim writes it: the program's output, line by line as Docker's drivers have it. What
 * cannot be written (a full disk, no journal) is dropped: the program goes on.
 *
 * json-file: {"log":"text\n","stream":"stdout","time":"..."} a line, in the file "log" of the instance's directory.
 * When it has max_size bytes it becomes log.1, log.1 becomes log.2, and so on up to max_files; with one file
 * it begins again. A line of more than 16 KB is split; only its last part ends with "\n".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "instance/log_options.h"

enum { LOG_MAX_LINE = 16 << 10 };
enum log_stream { LOG_STDOUT, LOG_STDERR };

struct log {
        struct log_options options;
        const char *id, *name, *image; /* of the instance: for the journal */
        int dir;                       /* the instance's */
        int fd;                        /* of the file, or a socket to the journal; -1 until it is needed */
        int64_t size;                  /* of the file */
        bool is_stuck;                 /* the journal has not taken the last line in time: it is not waited for */
        struct buf rest[2];            /* of a line that has not ended; by stream */
        struct buf out;                /* lines that are still to be written */
};

/* Everything belongs to the caller and outlives *l. Opens nothing yet. */
void log_open(struct log *l, const struct log_options *o, int dir, const char *id, const char *name, const char *image);

/* time: nanoseconds since 1970. */
void log_write(struct log *l, enum log_stream stream, const char *data, size_t len, int64_t time);

/* The program has ended: lines without an end are written, memory is given back. More may come. */
void log_flush(struct log *l, int64_t time);

/* Private to log*.c: one line, or part of one; partial: without its end. */
void log_file_add(struct log *l, enum log_stream stream, const char *line, size_t len, bool partial, int64_t time);
void log_file_flush(struct log *l);
void log_journal_add(struct log *l, enum log_stream stream, const char *line, size_t len, bool partial);
