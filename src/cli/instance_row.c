/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "cli/human.h"
#include "cli/text_line.h"
#include "cli/timestamp.h"
#include "instance/instance_mounts.h"
#include "instance/instance_network.h"
#include "instance/network_flags.h"
#include "instance/network_open.h"
#include "net/network.h"

enum { SHORT_ID = 12, COMMAND_WIDTH = 20, MOUNT_WIDTH = 15, NS = 1000000000 };

const struct format_field instance_fields[] = {
        { "ID", "CONTAINER ID" },
        { "Image", "IMAGE" },
        { "Command", "COMMAND" },
        { "CreatedAt", "CREATED AT" },
        { "RunningFor", "CREATED" },
        { "Ports", "PORTS" },
        { "State", "STATE" },
        { "Status", "STATUS" },
        { "Size", "SIZE" },
        { "Names", "NAMES" },
        { "Labels", "LABELS" },
        { "Label", "" },
        { "LocalVolumes", "LOCAL VOLUMES" },
        { "Mounts", "MOUNTS" },
        { "Networks", "NETWORKS" },
        { "Isolation", "ISOLATION" },
        { "Pid", "PID" },
        {},
};

static void since(int64_t when, char ret[HUMAN_TIME_MAX])
{
        human_duration(time(NULL) - when / NS, ret);
}

void instance_status_text(const struct instance *i, struct buf *out)
{
        const struct instance_state *s = &i->state;
        char text[HUMAN_TIME_MAX];

        if (i->damage) {
                buf_add_str(out, "Damaged: ");
                text_add_line(out, i->damage, 0);
                return;
        }
        switch (s->status) {
        case INSTANCE_CREATED:
                buf_add_str(out, "Created");
                return;
        case INSTANCE_RESTARTING:
                since(s->finished, text);
                buf_addf(out, "Restarting (%d) %s ago", s->exit_code, text);
                return;
        case INSTANCE_EXITED:
                since(s->finished, text);
                buf_addf(out, "Exited (%d) %s ago", s->exit_code, text);
                return;
        case INSTANCE_DAMAGED:
        case INSTANCE_RUNNING:
        case INSTANCE_PAUSED:
        case INSTANCE_STOPPING:
                break;
        }
        since(s->started, text);
        buf_addf(out, "Up %s", text);
        if (s->status == INSTANCE_PAUSED)
                buf_add_str(out, " (Paused)");
        else if (s->health == HEALTH_STARTING)
                buf_add_str(out, " (health: starting)");
        else if (s->health != HEALTH_NONE)
                buf_addf(out, " (%s)", instance_health_name(s->health));
}

/* In quotation marks, cut to what Docker shows. It may be the image's own. */
static void write_command(struct json_writer *w, const struct instance *i, bool whole)
{
        own_buf struct buf line = {}, cell = {};

        for (const char *const *arg = i->args; arg && *arg; arg++)
                buf_addf(&line, "%s%s", line.len ? " " : "", *arg);
        buf_add_str(&cell, "\"");
        text_add_line(&cell, buf_str(&line), whole ? 0 : COMMAND_WIDTH);
        buf_add_str(&cell, "\"");
        json_write_string(w, "Command", buf_str(&cell));
}

static void write_labels(struct json_writer *w, const char *const *list)
{
        own_buf struct buf text = {};

        for (; list && *list; list++) {
                buf_add_str(&text, text.len ? "," : "");
                text_add_line(&text, *list, 0);
        }
        json_write_string(w, "Labels", buf_str(&text));
}

/* The volumes by their names, other mounts by where they come from. */
static void write_mounts(struct json_writer *w, const struct instance *i, bool whole)
{
        const struct instance_options *o = &i->options;
        own_instance_mounts struct instance_mounts m = {};
        own_buf struct buf text = {};
        unsigned volumes = 0;
        struct error ignored;
        char count[12];

        if (o->volume || o->mount || o->volumes_from || o->image_volume)
                (void)instance_mounts_all(i, &m, &ignored);
        for (size_t k = 0; k < m.n; k++) {
                buf_add_str(&text, k ? "," : "");
                text_add_line(&text, m.items[k].name ? m.items[k].name : m.items[k].source, whole ? 0 : MOUNT_WIDTH);
                volumes += strcmp(m.items[k].type, "volume") == 0;
        }
        snprintf(count, sizeof count, "%u", volumes);
        json_write_string(w, "LocalVolumes", count);
        json_write_string(w, "Mounts", buf_str(&text));
}

static void write_networks(struct json_writer *w, const struct instance *i)
{
        const char *const *given = i->options.network;
        own_network_flags struct network_flags flags = {};
        own_buf struct buf text = {};

        if (network_flags_read(&i->options, network_is_ours(), &flags, NULL) < 0)
                flags.n = 0;
        for (size_t k = 0; k < flags.n; k++)
                buf_addf(&text, "%s%s", k ? "," : "", flags.v[k].name);
        if (!flags.n)
                text_add_line(&text, given && *given ? *given : network_is_ours() ? NETWORK_DEFAULT : "pasta", 0);
        json_write_string(w, "Networks", buf_str(&text));
}

static void write_times(struct json_writer *w, const struct instance *i)
{
        char at[TIMESTAMP_MAX], ago[HUMAN_TIME_MAX + 4];

        timestamp_docker(i->created / NS, at);
        since(i->created, ago);
        snprintf(ago + strlen(ago), 5, " ago");
        json_write_string(w, "CreatedAt", at);
        json_write_string(w, "RunningFor", ago);
}

/* "2B (virtual 77.8MB)" */
static void write_size(struct engine *e, const struct instance *i, struct json_writer *w)
{
        char written[HUMAN_SIZE_MAX], whole[HUMAN_SIZE_MAX], text[2 * HUMAN_SIZE_MAX + 16];
        own_mem struct image_info *image = NULL;
        struct error ignored;
        struct store *store;
        uint64_t bytes = 0;

        instance_size(i, &bytes, &ignored);
        if (engine_store(e, &store, &ignored) == 0)
                store_image_find(store, i->image.text, &image, &ignored);
        human_size(bytes, 3, written);
        human_size(bytes + (image ? image->size : 0), 3, whole);
        snprintf(text, sizeof text, "%s (virtual %s)", written, whole);
        json_write_string(w, "Size", text);
}

void instance_row(struct engine *e, const struct instance *i, const struct row_options *o, const struct format *f,
                  struct buf *out)
{
        own_buf struct buf status = {}, ports = {};
        struct json_writer w = { .out = out };
        char id[INSTANCE_ID_LEN + 1];

        snprintf(id, sizeof id, "%.*s", o->whole ? INSTANCE_ID_LEN : SHORT_ID, i->id);
        instance_status_text(i, &status);
        if (instance_is_running(i))
                instance_network_ports(e, i, &ports);
        json_begin_object(&w, NULL);
        json_write_string(&w, "ID", id);
        json_write_string(&w, "Image", i->image_name);
        write_command(&w, i, o->whole);
        write_times(&w, i);
        json_write_string(&w, "Ports", buf_str(&ports));
        json_write_string(&w, "State", instance_status_name(i->state.status));
        json_write_string(&w, "Status", buf_str(&status));
        if (o->size)
                write_size(e, i, &w);
        else
                json_write_string(&w, "Size", "");
        json_write_string(&w, "Names", i->name);
        write_labels(&w, i->options.label);
        format_write_labels(f, i->options.label, &w);
        write_mounts(&w, i, o->whole);
        write_networks(&w, i);
        json_write_string(&w, "Isolation", "container");
        json_write_i64(&w, "Pid", i->state.pid);
        json_end_object(&w);
}
