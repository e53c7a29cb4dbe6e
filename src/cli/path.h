/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the command line as text; nothing is looked up but the current directory. */
#pragma once

/*
 * Makes `path` absolute and removes ".", ".." and doubled slashes by the text alone (as Go's
 * filepath.Abs does). *ret is malloc'ed. 0 or -errno.
 */
int path_absolute(const char *path, char **ret);
