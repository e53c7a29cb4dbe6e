/* SPDX-License-Identifier: Apache-2.0 */
/* Units of systemd (systemd.unit(5), systemd.service(5)). */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "instance/instance.h"

/* What all of them say. */
struct systemd_program {
        const char *path;       /* of holt */
        const char *root, *run; /* --root and --run; NULL: the default */
        const char *store;      /* where the store is */
};

/* The instances whose restart policy wants them at boot. user: an ordinary user's own systemd. */
void systemd_unit_at_boot(const struct systemd_program *p, bool user, struct buf *out);

struct systemd_instance {
        struct systemd_program program;
        const struct instance *instance;
        const char *subject;                                       /* its name or id */
        const char *unit;                                          /* "container-web.service" */
        const char *restart;                                       /* Restart= */
        unsigned restart_sec, stop_timeout;                        /* seconds; restart_sec 0: systemd's default */
        const char *const *after, *const *requires, *const *wants; /* NULL-terminated or NULL */
        bool anew;                                                 /* each start makes it anew from its image */
        bool no_header;                                            /* without the comment about when it was made */
};

void systemd_unit_of_instance(const struct systemd_instance *s, struct buf *out);

/* A word of a command line in a unit. */
void systemd_add_word(struct buf *out, const char *word);
