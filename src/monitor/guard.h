/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of the namespace of processes that a QEMU lives in. It ends when nobody has the other end of its
 * socket any more, and the kernel then ends QEMU with it: whoever has that end owns the QEMU, be he its parent or not, and
 * when he dies, in whatever way, it goes too. An owner passes it on as a descriptor.
 */
#pragma once

#include <sys/types.h>

/* In the first process: returns 0 in the one that becomes QEMU, -errno when there is none; does not return otherwise. */
pid_t guard_become(int owner);

/* pidfd: the guard's. Returns one of the QEMU that it watches; -errno. */
int guard_get_qemu(int pidfd);
