/* SPDX-License-Identifier: Apache-2.0 */
/* What the flags of an instance mean together: read and checked once, before a part of the spec is written. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "instance/device_flags.h"
#include "instance/image_spec.h"
#include "instance/namespace_flags.h"
#include "instance/security_flags.h"

struct spec_plan {
        const struct image_spec *from;
        const struct instance_options *options; /* from's */
        const char **command;                   /* malloc'ed; its strings are others' */
        uint64_t capabilities;
        struct security security;
        struct namespace_modes namespaces;
        struct devices devices;
        char *cgroup;   /* where its cgroup is below the root; NULL: by ours, wherever that is */
        bool is_system; /* system_container.h */
};

/* The program of --init in the container: on a tmpfs that it has anyway, so that nothing is written to its files. */
#define SPEC_INIT_PATH "/dev/init"

/* "process" */
int process_spec_write(const struct spec_plan *p, struct json_writer *w, struct error *err);
/* "mounts" */
int mount_spec_write(const struct spec_plan *p, struct json_writer *w, struct error *err);
/* "linux" */
int linux_spec_write(const struct spec_plan *p, struct json_writer *w, struct error *err);
