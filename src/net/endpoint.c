/* SPDX-License-Identifier: Apache-2.0 */
#include "net/endpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

enum { MAX_FILE = 16 << 20 };

void endpoint_finish(struct endpoint *e)
{
        arena_finish(&e->arena);
        *e = (struct endpoint){};
}

static const struct {
        const char *name;
        uint8_t protocol;
} protocols[] = { { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "sctp", IPPROTO_SCTP } };

const char *protocol_name(uint8_t protocol)
{
        for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
                if (protocols[i].protocol == protocol)
                        return protocols[i].name;
        return "";
}

bool protocol_parse(const char *name, uint8_t *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
                if (strcasecmp(protocols[i].name, name) != 0)
                        continue;
                *ret = protocols[i].protocol;
                return true;
        }
        return false;
}

const struct endpoint_network *endpoint_published(const struct endpoint *e)
{
        for (size_t i = 0; i < e->n_networks; i++)
                if (!e->networks[i].internal)
                        return &e->networks[i];
        return NULL;
}

/* ---- writing ---- */

static void write_ip(struct json_writer *w, const char *key, const struct ip *ip)
{
        char text[IP_TEXT_MAX];

        if (ip->family)
                json_write_string(w, key, ip_format(ip, text));
}

static void write_list(struct json_writer *w, const char *key, const char *const *list)
{
        json_begin_array(w, key);
        for (; list && *list; list++)
                json_write_string(w, NULL, *list);
        json_end_array(w);
}

static void write_network(struct json_writer *w, const struct endpoint_network *n)
{
        char mac[MAC_TEXT_MAX];

        json_begin_object(w, NULL);
        json_write_string(w, "network", n->network);
        json_write_string(w, "bridge", n->bridge);
        json_write_string(w, "interface", n->interface);
        json_write_string(w, "device", n->device);
        write_ip(w, "ip4", &n->ip4);
        write_ip(w, "ip6", &n->ip6);
        json_write_u64(w, "bits4", n->bits4);
        json_write_u64(w, "bits6", n->bits6);
        json_write_string(w, "mac", mac_format(n->mac, mac));
        json_write_bool(w, "internal", n->internal);
        write_list(w, "aliases", n->aliases);
        json_end_object(w);
}

static void write_port(struct json_writer *w, const struct endpoint_port *p)
{
        json_begin_object(w, NULL);
        write_ip(w, "host", &p->host);
        json_write_u64(w, "host_port", p->host_port);
        json_write_u64(w, "port", p->port);
        json_write_string(w, "protocol", protocol_name(p->protocol));
        json_end_object(w);
}

static void write_endpoint(struct json_writer *w, const struct endpoint *e)
{
        json_begin_object(w, NULL);
        json_write_string(w, "id", e->id);
        json_write_string(w, "name", e->name);
        json_begin_array(w, "networks");
        for (size_t i = 0; i < e->n_networks; i++)
                write_network(w, &e->networks[i]);
        json_end_array(w);
        json_begin_array(w, "ports");
        for (size_t i = 0; i < e->n_ports; i++)
                write_port(w, &e->ports[i]);
        json_end_array(w);
        json_write_bool(w, "shared", e->shared);
        write_list(w, "dns", e->dns);
        json_end_object(w);
}

static int open_endpoints(const struct network_place *p, bool make, struct error *err)
{
        own_mem char *path = NULL;
        int fd;

        if (asprintf(&path, "%s/endpoints", p->run) < 0)
                return error_set(err, ENOMEM, "out of memory");
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && make && fd_mkdir_all(path, 0755) == 0)
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

int endpoint_write(const struct network_place *p, const struct endpoint *e, struct error *err)
{
        own_fd int dir = open_endpoints(p, true, err);
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r;

        if (dir < 0)
                return dir;
        write_endpoint(&w, e);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        r = fd_replace_file_at(dir, e->id, text.data, text.len, 0644);
        return r < 0 ? error_errno(err, -r, "write the instance's addresses") : 0;
}

void endpoint_remove(const struct network_place *p, const char *id)
{
        own_fd int dir = open_endpoints(p, false, NULL);

        if (dir >= 0)
                unlinkat(dir, id, 0);
}

/* ---- reading ---- */

static int out_of_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static int read_string(struct arena *a, struct json_object *obj, const char *key, const char **ret, struct error *err)
{
        const char *text = "";

        if (json_get_string(obj, key, &text, err) < 0)
                return -err->code;
        *ret = arena_strdup(a, text);
        return *ret ? 0 : out_of_memory(err);
}

static int read_ip(struct json_object *obj, const char *key, struct ip *ret, struct error *err)
{
        const char *text;
        int r = json_get_string(obj, key, &text, err);

        return r == 1 && !ip_parse(text, ret) ? error_set(err, EINVAL, "%s is no address", key) : r < 0 ? r : 0;
}

static int read_list(struct arena *a, struct json_object *obj, const char *key, const char *const **ret,
                     struct error *err)
{
        struct json_object *array = NULL;
        int r = json_get_array(obj, key, &array, err);
        size_t n = r == 1 ? json_array_size(array) : 0;
        const char **list;

        if (r < 0)
                return r;
        list = arena_alloc(a, n + 1, sizeof *list);
        for (size_t i = 0; list && i < n; i++) {
                const char *text = json_string_value(json_array_item(array, i));

                list[i] = arena_strdup(a, text ? text : "");
                if (!list[i])
                        return out_of_memory(err);
        }
        *ret = list;
        return list ? 0 : out_of_memory(err);
}

static int read_network(struct arena *a, struct json_object *obj, struct endpoint_network *n, struct error *err)
{
        const char *mac = "";
        uint32_t bits4 = 0, bits6 = 0;

        if (!json_is_object(obj))
                return error_set(err, EINVAL, "a network is no object");
        if (read_string(a, obj, "network", &n->network, err) < 0 ||
            read_string(a, obj, "bridge", &n->bridge, err) < 0 ||
            read_string(a, obj, "interface", &n->interface, err) < 0 ||
            read_string(a, obj, "device", &n->device, err) < 0 || read_ip(obj, "ip4", &n->ip4, err) < 0 ||
            read_ip(obj, "ip6", &n->ip6, err) < 0 || json_get_u32(obj, "bits4", &bits4, err) < 0 ||
            json_get_u32(obj, "bits6", &bits6, err) < 0 || json_get_string(obj, "mac", &mac, err) < 0 ||
            json_get_bool(obj, "internal", &n->internal, err) < 0 || read_list(a, obj, "aliases", &n->aliases, err) < 0)
                return -err->code;
        n->bits4 = bits4;
        n->bits6 = bits6;
        return mac_parse(mac, n->mac) ? 0 : error_set(err, EINVAL, "mac is no hardware address");
}

static int read_port(struct json_object *obj, struct endpoint_port *p, struct error *err)
{
        const char *protocol = "";
        uint32_t host_port = 0, port = 0;

        if (!json_is_object(obj))
                return error_set(err, EINVAL, "a port is no object");
        if (read_ip(obj, "host", &p->host, err) < 0 || json_get_u32(obj, "host_port", &host_port, err) < 0 ||
            json_get_u32(obj, "port", &port, err) < 0 || json_get_string(obj, "protocol", &protocol, err) < 0)
                return -err->code;
        if (host_port > UINT16_MAX || port > UINT16_MAX || !protocol_parse(protocol, &p->protocol))
                return error_set(err, EINVAL, "a port is none");
        p->host_port = (uint16_t)host_port;
        p->port = (uint16_t)port;
        return 0;
}

static int read_arrays(struct json_object *obj, struct endpoint *e, struct error *err)
{
        struct json_object *networks = NULL, *ports = NULL;
        int r = 0;

        if (json_get_array(obj, "networks", &networks, err) < 0 || json_get_array(obj, "ports", &ports, err) < 0)
                return -err->code;
        e->n_networks = networks ? json_array_size(networks) : 0;
        e->n_ports = ports ? json_array_size(ports) : 0;
        e->networks = arena_alloc(&e->arena, e->n_networks, sizeof *e->networks);
        e->ports = arena_alloc(&e->arena, e->n_ports, sizeof *e->ports);
        if ((e->n_networks && !e->networks) || (e->n_ports && !e->ports))
                return out_of_memory(err);
        for (size_t i = 0; r == 0 && i < e->n_networks; i++)
                r = read_network(&e->arena, json_array_item(networks, i), &e->networks[i], err);
        for (size_t i = 0; r == 0 && i < e->n_ports; i++)
                r = read_port(json_array_item(ports, i), &e->ports[i], err);
        return r;
}

static int parse(const struct buf *text, struct endpoint *e, struct error *err)
{
        own_json struct json_object *obj = NULL;
        int r = json_parse(buf_str(text), text->len, &obj, err);

        if (r < 0)
                return r;
        if (!json_is_object(obj))
                return error_set(err, EINVAL, "it is no object");
        if (read_string(&e->arena, obj, "id", &e->id, err) < 0 ||
            read_string(&e->arena, obj, "name", &e->name, err) < 0 ||
            json_get_bool(obj, "shared", &e->shared, err) < 0 || read_list(&e->arena, obj, "dns", &e->dns, err) < 0)
                return -err->code;
        return read_arrays(obj, e, err);
}

int endpoint_read_at(int dir, const char *id, struct endpoint *ret, struct error *err)
{
        own_endpoint struct endpoint e = {};
        own_buf struct buf text = {};
        own_fd int fd = openat(dir, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (fd < 0)
                return error_errno(err, errno, "the addresses of %.12s", id);
        r = fd_read_all(fd, MAX_FILE, &text);
        if (r < 0)
                return error_errno(err, -r, "read the addresses of %.12s", id);
        r = parse(&text, &e, err);
        if (r < 0)
                return error_wrap(err, "the addresses of %.12s", id);
        *ret = e;
        e = (struct endpoint){};
        return 0;
}

int endpoint_read(const struct network_place *p, const char *id, struct endpoint *ret, struct error *err)
{
        own_fd int dir = open_endpoints(p, false, err);

        return dir < 0 ? dir : endpoint_read_at(dir, id, ret, err);
}

int endpoint_each(const struct network_place *p, int (*each)(void *userdata, struct endpoint *e), void *userdata,
                  struct error *err)
{
        int fd = open_endpoints(p, false, err), r = 0;
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *d;

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        if (!dir) {
                close(fd);
                return out_of_memory(err);
        }
        while (r == 0 && (d = readdir(dir))) {
                own_endpoint struct endpoint e = {};

                if (*d->d_name == '.')
                        continue;
                r = endpoint_read_at(fd, d->d_name, &e, err);
                if (r == 0)
                        r = each(userdata, &e);
                else if (r == -ENOENT)
                        r = 0;
        }
        return r;
}
