/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writes an absolute path (its first byte is '/') without empty and "." components and without a slash at its
 * end. ret has room for as many bytes as path has, and may be path itself. -EINVAL for a path with "..".
 */
int cgroup_path_clean(const char *path, char *ret);
