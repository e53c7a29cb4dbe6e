/* SPDX-License-Identifier: Apache-2.0 */
/* --change: Dockerfile instructions that alter an image's configuration (Dockerfile reference, docker-import(1)). */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends the member "config" of an image configuration (image-spec, config.md), an object, with what the instructions
 * say: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR, STOPSIGNAL; later ones win. changes:
 * NULL-terminated, or NULL.
 */
int image_change_config(const char *const *changes, struct buf *out, struct error *err);
