/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance runs: its image's entry point and arguments, or what was given instead. */
#pragma once

#include "base/error.h"
#include "instance/options.h"
#include "oci/image_config.h"

/* *ret is malloc'ed and ends with NULL; its strings are those of image and o. -EINVAL when there is nothing to run. */
int image_command(const struct image_config *image, const struct instance_options *o, const char ***ret,
                  struct error *err);
