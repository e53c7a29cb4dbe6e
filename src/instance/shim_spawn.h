/* SPDX-License-Identifier: Apache-2.0 */
/* How holt-shim is born: holt-shim run ROOT RUN ID, with these descriptors. */
#pragma once

enum {
        SHIM_CONNECTION = 3, /* to the command that starts the instance */
        SHIM_LOCK,           /* RUN/instances/ID, locked */
        SHIM_DIRECTORY,      /* ROOT/instances/ID */
};
