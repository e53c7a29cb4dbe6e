/* SPDX-License-Identifier: Apache-2.0 */
/* The options that checkpoint and restore have in common. */
#pragma once

#include "container/container.h"
#include "programs/oci/invocation.h"

struct checkpoint_paths {
        char *image, *work;
};

#define own_checkpoint_paths __attribute__((cleanup(checkpoint_paths_finish)))

/* Strings of *ret live as long as inv and *paths. */
int checkpoint_options_read(const struct invocation *inv, struct checkpoint_options *ret,
                            struct checkpoint_paths *paths, struct error *err);
void checkpoint_paths_finish(struct checkpoint_paths *paths);
