/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted into an instance beside its root: --volume, --mount and --tmpfs in Docker's words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "instance/instance_mounts.h"
#include "instance/options.h"

struct volume {
        const char *source, *destination, *type;
        const char *options; /* separated by commas, for the runtime-spec */
        const char *idmap;   /* volume_options.h; NULL */
};

struct volumes {
        struct volume *items;
        size_t n, cap;
        bool makes_nothing; /* what is missing on the host stays so */
        struct arena arena;
        bool idmapped; /* files of ours are shown through the mappings of the instance's own user namespace */
};

#define own_volumes __attribute__((cleanup(volumes_finish)))
void volumes_finish(struct volumes *v);

/* "SOURCE:DESTINATION[:OPTIONS]"; a directory that is missing on the host is made, as Docker does. */
int volumes_add_bind(struct volumes *v, const char *text, struct error *err);
/* The same in parts; make: the directory, if it is missing. options: in the words of -v. */
int volumes_add_source(struct volumes *v, const char *source, const char *destination, const char *options, bool make,
                       struct error *err);
/* "type=bind,source=...,target=...[,readonly]", "type=tmpfs,target=...". */
int volumes_add_mount(struct volumes *v, const char *text, struct error *err);
/* "DESTINATION[:OPTIONS]" */
int volumes_add_tmpfs(struct volumes *v, const char *text, struct error *err);
/* All of --volume and --mount, and what was settled of them when the instance was made (instance_mounts.h). dir: the
 * instance's. */
int volumes_add_instance(struct volumes *v, const struct instance_options *o, const char *dir, struct error *err);
/* Those of one that has no directory: planned is what would be settled. */
int volumes_add_planned(struct volumes *v, const struct instance_options *o, const struct instance_mounts *planned,
                        struct error *err);
/* The strings are copied. */
int volumes_add(struct volumes *v, const char *source, const char *destination, const char *type, const char *options,
                struct error *err);

bool volumes_has(const struct volumes *v, const char *destination);

/* Elements of mounts[], what is mounted in another after it. */
void volumes_write(struct volumes *v, struct json_writer *w);
