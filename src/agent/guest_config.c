/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/guest_config.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/parse.h"

enum { MACHINE_ID = 32 };

static const uint64_t MAX_SECTORS = INT64_MAX / 512 / (GUEST_MAX_LAYERS + 1);

void guest_config_finish(struct guest_config *c)
{
        json_put(c->json);
        arena_finish(&c->arena);
        *c = (struct guest_config){};
}

/* Room for what each item of the array becomes. *ret_array: NULL when it is not there. */
static int begin_list(struct arena *a, struct json_object *from, const char *key, size_t max, size_t size,
                      struct json_object **ret_array, void *ret_list, struct error *err)
{
        size_t n;
        void *list;
        int r;

        *ret_array = NULL;
        r = json_get_array(from, key, ret_array, err);
        if (r <= 0)
                return r;
        n = json_array_size(*ret_array);
        if (n > max)
                return error_set(err, EINVAL, "%s: %zu are too many", key, n);
        list = arena_alloc(a, n + 1, size);
        if (!list)
                return error_set(err, ENOMEM, "out of memory");
        memcpy(ret_list, &list, sizeof list);
        return (int)n;
}

/* ---- numbers ---- */

static int read_entropy(struct guest_config *c, struct error *err)
{
        const char *text = "";
        int r = json_get_string(c->json, "entropy", &text, err);
        size_t n = strlen(text) / 2;

        if (r < 0)
                return r;
        if (strlen(text) % 2 || n > sizeof c->entropy)
                return error_set(err, EINVAL, "entropy: not up to %d bytes", GUEST_MAX_ENTROPY);
        for (size_t i = 0; i < n; i++) {
                int high = parse_digit(text[i * 2]), low = parse_digit(text[i * 2 + 1]);

                if (high > 15 || low > 15)
                        return error_set(err, EINVAL, "entropy: not hexadecimal");
                c->entropy[i] = (unsigned char)(high << 4 | low);
        }
        c->n_entropy = n;
        return 0;
}

static int read_machine_id(struct guest_config *c, struct error *err)
{
        int r = json_get_string(c->json, "machineId", &c->machine_id, err);

        if (r > 0 && (strlen(c->machine_id) != MACHINE_ID || strspn(c->machine_id, "0123456789abcdef") != MACHINE_ID))
                return error_set(err, EINVAL, "machineId: not %d hexadecimal digits", MACHINE_ID);
        return r;
}

static int read_layers(struct guest_config *c, struct error *err)
{
        struct json_object *array;
        int n = begin_list(&c->arena, c->json, "layers", GUEST_MAX_LAYERS, sizeof *c->layers, &array, &c->layers, err);

        for (int i = 0; i < n; i++) {
                if (!json_u64_value(json_array_item(array, (size_t)i), &c->layers[i]) || !c->layers[i] ||
                    c->layers[i] > MAX_SECTORS)
                        return error_set(err, EINVAL, "layers: not numbers of sectors");
        }
        c->n_layers = n < 0 ? 0 : (size_t)n;
        return n < 0 ? n : 0;
}

static int read_modules(struct guest_config *c, struct error *err)
{
        int r = json_get_u64(c->json, "modules", &c->modules, err);

        return r > 0 && c->modules > MAX_SECTORS ? error_set(err, EINVAL, "modules: not a number of sectors") : r;
}

/* ---- interfaces ---- */

static int read_address(const char *text, struct guest_address *ret, struct error *err)
{
        const char *slash = text ? strchr(text, '/') : NULL;
        char ip[IP_TEXT_MAX];
        uint32_t bits;

        if (slash && (size_t)(slash - text) < sizeof ip && parse_u32(slash + 1, 10, &bits) == 0) {
                memcpy(ip, text, (size_t)(slash - text));
                ip[slash - text] = '\0';
                ret->bits = bits;
                if (ip_parse(ip, &ret->ip) && bits <= ip_size(&ret->ip) * 8)
                        return 0;
        }
        return error_set(err, EINVAL, "addresses: \"%s\" is none", text ? text : "");
}

static int read_addresses(struct arena *a, struct json_object *from, const char *key, struct guest_address **ret,
                          size_t *ret_n, struct error *err)
{
        struct json_object *array;
        int n = begin_list(a, from, key, GUEST_MAX_ADDRESSES, sizeof **ret, &array, ret, err);
        int r = n < 0 ? n : 0;

        for (int j = 0; j < n && r == 0; j++)
                r = read_address(json_string_value(json_array_item(array, (size_t)j)), &(*ret)[j], err);
        *ret_n = n < 0 ? 0 : (size_t)n;
        return r;
}

static int read_gateways(struct arena *a, struct json_object *from, struct guest_interface *i, struct error *err)
{
        struct json_object *array;
        int n = begin_list(a, from, "gateways", GUEST_MAX_ADDRESSES, sizeof *i->gateways, &array, &i->gateways, err);

        for (int j = 0; j < n; j++) {
                const char *text = json_string_value(json_array_item(array, (size_t)j));

                if (!text || !ip_parse(text, &i->gateways[j]))
                        return error_set(err, EINVAL, "gateways: \"%s\" is no address", text ? text : "");
        }
        i->n_gateways = n < 0 ? 0 : (size_t)n;
        return n < 0 ? n : 0;
}

static int read_interface(struct arena *a, struct json_object *from, struct guest_interface *i, struct error *err)
{
        const char *mac = NULL;
        int r;

        if (!json_is_object(from))
                return error_set(err, EINVAL, "interfaces: not a list of objects");
        r = json_get_string(from, "name", &i->name, err);
        if (r > 0 && (!*i->name || strlen(i->name) >= IF_NAMESIZE))
                r = error_set(err, EINVAL, "interfaces: \"%s\" is no name", i->name);
        if (r >= 0)
                r = json_get_string(from, "mac", &mac, err);
        i->has_mac = mac;
        if (mac && !mac_parse(mac, i->mac))
                r = error_set(err, EINVAL, "interfaces: \"%s\" is no hardware address", mac);
        if (r >= 0)
                r = json_get_u32(from, "mtu", &i->mtu, err);
        if (r >= 0)
                r = read_addresses(a, from, "addresses", &i->addresses, &i->n_addresses, err);
        if (r >= 0)
                r = read_addresses(a, from, "routes", &i->routes, &i->n_routes, err);
        return r < 0 ? r : read_gateways(a, from, i, err);
}

static int read_interfaces(struct guest_config *c, struct error *err)
{
        struct json_object *array;
        int n = begin_list(&c->arena, c->json, "interfaces", GUEST_MAX_INTERFACES, sizeof *c->interfaces, &array,
                           &c->interfaces, err);
        int r = n < 0 ? n : 0;

        for (int i = 0; i < n && r == 0; i++)
                r = read_interface(&c->arena, json_array_item(array, (size_t)i), &c->interfaces[i], err);
        c->n_interfaces = n < 0 ? 0 : (size_t)n;
        return r;
}

/* ---- files ---- */

static bool stays_below(const char *path)
{
        for (const char *p = path; *p; p += strspn(p, "/")) {
                size_t len = strcspn(p, "/");

                if (len == 0 || (len == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
                p += len;
        }
        return *path && path[strlen(path) - 1] != '/';
}

/* nested: it may be in a directory. */
static int read_file(struct json_object *from, bool nested, struct guest_file *f, struct error *err)
{
        const char *path = "";
        int r;

        if (!json_is_object(from) || json_get_string(from, "path", &path, NULL) <= 0 || !stays_below(path) ||
            (!nested && strchr(path, '/')))
                return error_set(err, EINVAL, "files: no path, or one that leads elsewhere");
        *f = (struct guest_file){ .path = path, .mode = 0644, .content = "" };
        r = json_get_u32(from, "mode", &f->mode, err);
        if (r >= 0)
                r = json_get_string(from, "content", &f->content, err);
        return r < 0 ? r : 0;
}

static int read_files(struct guest_config *c, const char *key, bool nested, struct guest_file **ret, size_t *ret_n,
                      struct error *err)
{
        struct json_object *array;
        int n = begin_list(&c->arena, c->json, key, SIZE_MAX, sizeof **ret, &array, ret, err);
        int r = n < 0 ? n : 0;

        for (int i = 0; i < n && r == 0; i++)
                r = read_file(json_array_item(array, (size_t)i), nested, &(*ret)[i], err);
        *ret_n = n < 0 ? 0 : (size_t)n;
        return r;
}

static int read_all(struct guest_config *c, struct error *err)
{
        int r = json_is_object(c->json) ? 0 : error_set(err, EINVAL, "not an object");

        if (r == 0)
                r = json_get_string(c->json, "hostname", &c->hostname, err);
        if (r >= 0)
                r = read_machine_id(c, err);
        if (r >= 0)
                r = json_get_u64(c->json, "time", &c->time, err);
        if (r >= 0)
                r = read_modules(c, err);
        if (r >= 0)
                r = json_get_bool(c->json, "disk", &c->has_disk, err);
        if (r >= 0)
                r = json_get_bool(c->json, "shares", &c->has_shares, err);
        if (r >= 0)
                r = read_entropy(c, err);
        if (r >= 0)
                r = read_layers(c, err);
        if (r >= 0)
                r = read_interfaces(c, err);
        if (r >= 0)
                r = read_files(c, "files", true, &c->files, &c->n_files, err);
        if (r >= 0)
                r = read_files(c, "filters", false, &c->filters, &c->n_filters, err);
        return r < 0 ? r : read_files(c, "sysctls", true, &c->sysctls, &c->n_sysctls, err);
}

int guest_config_read(const char *text, size_t len, struct guest_config *ret, struct error *err)
{
        own_guest_config struct guest_config c = {};
        int r = json_parse(text, len, &c.json, err);

        if (r == 0)
                r = read_all(&c, err);
        if (r < 0)
                return error_wrap(err, "CONFIGURE");
        *ret = c;
        c = (struct guest_config){};
        return 0;
}
