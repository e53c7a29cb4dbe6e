/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/network_flags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/network.h"

static const char *const no_aliases[] = { NULL };

void network_flags_finish(struct network_flags *f)
{
        arena_finish(&f->arena);
        *f = (struct network_flags){};
}

static int out_of_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static int add_alias(struct network_flag *f, struct arena *a, const char *alias, struct error *err)
{
        size_t n = 0;
        const char **grown;

        if (!*alias || strlen(alias) > 253 || alias[strcspn(alias, " \t\n/\\\"")])
                return error_set(err, EINVAL, "\"%s\" is no name", alias);
        while (f->aliases[n])
                n++;
        grown = arena_alloc(a, n + 2, sizeof *grown);
        if (!grown)
                return out_of_memory(err);
        memcpy(grown, f->aliases, n * sizeof *grown);
        grown[n] = arena_strdup(a, alias);
        if (!grown[n])
                return out_of_memory(err);
        f->aliases = grown;
        return 0;
}

static int set_ip(struct ip *ret, int family, const char *text, struct error *err)
{
        struct ip ip;

        if (!ip_parse(text, &ip) || ip.family != family)
                return error_set(err, EINVAL, "\"%s\" is no %s address", text, family == AF_INET ? "IPv4" : "IPv6");
        *ret = ip;
        return 0;
}

static int set_mac(struct network_flag *f, const char *text, struct error *err)
{
        f->has_mac = mac_parse(text, f->mac);
        return f->has_mac ? 0 : error_set(err, EINVAL, "\"%s\" is no hardware address of one device", text);
}

static int set_value(struct network_flag *f, struct arena *a, const char *key, const char *value, struct error *err)
{
        if (strcmp(key, "name") == 0) {
                f->name = arena_strdup(a, value);
                return f->name ? 0 : out_of_memory(err);
        }
        if (strcmp(key, "alias") == 0)
                return add_alias(f, a, value, err);
        if (strcmp(key, "ip") == 0)
                return set_ip(&f->ip4, AF_INET, value, err);
        if (strcmp(key, "ip6") == 0)
                return set_ip(&f->ip6, AF_INET6, value, err);
        if (strcmp(key, "mac-address") == 0)
                return set_mac(f, value, err);
        return error_set(err, EINVAL, "\"%s\" is not known: name, alias, ip, ip6, mac-address", key);
}

/* Of the long form. */
static int read_values(struct network_flag *f, struct arena *a, char *text, struct error *err)
{
        int r = 0;

        for (char *part; r == 0 && (part = strsep(&text, ","));) {
                char *value = strchr(part, '=');

                if (!value)
                        return error_set(err, EINVAL, "\"%s\" has no value", part);
                *value = '\0';
                r = set_value(f, a, part, value + 1, err);
        }
        return r;
}

int network_flag_read(const char *text, struct arena *a, struct network_flag *ret, struct error *err)
{
        struct network_flag f = { .aliases = no_aliases };
        char *copy = arena_strdup(a, text);
        int r = 0;

        if (!copy)
                return out_of_memory(err);
        if (strchr(text, '='))
                r = read_values(&f, a, copy, err);
        else
                f.name = copy;
        if (r == 0 && (!f.name || !*f.name))
                r = error_set(err, EINVAL, "it has no name");
        if (r < 0 || !f.name)
                return error_wrap(err, "--network %s", text);
        /* Docker's other word for it. */
        if (strcmp(f.name, "default") == 0)
                f.name = NETWORK_DEFAULT;
        *ret = f;
        return 0;
}

char *network_flag_write(const struct network_flag *f)
{
        struct buf text = {};
        char ip[IP_TEXT_MAX], mac[MAC_TEXT_MAX];

        buf_addf(&text, "name=%s", f->name);
        for (const char *const *alias = f->aliases; *alias; alias++)
                buf_addf(&text, ",alias=%s", *alias);
        if (f->ip4.family)
                buf_addf(&text, ",ip=%s", ip_format(&f->ip4, ip));
        if (f->ip6.family)
                buf_addf(&text, ",ip6=%s", ip_format(&f->ip6, ip));
        if (f->has_mac)
                buf_addf(&text, ",mac-address=%s", mac_format(f->mac, mac));
        if (!buf_failed(&text))
                return text.data;
        buf_finish(&text);
        return NULL;
}

/* ---- all of them ---- */

/* --ip and its kin say more of the first network, --network-alias of each. */
static int merge_flags(const struct instance_options *o, struct network_flags *f, struct error *err)
{
        int r = 0;

        if (o->ip)
                r = set_ip(&f->v[0].ip4, AF_INET, o->ip, err);
        if (r == 0 && o->ip6)
                r = set_ip(&f->v[0].ip6, AF_INET6, o->ip6, err);
        if (r == 0 && o->mac_address)
                r = set_mac(&f->v[0], o->mac_address, err);
        for (size_t i = 0; i < f->n; i++)
                for (const char *const *alias = o->network_alias; r == 0 && alias && *alias; alias++)
                        r = add_alias(&f->v[i], &f->arena, *alias, err);
        return r;
}

static bool mode_of_name(const char *name, enum network_mode *ret)
{
        if (strcmp(name, "none") == 0)
                *ret = NETWORK_MODE_NONE;
        else if (strcmp(name, "host") == 0)
                *ret = NETWORK_MODE_HOST;
        else if (strcmp(name, "pasta") == 0)
                *ret = NETWORK_MODE_PASTA;
        else if (strncmp(name, "container:", 10) == 0)
                *ret = NETWORK_MODE_CONTAINER;
        else
                return false;
        return true;
}

/* What an instance cannot have that has no network of its own. */
static int check_alone(const struct instance_options *o, const char *name, enum network_mode mode, struct error *err)
{
        static const char what[] = "--network %s: there %s cannot be chosen";

        if (o->ip || o->ip6 || o->mac_address)
                return error_set(err, EINVAL, what, name, "an address");
        if (o->network_alias && *o->network_alias)
                return error_set(err, EINVAL, what, name, "names");
        if (mode != NETWORK_MODE_CONTAINER)
                return 0;
        if ((o->publish && *o->publish) || o->publish_all)
                return error_set(err, EINVAL, what, name, "ports");
        if (o->hostname || (o->dns && *o->dns) || (o->add_host && *o->add_host))
                return error_set(err, EINVAL, what, name, "a host name, --dns and --add-host");
        return 0;
}

static int read_networks(const struct instance_options *o, const char *const *list, struct network_flags *f,
                         struct error *err)
{
        size_t n = 0;
        int r = 0;

        while (list[n])
                n++;
        f->mode = NETWORK_MODE_BRIDGES;
        f->v = arena_alloc(&f->arena, n, sizeof *f->v);
        if (!f->v)
                return out_of_memory(err);
        for (; r == 0 && f->n < n; f->n++) {
                enum network_mode ignored;

                r = network_flag_read(list[f->n], &f->arena, &f->v[f->n], err);
                if (r == 0 && mode_of_name(f->v[f->n].name, &ignored))
                        return error_set(err, EINVAL, "--network %s cannot be joined with others", f->v[f->n].name);
                for (size_t i = 0; r == 0 && i < f->n; i++)
                        if (strcmp(f->v[i].name, f->v[f->n].name) == 0)
                                return error_set(err, EINVAL, "--network %s is given twice", f->v[i].name);
        }
        return r == 0 ? merge_flags(o, f, err) : r;
}

int network_flags_read(const struct instance_options *o, bool is_root, struct network_flags *ret, struct error *err)
{
        const char *const usual[] = { is_root ? NETWORK_DEFAULT : "pasta", NULL };
        const char *const *list = o->network && *o->network ? o->network : usual;
        own_network_flags struct network_flags f = {};
        int r;

        if (!is_root && !list[1] && strcmp(list[0], "default") == 0)
                list = usual;
        if (!list[1] && mode_of_name(list[0], &f.mode)) {
                r = check_alone(o, list[0], f.mode, err);
                if (f.mode == NETWORK_MODE_CONTAINER)
                        f.container = arena_strdup(&f.arena, list[0] + 10);
        } else {
                r = read_networks(o, list, &f, err);
        }
        if (r < 0)
                return r;
        *ret = f;
        f = (struct network_flags){};
        return 0;
}
