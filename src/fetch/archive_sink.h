/* SPDX-License-Identifier: Apache-2.0 */
/* Private to archive_save*.c: where files of an OCI layout go: into a tar stream, or into a directory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct archive_sink {
        int output;     /* a directory, or what the stream is written to */
        bool directory; /* which of both */
        int file;       /* in a directory: the file at hand, or -1 */
        char *name;     /* its name */
        uint64_t size, done;
        struct buf pending; /* of the stream */
};

void archive_sink_init(struct archive_sink *s, int output, bool directory);
void archive_sink_finish(struct archive_sink *s);
#define own_archive_sink __attribute__((cleanup(archive_sink_finish)))

/* A file of so many bytes, which then come; "blobs/sha256/HEX". */
int archive_sink_begin(struct archive_sink *s, const char *name, uint64_t size, struct error *err);
int archive_sink_write(struct archive_sink *s, const void *data, size_t n, struct error *err);
int archive_sink_end(struct archive_sink *s, struct error *err);

int archive_sink_add(struct archive_sink *s, const char *name, const void *data, size_t n, struct error *err);

/* Nothing comes any more. */
int archive_sink_close(struct archive_sink *s, struct error *err);
