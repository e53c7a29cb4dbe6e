/* SPDX-License-Identifier: Apache-2.0 */
/* Private to instance/: which of an instance's limits are the host's to keep, and which its guest's. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "instance/instance.h"

/*
 * "cgroup" and "limits" of the machine (monitor/job.h): processors and disks. The guest counts its memory and processes
 * itself; what QEMU gets of the host's memory follows from the machine's.
 */
int vm_limits_write(struct engine *e, const struct instance *i, struct json_writer *w, struct error *err);

/* Members of the job (monitor/job.h) as `update` changes them: the machine's size and limits, the spec's resources. */
int vm_change_write(struct engine *e, const struct instance *i, struct json_writer *w, struct error *err);

/* --storage-opt: bytes. */
int vm_disk_size_read(const struct instance_options *o, uint64_t *ret, struct error *err);

/* --cpus and --memory as a machine has them. */
int vm_size_read(const struct instance_options *o, uint64_t *ret_cpus, uint64_t *ret_mib, struct error *err);
