/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying files between an instance and the host, by Docker's rules of what becomes what.
 *
 * From what copy_side.h has found, files are read and written as tar_tree.h and tar_extract.h say. So programs of the
 * instance may change whatever they like meanwhile: at worst a file of their own is copied to a place of their own. And
 * so may a guest, of whose archive nothing is taken but what was asked for.
 */
#pragma once

#include "instance/copy_side.h"

int copy_files(const struct copy_side *from, const struct copy_side *to, const struct copy_options *o,
               struct error *err);

/* To an archive on the descriptor. */
int copy_to_stream(const struct copy_side *from, int to, const struct copy_options *o, struct error *err);

/* From an archive, which may not be compressed, into a directory that is there. */
int copy_from_stream(int from, const struct copy_side *to, const struct copy_options *o, struct error *err);
