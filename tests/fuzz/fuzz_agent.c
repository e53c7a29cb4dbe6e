/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest's agent is told: CONFIGURE and START. */
#include <stdlib.h>
#include <string.h>

#include "agent/guest_config.h"
#include "agent/workload.h"
#include "instance/stats_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static void configure(const char *text, size_t size)
{
        own_guest_config struct guest_config c = {};
        struct error err;

        if (guest_config_read(text, size, &c, &err) < 0)
                return;
        require(c.n_entropy <= GUEST_MAX_ENTROPY && c.n_layers <= GUEST_MAX_LAYERS);
        for (size_t i = 0; i < c.n_files; i++)
                require(*c.files[i].path != '/' && strcmp(c.files[i].path, "..") != 0);
        for (size_t i = 0; i < c.n_filters; i++)
                require(!strchr(c.filters[i].path, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_workload_request struct workload_request r = {};
        struct instance_stats stats;
        struct error err;

        configure((const char *)data, size);
        stats_read((const char *)data, size, &stats, &err);
        if (workload_request_read(data, size, &r, &err) == 0)
                require(r.kind == WORKLOAD_CONTAINER || r.args[0]);
        return 0;
}
