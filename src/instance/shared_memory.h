/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/shm of an instance whose IPC others may join (--ipc shareable): a tmpfs at RUN/shm/ID from its start to its end.
 * That of all others is made inside the container, where nobody else can reach it. In a user namespace, where a mount
 * would be seen by no other start, it is a directory of RUN's file system, and its size that one's.
 */
#pragma once

#include <limits.h>

#include "base/error.h"

/* Makes it, of that size in the words of --shm-size (NULL: the default). ret: its path. */
int shared_memory_open(const char *run, const char *id, const char *size, char ret[PATH_MAX], struct error *err);

/* Where it would be. */
int shared_memory_path(const char *run, const char *id, char ret[PATH_MAX], struct error *err);

/* -ENOENT: the instance has none. */
int shared_memory_find(const char *run, const char *id, char ret[PATH_MAX], struct error *err);

/* Also for one that has none. Whoever joined it keeps it. */
void shared_memory_close(const char *run, const char *id);
