/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a relay between descriptors. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { STREAM_CHUNK = 8192, STREAM_SLACK = 64 };

struct stream {
        int from, to;
        /* What was read and could not be written yet; who changes it in between may make it a little longer. */
        char data[STREAM_CHUNK + STREAM_SLACK];
        size_t start, end;
        bool done; /* nothing more will go this way */
};

/* What it waits for next; .fd is -1 when that is nothing. */
struct pollfd stream_poll(const struct stream *s);

/* Reads or writes once, if that is what poll() said of it. The end of the input (or of a terminal: EIO once nobody has
 * it open) and a failing write end the direction. */
void stream_step(struct stream *s, const struct pollfd *p);

/* A pipe for a program's input or output: ours does not block, and what is left in it is read when the program is
 * gone. */
int stream_pipe(bool is_input, int *program, int *ours, struct error *err);

/* The parts of it. */
void stream_read(struct stream *s);
void stream_write(struct stream *s);
