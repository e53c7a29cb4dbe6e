/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes whose content is not a directory of ours: `volume create --opt type=...,device=...,o=...`, as Docker's driver
 * "local" has them. What they are is mounted on the volume's _data while an instance that has it runs; everything else
 * knows only that directory.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "instance/engine.h"
#include "instance/instance.h"

struct volume_driver {
        const char *type;    /* "tmpfs", "nfs", "none" for a bind ...; NULL: there is nothing to mount */
        const char *device;  /* the file system's source; a bind's directory */
        const char *options; /* of mount(8), with commas between them; "" */
};

/* From --opt KEY=VALUE, NULL-terminated; strings are the list's. -EINVAL. */
int volume_driver_read(const char *const *list, struct volume_driver *ret, struct error *err);

/* On `data`, unless it is there already. name: for messages. The volume is locked. */
int volume_driver_mount(const struct volume_driver *d, int data, const char *name, struct error *err);

/* Takes what is mounted on the directory away, if anything is, with all below; who has files of it open keeps them. */
int volume_driver_unmount(const char *path, struct error *err);

/* At an instance's end: what of its volumes is mounted, and no other instance needs that runs or is being started. */
int instance_volumes_unmount(struct engine *e, struct instance *i, struct error *err);
