/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service manager hands to the runtime for the program: sockets (sd_listen_fds(3)), a place to report readiness
 * (sd_notify(3)), and the descriptors of --preserve-fds.
 */
#pragma once

#include "base/error.h"
#include "container/container.h"
#include "oci/runtime_spec.h"

struct activation {
        unsigned listen_fds;       /* from descriptor 3 on; 0: none are meant for us */
        unsigned preserve_fds;     /* the same and those of --preserve-fds */
        const char *notify_socket; /* NULL: none */
};

/* Reads our environment; refuses --preserve-fds when one of them is not open. Before anything else is opened for good.
 */
int activation_read(const struct container_options *o, struct activation *ret, struct error *err);

/* Where the notify socket stands in the container. */
#define ACTIVATION_NOTIFY_PATH "/run/notify/notify.sock"

/* Adds LISTEN_FDS, LISTEN_PID (1: the program's, where it has a pid namespace) and NOTIFY_SOCKET to the environment. */
int activation_add_environment(const struct activation *a, struct spec *spec, struct error *err);
