/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of an ordinary user's instance: pasta(1), of the package passt, which answers for the namespace with
 * sockets of the host. It goes when the name of the namespace does that it was given: whoever dies leaves none.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "net/endpoint.h"

/* Whom the instance asks for names: pasta passes it on to whom the host asks. */
#define PASTA_DNS "169.254.1.1"

/* A new network namespace, for who may not come back from one that he entered. */
int pasta_make_netns(struct error *err);

/*
 * Starts it for the namespace, which gets the name `path` for that, and returns when the namespace is connected. It
 * ends when that file is removed; PATH.pid, beside it, has its number. This process is in a mount namespace of its own.
 * -ENOENT: it is not installed.
 */
int pasta_start(int netns, const char *path, const struct endpoint_port *ports, size_t n_ports, struct error *err);

/* Ends it, if there is one, and waits for that: its ports are free. */
void pasta_stop(const char *path);
