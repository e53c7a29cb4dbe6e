/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ROOT/unpacked: layers as directories, for those who may mount no EROFS (layer_unpack.h).
 *
 *   HEX-IDS       a layer for one user namespace: with others' mappings its owners would be wrong. IDS is a hash of
 *                 them
 *   HEX-IDS/tree  the layer
 *   HEX-IDS/boot  a link that leads nowhere: the boot in which it was unpacked. It goes when all is on the disk; in
 *                 another boot a tree that has it is as good as none
 *   HEX-IDS/size  a link likewise: what it takes on the disk, in bytes
 *   *.new, *.gone-NUMBER  what is being made, and being removed: of killed ones, unless ROOT/unpacked is locked
 *
 * What is in it belongs to the user's subordinate ids, so that making and removing it takes a user namespace; giving
 * it another name does not. Who uses it has pinned the layer (store_layer_open()).
 */
#pragma once

#include "store/store_private.h"

/* The layer's directory (O_PATH), which is unpacked if it is not there. warn: told once of what got lost; NULL. */
int layer_unpacked_get(struct store *s, const char *hex, int image_fd, void (*warn)(const char *text),
                       struct error *err);

/* Takes its names away, for layer_unpacked_sweep() to remove it; the layer is not in use. None is no error. */
int layer_unpacked_forget(struct store *s, const char *hex, struct error *err);

struct unpacked_layer {
        const char *name; /* HEX-IDS, or what is left of one */
        size_t hex;       /* the length of HEX */
        uint64_t bytes;
        bool whole; /* as far as the disk goes; false for what is left */
};

/* Calls each() until it returns non-zero; returns that, or 0. What another process is making is left out. */
int layer_unpacked_each(struct store *s, int (*each)(void *userdata, const struct unpacked_layer *u), void *userdata,
                        struct error *err);

/* Removes what killed ones have left, and what was forgotten; nothing while another process unpacks. */
int layer_unpacked_sweep(struct store *s, struct error *err);
/* The same in the process for later (store_later.h); what goes wrong there is left to another sweep. */
void layer_unpacked_sweep_later(struct store *s);
