/* SPDX-License-Identifier: Apache-2.0 */
/* A root filesystem from a distribution's own packages, by mmdebstrap(1): a stream of tar. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct bootstrap {
        const char *distribution, *release; /* "debian", "12" or "bookworm" */
        const char *variant;                /* mmdebstrap's: "minbase", "essential", "buildd" ... */
        const char *architecture;           /* Debian's word; NULL: the host's */
        const char *const *include;         /* packages, NULL-terminated; NULL: none */
        const char *mirror;                 /* NULL: the host's own, if it has this release, else the distribution's */
        int log;                            /* where mmdebstrap tells what it does */
};

/* The code name of a release: "12" is "bookworm"; a name stands for itself. -EINVAL: neither. */
int bootstrap_suite(const char *distribution, const char *release, const char **ret, struct error *err);

/*
 * Starts it; *ret_pipe gives the archive. SOURCE_DATE_EPOCH in the environment makes it the same bytes for the same
 * packages. -ENOENT: no mmdebstrap.
 */
int bootstrap_start(const struct bootstrap *b, int *ret_pipe, pid_t *ret_pid, struct error *err);

/* Waits for it: an error when it failed. */
int bootstrap_end(pid_t pid, struct error *err);

/* Appends the image's configuration, without its layers: a shell, a path, when it was made (SOURCE_DATE_EPOCH or now).
 */
void bootstrap_config(const struct bootstrap *b, const char *suite, struct buf *out);
