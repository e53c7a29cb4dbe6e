/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host has done in a guest instead of looking into it: its files and processes are the guest's own. Each is a
 * process of the agent's, whose standard streams are its session's; no program of the image has a part in it.
 *
 *   args                 by STDIN and STDOUT
 *   source PATH          out: "d" for a directory, "v" for a device, "f"
 *   target PATH          out: "d", "e" for something else that is there, "-"; then the path without links at its end
 *   archive PATH AS      out: a tar whose names begin with AS
 *   extract DIRECTORY    in: a tar; a further word: the only name that it may have (store/tar_extract.h)
 *   changes PLACES...    out: kind, path and a NUL each (instance/changes.h)
 *   layer                out: what was written, as a layer's tar
 *   whole                out: everything, as a layer's tar
 *   processes            out: the cells of a row for each, with a NUL behind every one
 *
 * Paths are those that the container's programs see while it runs, with what is mounted there; with "bare" and
 * otherwise those of its layers and of what was written. What goes wrong is said by STDERR, and its errno is the exit
 * status.
 */
#pragma once

#include "agent/guest.h"
#include "agent/workload.h"

/* Starts it; its ends of the pipes are the caller's. With "freeze" the container stands still until errand_end(). */
int errand_start(struct guest *g, const struct workload_request *w, const int *stdio, pid_t *ret_pid,
                 struct error *err);
/* One with "freeze" has ended. */
void errand_end(struct guest *g);
