/* SPDX-License-Identifier: Apache-2.0 */
/* What `holt update` has changed since the start: looked at when it matters, at the end of the program. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/live_update.h"
#include "shim/shim.h"

/* 1: there is something new, and it is the job's now. What cannot be read, or is nothing to go by, changes nothing. */
static int take(struct shim *s, struct live_update *u)
{
        own_buf struct buf text = {};
        struct buf before = s->update;

        if (s->job.remove || live_update_read(s->lock, &text) <= 0 || buf_failed(&text))
                return 0;
        if (text.len == before.len && memcmp(text.data, before.data, text.len) == 0)
                return 0;
        if (live_update_parse(&text, u) < 0)
                return 0;
        s->update = text;
        text = before;
        s->job.restart = u->restart;
        if (s->start.config.len)
                (void)live_update_config(u, &s->start.config);
        return 1;
}

void shim_take_update(struct shim *s)
{
        own_live_update struct live_update u = {};

        take(s, &u);
}

/* One that came while the program was being started found nothing that it could have limited. */
void shim_catch_update(struct shim *s)
{
        own_live_update struct live_update u = {};
        own_buf struct buf resources = {};
        struct error ignored;

        if (take(s, &u) && s->backend->update && live_update_resources(&u, &resources) == 0)
                s->backend->update(s->run, s->id, resources.data, resources.len, &ignored);
}

/*
 * A restart policy came to one that was started without: we have given away what another start needs, and who cleans up
 * starts it.
 */
void shim_leave_start(struct shim *s)
{
        own_fd int fd = openat(s->lock, "again", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        s->job.cleanup |= fd >= 0;
        shim_end(s);
}
