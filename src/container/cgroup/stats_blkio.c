/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/stats.h"

struct visitor {
        void (*each)(void *userdata, const struct io_entry *e);
        void *userdata;
};

/* bfq counts all of these only in debugging kernels, else the last two; cfq had all; the throttle layer has two. */
static const struct {
        const char *key;                /* runc's */
        const char *v1[4];              /* the first one that there is */
        const char *v2_read, *v2_write; /* of io.stat */
} kinds[IO_KINDS] = {
        [IO_SECTORS] = { "sectorsRecursive", { "blkio.bfq.sectors_recursive", "blkio.sectors_recursive" } },
        [IO_SERVICE_TIME] = { "ioServiceTimeRecursive",
                              { "blkio.bfq.io_service_time_recursive", "blkio.io_service_time_recursive" } },
        [IO_WAIT_TIME] = { "ioWaitTimeRecursive",
                           { "blkio.bfq.io_wait_time_recursive", "blkio.io_wait_time_recursive" } },
        [IO_MERGED] = { "ioMergedRecursive", { "blkio.bfq.io_merged_recursive", "blkio.io_merged_recursive" } },
        [IO_QUEUED] = { "ioQueueRecursive", { "blkio.bfq.io_queued_recursive", "blkio.io_queued_recursive" } },
        [IO_TIME] = { "ioTimeRecursive", { "blkio.bfq.time_recursive", "blkio.time_recursive" } },
        [IO_SERVICED] = { "ioServicedRecursive",
                          { "blkio.bfq.io_serviced_recursive", "blkio.io_serviced_recursive",
                            "blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced" },
                          "rios",
                          "wios" },
        [IO_SERVICE_BYTES] = { "ioServiceBytesRecursive",
                               { "blkio.bfq.io_service_bytes_recursive", "blkio.io_service_bytes_recursive",
                                 "blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes" },
                               "rbytes",
                               "wbytes" },
};

/* "8:0" and the rest of the line */
static bool parse_device(char **line, struct io_entry *e)
{
        char *device = strsep(line, " "), *first = strsep(&device, ":");

        return *line && device && parse_u64(first, 10, &e->major) == 0 && parse_u64(device, 10, &e->minor) == 0;
}

/* Lines "8:0 Read 1282048", "8:0 4096", and a "Total 3477504" that is no device's. */
static void each_v1(char *text, const struct visitor *v)
{
        char *rest = text, *line;

        while (rest && (line = strsep(&rest, "\n"))) {
                struct io_entry e = { .op = "" };

                if (!parse_device(&line, &e))
                        continue;
                if (strchr(line, ' '))
                        e.op = strsep(&line, " ");
                if (parse_u64(line, 10, &e.value) == 0)
                        v->each(v->userdata, &e);
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

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." */
static void each_v2(char *text, enum io_kind kind, const struct visitor *v)
{
        char *rest = text, *line;

        while (rest && (line = strsep(&rest, "\n"))) {
                struct io_entry e = {};

                if (!parse_device(&line, &e))
                        continue;
                e.op = "Read";
                if (find_value(line, kinds[kind].v2_read, &e.value))
                        v->each(v->userdata, &e);
                e.op = "Write";
                if (find_value(line, kinds[kind].v2_write, &e.value))
                        v->each(v->userdata, &e);
        }
}

bool stats_each_io(struct cgroup *cg, enum io_kind kind, void (*each)(void *userdata, const struct io_entry *e),
                   void *userdata)
{
        const struct cgroup_hierarchy *v1 = cgroup_v1(cg, "blkio"), *v2 = cgroup_v2(cg);
        const struct visitor v = { each, userdata };
        own_buf struct buf text = {};

        for (size_t i = 0; v1 && i < ARRAY_SIZE(kinds[kind].v1) && kinds[kind].v1[i]; i++) {
                if (hierarchy_read_all(v1, kinds[kind].v1[i], &text) == 0) {
                        each_v1(text.data, &v);
                        return true;
                }
        }
        if (v1 || !v2 || !kinds[kind].v2_read || hierarchy_read_all(v2, "io.stat", &text) < 0)
                return false;
        each_v2(text.data, kind, &v);
        return true;
}

static void write_entry(void *userdata, const struct io_entry *e)
{
        struct json_writer *w = userdata;

        json_begin_object(w, NULL);
        stats_write_nonzero(w, "major", e->major);
        stats_write_nonzero(w, "minor", e->minor);
        if (*e->op)
                json_write_string(w, "op", e->op);
        stats_write_nonzero(w, "value", e->value);
        json_end_object(w);
}

void stats_write_blkio(struct cgroup *cg, struct json_writer *w)
{
        json_begin_object(w, "blkio");
        for (int i = 0; i < IO_KINDS; i++) {
                own_buf struct buf entries = {};
                struct json_writer list = { .out = &entries };

                json_begin_array(&list, NULL);
                if (!stats_each_io(cg, (enum io_kind)i, write_entry, &list))
                        continue;
                json_end_array(&list);
                json_write_raw(w, kinds[i].key, buf_str(&entries));
        }
        stats_write_pressure(cg, w, "io.pressure");
        json_end_object(w);
}
