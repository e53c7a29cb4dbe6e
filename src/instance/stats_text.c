/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/stats_text.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "base/json.h"
#include "base/own.h"

static const struct {
        const char *name;
        size_t offset;
} fields[] = {
#define FIELD(name)                                          \
        {                                                    \
#name, offsetof(struct instance_stats, name) \
        }
        FIELD(cpu_ns),     FIELD(cpu_user_ns), FIELD(cpu_system_ns), FIELD(throttled_ns),
        FIELD(memory),     FIELD(block_read),  FIELD(block_write),   FIELD(memory_limit),
        FIELD(net_in),     FIELD(net_out),     FIELD(host_memory),   FIELD(pids),
        FIELD(pids_limit), FIELD(psi_cpu_us),  FIELD(psi_memory_us), FIELD(psi_io_us),
#undef FIELD
};

static_assert(ARRAY_SIZE(fields) * sizeof(uint64_t) == sizeof(struct instance_stats), "each field is listed");

void stats_write(const struct instance_stats *s, struct buf *out)
{
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                uint64_t v = *(const uint64_t *)(const void *)((const char *)s + fields[i].offset);

                if (v != UINT64_MAX)
                        json_write_u64(&w, fields[i].name, v);
        }
        json_end_object(&w);
}

int stats_read(const char *text, size_t len, struct instance_stats *ret, struct error *err)
{
        own_json struct json_object *root = NULL;
        struct instance_stats s;
        int r = json_parse(text, len, &root, err);

        if (r == 0 && !json_is_object(root))
                r = error_set(err, EINVAL, "the counters are no object");
        for (size_t i = 0; i < ARRAY_SIZE(fields) && r >= 0; i++) {
                uint64_t *v = (void *)((char *)&s + fields[i].offset);

                *v = UINT64_MAX;
                r = json_get_u64(root, fields[i].name, v, err);
        }
        if (r < 0)
                return r;
        *ret = s;
        return 0;
}
