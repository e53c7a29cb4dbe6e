/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what log_journal.c has given to journald, by journalctl(1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "instance/log_read.h"

enum { JOURNAL_CURSOR_SIZE = 512 };

struct journal_query {
        const char *id;       /* the instance's */
        int64_t tail;         /* so many entries at the end; -1: all */
        int64_t since, until; /* seconds since 1970; 0: none */
        const char *after;    /* a cursor: what comes behind it; "": none */
        bool follow;
};

struct journal_reader {
        pid_t pid;
        int fd; /* may be polled: there is more, or the end */
        struct buf data;
        char cursor[JOURNAL_CURSOR_SIZE]; /* of the last entry; "": there was none */
};

int journal_reader_open(struct journal_reader *r, const struct journal_query *q, struct error *err);
/* Ends journalctl. What it has written by then can still be read by journal_reader_each() before. */
void journal_reader_close(struct journal_reader *r);
#define own_journal_reader __attribute__((cleanup(journal_reader_close)))

/*
 * Waits for a piece of output, and calls each for the lines in it until it returns non-zero, and returns that. The
 * parts of a long line have no end of line but the last. -ENODATA: there will be no more.
 */
int journal_reader_each(struct journal_reader *r, int (*each)(void *userdata, const struct log_entry *entry),
                        void *userdata, struct error *err);

/* What the programs have written so far can be read afterwards, if we may ask for that. */
void journal_sync(void);
