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
#include "instance/instance_network.h"

enum { SHORT_ID = 12, COMMAND_WIDTH = 20, NS = 1000000000 };

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

static void write_list(struct json_writer *w, const char *key, const char *const *list, const char *absent)
{
        own_buf struct buf text = {};

        for (; list && *list; list++) {
                buf_add_str(&text, text.len ? "," : "");
                text_add_line(&text, *list, 0);
        }
        json_write_string(w, key, text.len ? buf_str(&text) : absent);
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

void instance_row(struct engine *e, const struct instance *i, const struct row_options *o, struct buf *out)
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
        write_list(&w, "Labels", i->options.label, "");
        write_list(&w, "Mounts", i->options.volume, "");
        write_list(&w, "Networks", i->options.network, "bridge");
        json_write_string(&w, "Isolation", "container");
        json_write_i64(&w, "Pid", i->state.pid);
        json_end_object(&w);
}
