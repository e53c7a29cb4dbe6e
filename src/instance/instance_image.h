/* SPDX-License-Identifier: Apache-2.0 */
/* What the image says where nothing was asked for. */
#pragma once

#include "base/error.h"
#include "instance/instance.h"
#include "instance/options.h"
#include "oci/image_config.h"

/* Reads i->config, unless it was read before. */
int instance_image_read(struct engine *e, struct instance *i, struct error *err);
void instance_image_forget(struct instance *i);

/* Labels, volumes and health check become the options'; those that were given go before. */
int instance_image_merge(const struct image_config *image, struct instance_options *o, struct error *err);

/* The program and its arguments, NULL-terminated, from the options' arena; and with it is known by which signal the
 * instance stops. -EINVAL: there is none. */
int instance_image_args(const struct image_config *image, struct instance_options *o, const char *const **ret,
                        struct error *err);
