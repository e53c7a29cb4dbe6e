/* SPDX-License-Identifier: Apache-2.0 */
/* --device, --device-cgroup-rule, and all of the host's for --privileged. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "instance/options.h"

struct device;

struct devices {
        struct device *items;
        size_t n, cap;
        struct arena arena;
};

#define own_devices __attribute__((cleanup(devices_finish)))
void devices_finish(struct devices *d);

/* Looks at the host's files, as they are now. is_user: of an ordinary user, who gets with --privileged what he may
 * open himself. in_guest: of a machine, which has none of the host; --privileged gives it its own (mount_spec.c). */
int device_flags_read(const struct instance_options *o, bool is_user, bool in_guest, struct devices *ret,
                      struct error *err);

/* linux.devices. */
void device_flags_write(const struct devices *d, struct json_writer *w);

/* linux.resources.devices. */
int device_flags_write_rules(const struct instance_options *o, const struct devices *d, struct json_writer *w,
                             struct error *err);
