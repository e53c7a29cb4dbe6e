/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/network_select.h"

static int add_pairs(const struct args *a, unsigned option, struct network *n, struct network_pair **list,
                     struct error *err)
{
        own_mem const char **values = NULL;
        int r = args_list(a, option, &values, err);

        for (size_t i = 0; r == 0 && values && values[i]; i++) {
                const char *equals = strchr(values[i], '=');
                own_mem char *key = strndup(values[i], equals ? (size_t)(equals - values[i]) : strlen(values[i]));

                if (!key || network_add_pair(n, list, key, equals ? equals + 1 : "") < 0)
                        r = error_set(err, ENOMEM, "out of memory");
        }
        return r;
}

static struct network_range *range_of(struct network *n, int family)
{
        return family == AF_INET ? &n->v4 : &n->v6;
}

/* One of each family, in any order. */
static int set_subnets(const char *const *values, struct network *n, struct error *err)
{
        for (; values && *values; values++) {
                struct network_range *range;
                struct subnet s;

                if (subnet_parse(*values, &s, err) < 0)
                        return error_wrap(err, "--subnet");
                range = range_of(n, s.ip.family);
                if (range->subnet.ip.family)
                        return error_set(err, EINVAL, "--subnet %s: there is one of that family already", *values);
                range->subnet = s;
                n->ipv6 |= s.ip.family == AF_INET6;
        }
        return 0;
}

static int set_ranges(const char *const *values, struct network *n, struct error *err)
{
        for (; values && *values; values++) {
                struct subnet s;

                if (subnet_parse(*values, &s, err) < 0)
                        return error_wrap(err, "--ip-range");
                if (!range_of(n, s.ip.family)->subnet.ip.family)
                        return error_set(err, EINVAL, "--ip-range %s: it needs a --subnet", *values);
                range_of(n, s.ip.family)->range = s;
        }
        return 0;
}

static int set_gateways(const char *const *values, struct network *n, struct error *err)
{
        for (; values && *values; values++) {
                struct ip ip;

                if (!ip_parse(*values, &ip))
                        return error_set(err, EINVAL, "--gateway: \"%s\" is no address", *values);
                if (!range_of(n, ip.family)->subnet.ip.family)
                        return error_set(err, EINVAL, "--gateway %s: it needs a --subnet", *values);
                range_of(n, ip.family)->gateway = ip;
        }
        return 0;
}

static int set_addresses(const struct args *a, struct network *n, struct error *err)
{
        static const struct {
                unsigned option;
                int (*set)(const char *const *values, struct network *n, struct error *err);
        } options[] = { { OPTION_SUBNET, set_subnets },
                        { OPTION_IP_RANGE, set_ranges },
                        { OPTION_GATEWAY, set_gateways } };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(options); i++) {
                own_mem const char **values = NULL;

                r = args_list(a, options[i].option, &values, err);
                if (r == 0)
                        r = options[i].set(values, n, err);
        }
        return r;
}

int cmd_network_create(struct invocation *inv, struct error *err)
{
        const char *driver = args_str(&inv->args, OPTION_DRIVER);
        own_engine struct engine e = {};
        own_network struct network n = { .name = inv->args.operands[0],
                                         .internal = args_flag(&inv->args, OPTION_INTERNAL),
                                         .ipv6 = args_flag(&inv->args, OPTION_IPV6) };
        struct network_place place;
        int r;

        if (driver && strcmp(driver, "bridge") != 0)
                return error_set(err, EMISUSED, "--driver %s: there is only \"bridge\"", driver);
        r = set_addresses(&inv->args, &n, err);
        if (r == 0)
                r = add_pairs(&inv->args, OPTION_OPT, &n, &n.options, err);
        if (r == 0)
                r = add_pairs(&inv->args, OPTION_LABEL, &n, &n.labels, err);
        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r < 0)
                return r;
        place = network_place_of_engine(&e);
        r = network_create(&place, &n, err);
        if (r < 0)
                return r;
        network_tell(&e, &n, "create", NULL);
        return output_line(n.id, err);
}
