/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the kernel's FUSE and whom the host has at the other end of a stream: requests up, answers down, byte for
 * byte. A process for each direction: neither waits for the other, so that no answer can be held up by a request, and
 * the agent waits for nobody.
 */
#pragma once

#include "base/error.h"

/*
 * Mounts at the directory `place` what is served at the other end of port, which has to block and stays the caller's.
 * The processes are children of the caller, and end with the port or the mount.
 */
int share_pump_mount(int port, const char *place, struct error *err);
