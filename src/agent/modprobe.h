/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's kernel asks to be loaded, because a program wants a file system, a protocol or a kind of interface. It
 * runs /sbin/modprobe of the agent's own root for that, which is the agent's file.
 */
#pragma once

#include "base/error.h"

#define MODPROBE "/sbin/modprobe"

/*
 * Loads the module of that name, or those that are meant by it, and what they need. directory: what is
 * /lib/modules/RELEASE elsewhere, as depmod(8) has left it. -ENOENT: there is none, it may be built in.
 */
int modprobe_load(int directory, const char *name, struct error *err);

/* The program: its exit status. */
int modprobe_main(const char *name);
