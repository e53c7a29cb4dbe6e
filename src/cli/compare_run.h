/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a piece of work in one place, from its start to its end. */
#pragma once

#include "cli/compare.h"
#include "cli/compare_child.h"
#include "instance/engine.h"
#include "oci/image_config.h"
#include "store/store.h"

struct compare_setup {
        struct engine *engine;
        const char *holt, *program; /* paths of the programs */
        const char *image;          /* id of the image with the program in it */
        const char *network;
        const char *memory;  /* --memory of instances; NULL */
        const char *scratch; /* a directory of ours in the store's file system */
        const char *name;    /* of ours alone: instances are named after it */
        int signals;         /* a signalfd: what ends everything */
        pid_t waiting;       /* of the machine that waits for the next run of COMPARE_VM_WARM (compare_warm.h); 0 */

        /* The work is a program of the image: bare, it finds that image's files as its root. NULL: it is our own. */
        const struct image_info *files;
        const struct image_config *config;
};

/*
 * words: what holt-workload is told. -ECANCELED: a signal came. When it fails, nothing of it is left, as when it does
 * not.
 */
int compare_run(const struct compare_setup *s, enum compare_place place, const char *const *words,
                struct compare_sample *ret, struct error *err);

/* Removes the instance of a comparison of that name, if there is one. */
void compare_remove_instance(const struct compare_setup *s, const char *name);

/* ---- bare (compare_bare.c) ---- */

/*
 * Starts it in the directory. What has to be prepared is prepared before c->born: its own mounts, and so on; for that
 * there is a process between, c->pid, which ends as the work does and is nobody's part of it.
 */
int compare_bare_start(const struct compare_setup *s, const char *dir, const char *const *words,
                       struct compare_child *c, struct error *err);
