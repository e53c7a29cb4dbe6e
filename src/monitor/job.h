/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holt-vm is to run, as JSON:
 *
 *   machine    {"cpus", "memory" (MiB), "kernel", "initramfs", "append": to the kernel's command line, or absent,
 *              "layers": [bytes of each, lowest first], "modules": {"path", "size"} of the image of the kernel's modules
 *              (instance/vm_modules.h) or absent, "disk": path or absent, "keep": bool (the disk outlives the machine),
 *              "tty": bool, "network": bool, "cgroup": the path of QEMU's, absent: none, "limits": its linux.resources
 *              without memory and pids, "templates": directory, or absent when none is to be used, "template_limit":
 *              bytes that they may take, "copy": path (copy.h) or absent, "pool": {"directory", "root": holt's, "size",
 *              "seconds", "session": a process} (pool.h), absent: none, "pins", "shares"}; the layers' files are
 *              descriptors from MONITOR_LAYERS on, of which there are "pins" in all, and "shares" behind them
 *   guest      what CONFIGURE says to the agent, but for "time", "entropy", "layers", "modules", "disk" and
 *              "shares"
 *   spec       the runtime-spec's configuration of the program; absent: there is none, the guest is there for errands
 *              (agent/errand.h), until SHUTDOWN
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

struct monitor_pool {
        const char *directory, *root; /* NULL: there is none */
        uint32_t size;                /* so many wait */
        uint32_t seconds;             /* for so long */
        uint32_t session;             /* and as long as this process is there; 0 */
};

struct monitor_job {
        uint32_t cpus, memory_mib;
        const char *kernel, *initramfs, *disk, *cgroup, *append; /* NULL for none */
        const char *templates;                                   /* or NULL */
        uint64_t template_limit;
        const char *copy; /* or NULL */
        struct monitor_pool pool;
        uint64_t *layers; /* their sizes in bytes, the lowest first */
        size_t n_layers;
        const char *modules; /* or NULL */
        uint64_t modules_size;
        bool tty, network, keeps;
        uint32_t n_shares;                /* directories and files of the host */
        int shares_at;                    /* the first one's descriptor */
        struct json_object *limits;       /* NULL */
        struct json_object *guest, *spec; /* spec: NULL for none */
        struct json_object *json;         /* owns all of it */
};

int monitor_job_read(const char *text, size_t len, struct monitor_job *ret, struct error *err);
void monitor_job_finish(struct monitor_job *j);
