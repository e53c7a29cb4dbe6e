/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of QEMU to the file of its guest's memory, which it can open but not have.
 *
 * Clones of a template map its memory file privately, and QEMU wants to open it for writing to do so. What can be
 * written by one QEMU, which runs a hostile guest, is in the memory of all other clones: so it must get a descriptor
 * that can only be read. A filter of system calls (Linux Documentation/userspace-api/seccomp_filter.rst) gives us its
 * one open(2) of this kind, without O_CLOEXEC and for reading and writing, to answer, and has its fallocate(2) of that
 * descriptor succeed without doing anything, with which it would give back what the guest does not need (the madvise(2)
 * that follows does that).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* What is opened has this number. */
enum { MEMORY_GATE_FD = 1000 };

/* In the process that becomes QEMU, which can gain no rights any more (no_new_privs): sends the other end over the
 * socket, with a byte. 0 or -errno. */
int memory_gate_make(int sock);

/* The byte and the end. -EPIPE: the process has ended. */
int memory_gate_receive(int sock, struct error *err);

/*
 * It can be read: QEMU opens something, and gets the memory. What else it opens in this way while it starts is
 * /dev/null, to find out which locks there are: that can be asked of any file. When it has started, the end is to be
 * closed, and nothing is opened any more.
 */
int memory_gate_pass(int gate, int memory, struct error *err);
