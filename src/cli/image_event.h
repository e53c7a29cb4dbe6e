/* SPDX-License-Identifier: Apache-2.0 */
/* Telling `events` what happened to images. */
#pragma once

#include "cli/image_lookup.h"

/* id: as Docker has it, the image's, or its name for what comes from and goes to registries. Nothing is told of a
 * rehearsal. */
void image_tell(struct store *s, const char *action, const char *id, const char *name);

/* "pull" and "push": of a full name. */
void image_tell_name(struct store *s, const char *action, const char *name);

/* What a prune of a type ("container", "image", "network", "volume") gave back; UINT64_MAX: nobody counted. */
void prune_tell(const char *run, const char *type, uint64_t bytes);
