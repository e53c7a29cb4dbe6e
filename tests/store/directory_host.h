/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/host.h without holt: a store that is a plain directory, for tests.
 *
 *   HEX.image, HEX.recipe, HEX.size   a layer; HEX is its diff_id's
 *   HEX.blob                          a manifest, a configuration
 *   HEX.blobs                         the compressed forms of a layer: a line each
 *   images                            a line each: digest of the manifest, name or "-"
 */
#pragma once

#include "base/buf.h"
#include "fetch/host.h"

struct host {
        int directory;
        struct buf results, warnings; /* a line each */
        int refuse;                   /* new files from now on: an errno */
};

void directory_host_init(struct host *h, int directory);
void directory_host_finish(struct host *h);
#define own_host __attribute__((cleanup(directory_host_finish)))
