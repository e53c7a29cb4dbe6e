/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/own.h"
#include "cli/network_select.h"
#include "instance/instance_network.h"

/* The long form of --network. */
static int write_flag(const struct args *a, const char *network, struct buf *ret, struct error *err)
{
        static const struct {
                unsigned option;
                const char *key;
        } options[] = { { OPTION_ALIAS, "alias" },
                        { OPTION_IP, "ip" },
                        { OPTION_IP6, "ip6" },
                        { OPTION_MAC_ADDRESS, "mac-address" } };
        int r = 0;

        buf_addf(ret, "name=%s", network);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(options); i++) {
                own_mem const char **values = NULL;

                r = args_list(a, options[i].option, &values, err);
                for (size_t k = 0; r == 0 && values && values[k]; k++)
                        buf_addf(ret, ",%s=%s", options[i].key, values[k]);
        }
        return r == 0 && buf_failed(ret) ? error_set(err, ENOMEM, "out of memory") : r;
}

static int find_both(struct invocation *inv, struct engine *e, struct network *network, struct instance **instance,
                     struct error *err)
{
        struct network_place place;
        int r = invocation_engine(inv, e, err);

        if (r < 0)
                return r;
        place = network_place_of_engine(e);
        r = network_find(&place, inv->args.operands[0], network, err);
        return r == 0 ? instance_find(e, inv->args.operands[1], instance, err) : r;
}

int cmd_network_connect(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_network struct network n = {};
        own_instance struct instance *i = NULL;
        own_buf struct buf flag = {};
        int r = find_both(inv, &e, &n, &i, err);

        if (r == 0)
                r = write_flag(&inv->args, n.name, &flag, err);
        if (r == 0)
                r = instance_network_connect(&e, i, buf_str(&flag), err);
        if (r == 0)
                network_tell(&e, &n, "connect", i);
        return r;
}

int cmd_network_disconnect(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_network struct network n = {};
        own_instance struct instance *i = NULL;
        int r = find_both(inv, &e, &n, &i, err);

        if (r == 0)
                r = instance_network_disconnect(&e, i, n.name, err);
        if (r == -ENOENT && args_flag(&inv->args, OPTION_FORCE) && i)
                return 0;
        if (r == 0)
                network_tell(&e, &n, "disconnect", i);
        return r;
}
