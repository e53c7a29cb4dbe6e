/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that is copied with what runs in it. The container stands still before the copy, and in the copy until it is
 * somebody else: none of its programs runs as the original. What makes it so fails closed: it stands still for ever.
 */
#include "agent/guest.h"

#include "base/own.h"
#include "instance/backend.h"

int guest_suspend(void *guest, struct error *err)
{
        struct error ignored;
        int r = backend_container.pause(GUEST_RUN, GUEST_CONTAINER, true, err);

        if (r == 0 && (r = guest_quiet_shares(err)) < 0)
                backend_container.pause(GUEST_RUN, GUEST_CONTAINER, false, &ignored);
        return r;
}

static int become_another(const char *json, size_t len, struct error *err)
{
        own_guest_config struct guest_config c = {};
        int r = guest_config_read(json, len, &c, err);

        if (r == 0)
                r = guest_add_entropy(&c, err);
        if (r == 0)
                r = guest_set_time(&c, err);
        if (r == 0)
                r = guest_change_hostname(&c, err);
        /* Nobody on the other side hears of the end of what is not his. */
        if (r == 0)
                r = guest_clear_network(err);
        if (r == 0)
                r = guest_break_connections(err);
        if (r == 0)
                r = guest_set_network(&c, err);
        if (r == 0)
                r = guest_write_files(&c, err);
        return r == 0 ? guest_change_machine_id(&c, err) : r;
}

int guest_resume(void *guest, const char *json, size_t len, struct error *err)
{
        int r = len ? become_another(json, len, err) : 0;

        return r == 0 ? backend_container.pause(GUEST_RUN, GUEST_CONTAINER, false, err) : r;
}
