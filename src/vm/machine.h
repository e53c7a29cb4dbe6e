/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine of a guest as QEMU's command line: microvm, which has no PCI and no firmware to wait for, and eight slots
 * of virtio-mmio. Everything that the process needs comes as a descriptor; it opens nothing but the kernel.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "vm/accelerator.h"

struct machine {
        enum accelerator accelerator;
        unsigned cpus;
        unsigned memory_mib;
        uint32_t tsc_khz; /* of this host's time stamp counter: a guest that measures it under TCG may hang */

        const char *kernel, *initramfs; /* NULL: a machine that is to be loaded from a template */
        const char *append;             /* to the kernel's command line; or NULL */
        const char *memory_file;        /* its memory, mapped privately unless memory_shared; NULL: anonymous */
        int memory_shared;

        int qmp; /* sockets; the other ends are holt's */
        int agent;
        int share;   /* the port of what the guest has of the host; it is there without any; -1: nobody serves it */
        int console; /* what the kernel says goes there; -1: nowhere */
        int tap;     /* -1: no network */

        /* What QEMU gets opened: number i is /dev/fdset/i+1 to it. */
        const int *files;
        size_t n_files;
        const char *layers; /* the guest's first disk: a vmdk descriptor (layer_disk.h); NULL: a placeholder */
        const char *disk;   /* the writable disk, raw; NULL: a placeholder */
        bool disk_is_lost;  /* with the machine: nothing has to be safe on it before the host ends */
};

enum { MACHINE_MAX_FILES = 256, MACHINE_MAX_ARGS = 2 * MACHINE_MAX_FILES + 96 };

struct machine_args {
        const char *v[MACHINE_MAX_ARGS + 1]; /* ends with NULL */
        size_t n;
        struct arena arena;
};

#define own_machine_args __attribute__((cleanup(machine_args_finish)))
void machine_args_finish(struct machine_args *a);

/* The names of what can be changed over QMP. */
#define MACHINE_LAYERS "layers"
#define MACHINE_DISK "disk"
#define MACHINE_IMAGE_NODE "image"
#define MACHINE_DISK_NODE "writable"

/* The command line, with the program's name. -EINVAL for a path that cannot be said (a comma is doubled: fine). */
int machine_args(const struct machine *m, struct machine_args *ret, struct error *err);

/* Where in the PATH QEMU is: -ENOENT says what to install. ret: NULL, or of PATH_MAX. */
int machine_find_qemu(char *ret, struct error *err);
