/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance has become is made an image: its changes a layer on top of what it stands on, or all of it one. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "instance/instance.h"

struct image_making {
        bool full;          /* one layer that has everything, so that nothing of its image is needed */
        bool freeze;        /* it stands still meanwhile, if it runs */
        bool is_internal;   /* for a snapshot or clone: not shown among the images, goes with its last owner */
        const char *config; /* the member "config" of the new image, JSON; NULL: as before */
        const char *author, *comment; /* NULL */
        const char *created_by;       /* of the history's entry */
        const struct reference *name; /* NULL */
        const char *owner;            /* who needs it from the start on (store_image_hold()); NULL */
};

struct image_made {
        struct digest id;
        int pin; /* keeps the new layer, and with it the image, from being collected before it has an owner */
};

#define own_image_made __attribute__((cleanup(image_made_finish)))
void image_made_finish(struct image_made *m);

int instance_image_make(struct engine *e, struct instance *i, const struct image_making *o, struct image_made *ret,
                        struct error *err);

/* Whether the image was made for a snapshot or clone, by its configuration's text. */
bool image_is_internal(const char *config, size_t len);

/* Removes it if it was, and nobody needs it any more. */
int image_drop_internal(struct engine *e, const struct digest *id, struct error *err);
