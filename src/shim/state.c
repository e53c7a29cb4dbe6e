/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "instance/event.h"
#include "shim/shim.h"
#include "sys/fd.h"

void shim_describe(const struct shim *s, struct buf *out)
{
        struct json_writer w = { .out = out };

        instance_state_write(&s->state, &w, NULL);
}

/* RUN/instances/ID/state. */
static void write_state(const struct shim *s)
{
        int dir = s->lock;
        own_buf struct buf text = {};
        int fd;

        shim_describe(s, &text);
        fd = openat(dir, ".state.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return;
        if (!buf_failed(&text) && fd_write_all(fd, text.data, text.len) == 0)
                (void)renameat(dir, ".state.new", dir, "state");
        close(fd);
}

void shim_publish(struct shim *s)
{
        write_state(s);
        for (size_t i = 0; i < s->n_clients; i++) {
                struct client *c = s->clients[i];

                if (!client_is_served(s, c))
                        continue;
                c->waits_for = -1;
                client_send_state(s, c, PROTOCOL_STATE);
        }
}

void shim_keep_state(struct shim *s)
{
        if (instance_state_keep(s->dir, &s->state) == 0)
                unlinkat(s->dir, "started", 0);
}

void shim_event(const struct shim *s, const char *action, const char *key, const char *value)
{
        const char *const attributes[] = { "image", s->job.image, key, value, NULL };
        const struct event ev = {
                .type = "container", .action = action, .id = s->id, .name = s->job.name, .attributes = attributes
        };

        event_add(s->run, &ev);
}
