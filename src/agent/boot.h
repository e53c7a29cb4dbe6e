/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel's first program to an agent: what PID 1 of a guest does before it speaks. The initial root file
 * system (vm/initramfs.h) holds the program itself as /init, and /modules.
 */
#pragma once

#include "base/error.h"

/* The names of the virtio-serial ports: the agent's own, and that of the host's directories. */
#define BOOT_PORT "holt.agent"
#define SHARE_PORT "holt.share"

/* boot_root.c: makes the root that is ours, on a tmpfs, with what the kernel shows in it; limits for what will run. The
 * initial one stays the current directory, so that its files are still there. */
int boot_make_root(struct error *err);
/* boot_root.c: goes there, and leaves nothing of the initial one behind: a container's pivot_root(2) asks for that. */
int boot_enter_root(struct error *err);

/* boot_modules.c: loads those that the file `list` of this directory names, and removes their files. */
int boot_load_modules(int directory, const char *list, struct error *err);

/* boot_port.c: waits for the port, and for the host's end of it. Returns a descriptor that does not block. */
int boot_open_port(const char *name, struct error *err);
