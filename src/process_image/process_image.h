/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process kept as a file, from which others begin where it stood: with its memory, threads and signals, and other
 * descriptors. It is what CRIU does for any process, done for one kind: a QEMU whose machine is stopped, which has sockets,
 * events and files, and no children.
 *
 * Why: without hardware that helps, QEMU translates the guest's code, and what it has translated is most of what a start
 * costs. It is in no state that QEMU saves. A process that begins here has it, shares it with all others of the same
 * file, and need not load a program of sixty libraries.
 *
 * The file is good for as long as the host is up: kernel and processor are as they were. What was mapped (programs,
 * libraries, the memory of a template) must be as it was, so that an upgrade is not outlived by what it replaced. All of
 * one file have the same addresses and the same seeds of whatever the process has drawn: what is to differ has to come
 * from the kernel, or through its descriptors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* A descriptor that holds something of its own in each process: fd is its number in the process, value what we call it.
 * Copies of it there are found by themselves. */
struct process_given {
        int fd;
        uint32_t value;
};

/* Memory that is in other files: start counts from the beginning of the region, all are whole pages. */
struct process_part {
        uint64_t start, length, offset; /* offset: into the file */
        uint32_t file;
};

/* A region of the process's memory. What is in none of its parts, which ascend, is written like all other memory. */
struct process_apart {
        uint64_t start, length;
        const struct process_part *parts;
        size_t n_parts;
        const int *files;
        size_t n_files;
};

/*
 * Writes a process into the file. It is stopped meanwhile and goes on as if nothing had been; the caller must have the
 * right to trace it (ptrace(2), PTRACE_MODE_ATTACH). It must have answered something: one that the dynamic linker is still
 * busy with would be kept as that. -EAGAIN: it is doing something, or has not begun; -ENOTSUP: it has something that
 * cannot be kept, or the machine is none that we know. apart: or NULL. tag: for the caller, as it has it again.
 */
int process_image_make(pid_t pid, const struct process_given *given, size_t n_given, const struct process_apart *apart,
                       uint64_t tag, int file, struct error *err);

/* One that is to begin. */
struct process_image {
        int file;
        void *head; /* of format.h */
        size_t length;
        const char *name;
        const char *const *arguments; /* the process's own, for who lists processes */
        void *words;
        uint64_t tag, apart; /* apart: where that region is; 0: there is none */
        const int *files;    /* of that, the caller's until it has begun */
        size_t n_files;
};

#define own_process_image __attribute__((cleanup(process_image_finish)))
void process_image_finish(struct process_image *p);

/*
 * -EBADMSG: it is damaged, or the files are not those that have some of the memory; -ESTALE: of another boot of the host,
 * or of programs that are others by now; others: that could not be found out. The file is the image's then and closed
 * with it.
 */
int process_image_open(int file, const int *files, size_t n_files, struct process_image *ret, struct error *err);

/* The number of a given descriptor in the process; -1: it had none. */
int process_image_given(const struct process_image *p, uint32_t value);

/*
 * In the process that becomes it, before it loses its rights: has each descriptor where it has to be. given: by value; all
 * of them are copied. What else is open and has to last until exec is close-on-exec. 0 or -errno.
 */
int process_image_place(const struct process_image *p, const int *given, size_t n_given);
