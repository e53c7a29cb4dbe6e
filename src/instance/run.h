/* SPDX-License-Identifier: Apache-2.0 */
/* `run`: a container of an image, in the foreground, gone afterwards. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "instance/options.h"
#include "store/store.h"

struct run_reports {
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
int run_image(struct store *s, const struct image_info *image, const struct instance_options *o,
              const struct run_reports *to, int *ret_exit, struct error *err);
