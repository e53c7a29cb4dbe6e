/* SPDX-License-Identifier: Apache-2.0 */
/* Changing the labels of what the host has, for :z and :Z. */
#pragma once

#include "base/error.h"

/*
 * Gives the file or directory, and all below it, the label: the directory itself at the end, so that one that has the
 * label says that all was done, and nothing is. No link is followed, and what is mounted below is left alone. -EPERM:
 * it is one of the directories that the host lives on, home included; -ENOTSUP: its file system has no labels.
 */
int selinux_relabel(const char *path, const char *label, struct error *err);

/* One file, by its name in a directory. 0 or -errno. */
int selinux_relabel_one(int dir, const char *name, const char *label);
