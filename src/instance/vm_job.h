/* SPDX-License-Identifier: Apache-2.0 */
/* What holt-vm gets to do: an instance's options as a machine (monitor/job.h has the format). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "instance/instance.h"
#include "instance/instance_network.h"

/* Where the agent puts the files that an instance has from us: the spec's mounts say so. */
#define VM_FILES "/run/holt/files"

/* The instance's disk, in its upper directory: which of these it is, the configuration says. */
#define VM_DISK "disk"

/* -ENOTSUP names what was asked for and no virtual machine can do. */
int vm_options_check(const struct instance_options *o, struct error *err);

/* The descriptors that holt-vm gets with it: pins, the first of which are the layers, and shares behind them. */
struct vm_files {
        const uint64_t *layers; /* the sizes of their EROFS images, lowest first */
        size_t n_layers, n_pins, n_shares;
};

/*
 * Appends the job, and makes what it needs beside the instance: the file that guests boot from, and its disk. spec: the
 * runtime-spec's configuration.
 */
int vm_job_write(struct engine *e, const struct instance *i, const char *hostname,
                 const struct instance_network *network, const struct vm_files *files, const struct buf *spec,
                 struct buf *out, struct error *err);

/* The same without a program, and without a network: for a guest that is there for its files (vm_guest.h). */
int vm_job_write_bare(struct engine *e, const struct instance *i, const uint64_t *layers, size_t n_layers,
                      struct buf *out, struct error *err);
