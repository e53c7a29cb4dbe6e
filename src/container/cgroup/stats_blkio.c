/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/stats.h"

static void write_entry(struct json_writer *w, uint64_t major, uint64_t minor, const char *op, uint64_t value)
{
        json_begin_object(w, NULL);
        stats_write_nonzero(w, "major", major);
        stats_write_nonzero(w, "minor", minor);
        if (*op)
                json_write_string(w, "op", op);
        stats_write_nonzero(w, "value", value);
        json_end_object(w);
}

/* "8:0" and the rest of the line */
static bool parse_device(char **line, uint64_t *major, uint64_t *minor)
{
        char *device = strsep(line, " "), *first = strsep(&device, ":");

        return *line && device && parse_u64(first, 10, major) == 0 && parse_u64(device, 10, minor) == 0;
}

/* One v1 file: lines "8:0 Read 1282048", "8:0 4096", and a "Total 3477504" that is no device's. False: no such file. */
static bool write_v1_file(struct json_writer *w, const char *key, const struct cgroup_hierarchy *h, const char *file)
{
        own_buf struct buf text = {};
        char *rest, *line;

        if (hierarchy_read_all(h, file, &text) < 0)
                return false;
        rest = text.data;
        json_begin_array(w, key);
        while (rest && (line = strsep(&rest, "\n"))) {
                uint64_t major, minor, value;
                char *op = NULL;

                if (!parse_device(&line, &major, &minor))
                        continue;
                if (strchr(line, ' '))
                        op = strsep(&line, " ");
                if (parse_u64(line, 10, &value) == 0)
                        write_entry(w, major, minor, op ? op : "", value);
        }
        json_end_array(w);
        return true;
}

/* bfq counts all of these only in debugging kernels, else the last two; cfq had all; the throttle layer has two. */
static void write_v1(struct json_writer *w, const struct cgroup_hierarchy *h)
{
        static const struct {
                const char *key, *files[4];
        } kinds[] = {
                { "sectorsRecursive", { "blkio.bfq.sectors_recursive", "blkio.sectors_recursive" } },
                { "ioServiceTimeRecursive",
                  { "blkio.bfq.io_service_time_recursive", "blkio.io_service_time_recursive" } },
                { "ioWaitTimeRecursive", { "blkio.bfq.io_wait_time_recursive", "blkio.io_wait_time_recursive" } },
                { "ioMergedRecursive", { "blkio.bfq.io_merged_recursive", "blkio.io_merged_recursive" } },
                { "ioQueueRecursive", { "blkio.bfq.io_queued_recursive", "blkio.io_queued_recursive" } },
                { "ioTimeRecursive", { "blkio.bfq.time_recursive", "blkio.time_recursive" } },
                { "ioServicedRecursive",
                  { "blkio.bfq.io_serviced_recursive", "blkio.io_serviced_recursive",
                    "blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced" } },
                { "ioServiceBytesRecursive",
                  { "blkio.bfq.io_service_bytes_recursive", "blkio.io_service_bytes_recursive",
                    "blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes" } },
        };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                for (size_t f = 0; f < ARRAY_SIZE(kinds[i].files) && kinds[i].files[f]; f++) {
                        if (write_v1_file(w, kinds[i].key, h, kinds[i].files[f]))
                                break;
                }
        }
}

/* The "name=value" of one line of io.stat. */
static bool find_value(const char *line, const char *name, uint64_t *ret)
{
        size_t len = strlen(name);

        for (const char *p = line; p && *p; p = strchr(p, ' ')) {
                char number[24];
                size_t n;

                p += strspn(p, " ");
                n = strncmp(p, name, len) == 0 && p[len] == '=' ? strcspn(p + len + 1, " \n") : 0;
                if (!n || n >= sizeof number)
                        continue;
                memcpy(number, p + len + 1, n);
                number[n] = '\0';
                return parse_u64(number, 10, ret) == 0;
        }
        return false;
}

/* io.stat in v1's words: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." */
static void write_v2_kind(struct json_writer *w, const char *key, const char *text, const char *read_name,
                          const char *write_name)
{
        char *copy = strdup(text), *rest = copy, *line;

        json_begin_array(w, key);
        while (rest && (line = strsep(&rest, "\n"))) {
                uint64_t major, minor, value;

                if (!parse_device(&line, &major, &minor))
                        continue;
                if (find_value(line, read_name, &value))
                        write_entry(w, major, minor, "Read", value);
                if (find_value(line, write_name, &value))
                        write_entry(w, major, minor, "Write", value);
        }
        json_end_array(w);
        free(copy);
}

void stats_write_blkio(struct cgroup *cg, struct json_writer *w)
{
        struct cgroup_hierarchy *v1 = cgroup_v1(cg, "blkio"), *v2 = cgroup_v2(cg);
        own_buf struct buf text = {};

        json_begin_object(w, "blkio");
        if (v1) {
                write_v1(w, v1);
        } else if (v2 && hierarchy_read_all(v2, "io.stat", &text) == 0 && text.len) {
                write_v2_kind(w, "ioServiceBytesRecursive", text.data, "rbytes", "wbytes");
                write_v2_kind(w, "ioServicedRecursive", text.data, "rios", "wios");
        }
        stats_write_pressure(cg, w, "io.pressure");
        json_end_object(w);
}
