/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_event.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "instance/event.h"

void image_tell(struct store *s, const char *action, const char *id, const char *name)
{
        const struct event ev = { .type = "image", .action = action, .id = id, .name = name };

        if (!store_is_rehearsed(s))
                event_add(store_run(s), &ev);
}

void image_tell_name(struct store *s, const char *action, const char *name)
{
        own_buf struct buf whole = {}, repository = {};

        image_add_short_name(&whole, name);
        image_add_repository(&repository, name);
        image_tell(s, action, buf_str(&whole), buf_str(&repository));
}

void prune_tell(const char *run, const char *type, uint64_t bytes)
{
        char text[24];
        const char *const attributes[] = { bytes == UINT64_MAX ? NULL : "reclaimed", text, NULL };
        const struct event ev = { .type = type, .action = "prune", .id = "", .attributes = attributes };

        snprintf(text, sizeof text, "%" PRIu64, bytes);
        event_add(run, &ev);
}
