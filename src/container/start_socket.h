/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket on which a created container waits: ROOT/ID:start, SOCK_SEQPACKET, listened on by init.
 * `start` connects and sends MESSAGE_GO; init answers MESSAGE_GO, works, and reports an error
 * or ends the connection by executing the program (the descriptor is close-on-exec).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "container/container.h"

/* Binds and listens; returns the socket. */
int start_socket_listen(const struct container *c, struct error *err);
/* Connects; -ENOENT or -ECONNREFUSED: nobody waits there. */
int start_socket_connect(const struct container *c);
/* Whether init still waits. */
bool start_socket_is_waiting(const struct container *c);
/* Init: waits for the one that sends MESSAGE_GO, answers it and returns the connection. */
int start_socket_accept(int sock, struct error *err);
