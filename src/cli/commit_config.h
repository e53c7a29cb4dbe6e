/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of an image that is made of an instance. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "instance/instance.h"

/*
 * Appends the member "config": the image's own (config; NULL: none), with what was asked of the instance when it was
 * made, as Docker has it, then with the Dockerfile instructions (NULL-terminated; NULL).
 */
int commit_config(const struct instance *i, struct json_object *config, const char *const *changes, struct buf *out,
                  struct error *err);
