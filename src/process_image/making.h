/* SPDX-License-Identifier: Apache-2.0 */
/* The making of a process's file, in parts: each fills its tables. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/user.h>

#include "base/buf.h"
#include "process_image/format.h"
#include "process_image/process_image.h"

enum { MAKING_THREADS = 128, MAKING_PAGE = 4096 };

struct making_thread {
        pid_t tid;
        struct user_regs_struct regs;
};

struct making {
        pid_t pid;
        int proc, memory, file;            /* /proc/PID, its mem, and what is written */
        uint64_t end;                      /* of what was written */
        const struct process_apart *apart; /* or NULL */
        size_t part;                       /* of it, that comes next */
        uint64_t tag;
        bool is_thawed;     /* it began as another did */
        struct stat thawed; /* of which this is the image */
        struct making_thread threads[MAKING_THREADS];
        size_t n_threads;
        struct buf mappings, thread_table, signals, vdso, files, origins, arguments, memory_files;
};

/* --- threads.c --- */
/* All of them stand until making_release(). */
int making_stop(struct making *m, struct error *err);
void making_release(struct making *m);
/* -EAGAIN: one is in no system call. */
int making_read_threads(struct making *m, struct error *err);

/* --- signals.c --- */
/* Has its first thread ask what it does with those that it handles. */
int making_read_signals(struct making *m, struct error *err);

/* --- memory.c --- */
int making_write_memory(struct making *m, struct error *err);

/* --- files.c --- */
int making_read_files(struct making *m, const struct process_given *given, size_t n_given, struct error *err);

/* A file below /proc/PID as text. */
int making_read_text(const struct making *m, const char *name, struct buf *ret, struct error *err);
