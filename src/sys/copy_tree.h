/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Copies what the directory `from` holds (not the directory itself) into the directory `to`: files, directories,
 * links, nodes, with owners, modes, times and extended attributes; stays on one filesystem, follows no link.
 * 0 or -errno; what was copied before stays.
 */
int copy_tree(int from, int to);
