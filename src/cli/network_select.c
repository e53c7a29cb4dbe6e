/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/network_select.h"

#include <errno.h>
#include <string.h>

#include "instance/event.h"
#include "net/endpoint.h"
#include "net/network_up.h"

const struct pseudo_network pseudo_networks[2] = {
        { "host", "1111111111111111111111111111111111111111111111111111111111111111", "host" },
        { "none", "0000000000000000000000000000000000000000000000000000000000000000", "null" },
};

struct network_place network_place_of_engine(const struct engine *e)
{
        return (struct network_place){ e->root, e->run };
}

struct users {
        const char *network;
        struct buf *names;
};

static int add_user(void *userdata, struct endpoint *e)
{
        const struct users *u = userdata;

        for (size_t i = 0; i < e->n_networks; i++)
                if (strcmp(e->networks[i].network, u->network) == 0)
                        buf_addf(u->names, "%s%s", u->names->len ? ", " : "", *e->name ? e->name : e->id);
        return 0;
}

/* The names of the running instances on it, with ", " between them. */
static int list_users(const struct network_place *p, const char *network, struct buf *ret, struct error *err)
{
        struct users u = { network, ret };

        return endpoint_each(p, add_user, &u, err);
}

void network_tell(const struct engine *e, const struct network *n, const char *action, const struct instance *i)
{
        const char *const attributes[] = { "name",           n->name, "type", "bridge", i ? "container" : NULL,
                                           i ? i->id : NULL, NULL };
        const struct event ev = {
                .type = "network", .action = action, .id = n->id, .name = n->name, .attributes = attributes
        };

        event_add(e->run, &ev);
}

int network_check_unused(struct engine *e, const struct network *n, struct error *err)
{
        const struct network_place place = network_place_of_engine(e);
        own_buf struct buf users = {};
        int r = list_users(&place, n->name, &users, err);

        if (r < 0 || !users.len)
                return r;
        return error_set(err, EBUSY, "the network %s is in use by %s; holt network disconnect takes them off it",
                         n->name, buf_str(&users));
}

int network_take_away(struct engine *e, const struct network *n, struct error *err)
{
        const struct network_place place = network_place_of_engine(e);
        int r = network_check_unused(e, n, err);

        if (r < 0)
                return r;
        r = network_down(&place, n, err);
        if (r == 0)
                r = network_remove(&place, n, err);
        if (r == 0)
                network_tell(e, n, "destroy", NULL);
        return r;
}
