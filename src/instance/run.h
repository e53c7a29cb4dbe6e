/* SPDX-License-Identifier: Apache-2.0 */
/* `run`: a container of an image, in the foreground, gone afterwards. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "store/store.h"

/*
 * What was asked for, in the words of Docker's command line (a flag's value as it was typed). Absent strings and lists
 * are NULL, lists end with NULL.
 */
struct run_options {
        const char *const *command; /* instead of the image's */
        const char *entrypoint;     /* "": none */
        const char *name, *hostname, *workdir, *user;
        bool interactive, tty, read_only;
        const char *const *env, *const *env_files;
        const char *const *volumes, *const *mounts, *const *tmpfs, *const *devices;
        const char *const *cap_add, *const *cap_drop, *const *security_opts, *const *ulimits;
        const char *memory, *memory_swap, *cpus, *cpu_shares, *cpuset_cpus, *pids_limit, *shm_size;
        void (*warn)(const char *text);  /* told of what stops nothing */
        void (*debug)(const char *text); /* which image and files are used; may be NULL */
};

/* As a shell has them: the program's own, or one of these. */
enum {
        RUN_EXIT_FAILED = 125, /* holt itself */
        RUN_EXIT_NOT_EXECUTABLE = 126,
        RUN_EXIT_NOT_FOUND = 127,
};

/*
 * Runs a program of the image to its end. *ret_exit: the exit status, also on failure. First sweeps away
 * what killed ones have left. Called by an ordinary user, this process becomes root of a user namespace
 * (user_namespace.h): it should end afterwards.
 */
int run_image(struct store *s, const struct image_info *image, const struct run_options *o, int *ret_exit,
              struct error *err);
