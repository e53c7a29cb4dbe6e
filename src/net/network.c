/* SPDX-License-Identifier: Apache-2.0 */
#include "net/network.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "sys/fd.h"

enum { MAX_FILE = 1 << 20, MAX_NAME = 63, ID_IN_INTERFACE = 10, MIN_MTU = 68, MIN_MTU6 = 1280, MAX_MTU = 65535 };

void network_finish(struct network *n)
{
        arena_finish(&n->arena);
        *n = (struct network){};
}

static int open_directory(const struct network_place *p, struct error *err)
{
        own_mem char *path = NULL;
        int fd;

        if (asprintf(&path, "%s/networks", p->root) < 0)
                return error_set(err, ENOMEM, "out of memory");
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && (fd = fd_mkdir_all(path, 0700)) == 0)
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

/* Docker's: letters, digits and "_.-" behind a first letter or digit. */
static bool is_name(const char *name)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

        return *name && strlen(name) <= MAX_NAME && !name[strspn(name, letters)] && !strchr("_.-", *name);
}

/* ---- finding ---- */

static int load_at(int dir, const char *name, struct network *ret, struct error *err)
{
        own_fd int fd = is_name(name) ? openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
        own_buf struct buf text = {};
        int r;

        if (fd < 0)
                return error_set(err, ENOENT, "no such network: %s (holt network ls lists them)", name);
        r = fd_read_all(fd, MAX_FILE, &text);
        if (r < 0)
                return error_errno(err, -r, "read the network %s", name);
        r = network_read(buf_str(&text), text.len, ret, err);
        if (r == 0 && strcmp(ret->name, name) != 0) {
                network_finish(ret);
                r = error_set(err, EINVAL, "it names another one");
        }
        return r < 0 ? error_wrap(err, "network %s", name) : 0;
}

int network_load(const struct network_place *p, const char *name, struct network *ret, struct error *err)
{
        own_fd int dir = open_directory(p, err);

        return dir < 0 ? dir : load_at(dir, name, ret, err);
}

/* Somebody else may make it at the same moment. */
static int find_default(const struct network_place *p, struct network *ret, struct error *err)
{
        int r = network_load(p, NETWORK_DEFAULT, ret, err);

        if (r != -ENOENT)
                return r;
        *ret = (struct network){ .name = NETWORK_DEFAULT, .ipv6 = true };
        r = network_create(p, ret, err);
        if (r == 0)
                return 0;
        network_finish(ret);
        return r == -EEXIST ? network_load(p, NETWORK_DEFAULT, ret, err) : r;
}

struct search {
        const char *digits;
        struct network *found;
        unsigned n;
};

static int match_id(void *userdata, struct network *n)
{
        struct search *s = userdata;

        if (strncmp(n->id, s->digits, strlen(s->digits)) != 0)
                return 0;
        if (s->n++ == 0) {
                *s->found = *n;
                *n = (struct network){};
        }
        return 0;
}

int network_find(const struct network_place *p, const char *name, struct network *ret, struct error *err)
{
        struct network found = {};
        struct search s = { .digits = name, .found = &found };
        int r = strcmp(name, NETWORK_DEFAULT) == 0 ? find_default(p, ret, err) : network_load(p, name, ret, err);

        if (r != -ENOENT || !*name || name[strspn(name, "0123456789abcdef")])
                return r;
        r = network_each(p, match_id, &s, err);
        if (r == 0 && s.n == 1) {
                *ret = found;
                return 0;
        }
        network_finish(&found);
        return r < 0 ? r
               : s.n ? error_set(err, EEXIST, "several networks have an id that begins with %s", name)
                     : error_set(err, ENOENT, "no such network: %s (holt network ls lists them)", name);
}

static int is_regular(const struct dirent *e)
{
        return is_name(e->d_name);
}

int network_each(const struct network_place *p, int (*each)(void *userdata, struct network *n), void *userdata,
                 struct error *err)
{
        own_fd int dir = open_directory(p, err);
        struct dirent **names;
        int n, r = 0;

        if (dir < 0)
                return dir;
        n = scandirat(dir, ".", &names, is_regular, alphasort);
        if (n < 0)
                return error_errno(err, errno, "list the networks");
        for (int i = 0; i < n; i++) {
                own_network struct network found = {};

                if (r == 0)
                        r = load_at(dir, names[i]->d_name, &found, err);
                if (r == 0)
                        r = each(userdata, &found);
                else if (r == -ENOENT)
                        r = 0;
                free(names[i]);
        }
        free(names);
        return r;
}

/* ---- making ---- */

int network_add_pair(struct network *n, struct network_pair **list, const char *key, const char *value)
{
        struct network_pair *grown;
        size_t len = 0;

        while (*list && (*list)[len].key)
                len++;
        grown = arena_alloc(&n->arena, len + 2, sizeof *grown);
        if (!grown)
                return -ENOMEM;
        if (len)
                memcpy(grown, *list, len * sizeof *grown);
        grown[len] = (struct network_pair){ arena_strdup(&n->arena, key), arena_strdup(&n->arena, value) };
        if (!grown[len].key || !grown[len].value)
                return -ENOMEM;
        *list = grown;
        return 0;
}

static int make_id(struct network *n, struct error *err)
{
        unsigned char bytes[NETWORK_ID_LEN / 2];
        struct timespec now;

        if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
                return error_errno(err, errno, "get random bytes");
        for (size_t i = 0; i < sizeof bytes; i++)
                snprintf(n->id + i * 2, 3, "%02x", bytes[i]);
        clock_gettime(CLOCK_REALTIME, &now);
        n->created = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
        return 0;
}

static int check_range(const struct network_range *r, struct error *err)
{
        char a[SUBNET_TEXT_MAX], b[SUBNET_TEXT_MAX];

        if (r->range.ip.family && (r->range.bits < r->subnet.bits || !subnet_contains(&r->subnet, &r->range.ip)))
                return error_set(err, EINVAL, "the range %s is not within the subnet %s", subnet_format(&r->range, a),
                                 subnet_format(&r->subnet, b));
        if (!subnet_contains(&r->subnet, &r->gateway))
                return error_set(err, EINVAL, "the gateway %s is not within the subnet %s", ip_format(&r->gateway, a),
                                 subnet_format(&r->subnet, b));
        return 0;
}

static int fill_range(const struct network_place *p, struct network_range *r, struct error *err)
{
        char text[SUBNET_TEXT_MAX];
        int checked = network_check_subnet(p, &r->subnet, err);

        if (checked < 0)
                return checked;
        /* Its first and its last are none, the gateway is one, and one is for an instance. */
        if (subnet_size(&r->subnet) < 4)
                return error_set(err, EINVAL, "the subnet %s is too small", subnet_format(&r->subnet, text));
        if (!r->gateway.family)
                r->gateway = subnet_address(&r->subnet, 1);
        return check_range(r, err);
}

static int fill(const struct network_place *p, struct network *n, struct error *err)
{
        bool is_default = strcmp(n->name, NETWORK_DEFAULT) == 0;
        int r = make_id(n, err);

        n->v4.is_picked = !n->v4.subnet.ip.family && !n->v4.gateway.family && !n->v4.range.ip.family;
        if (r == 0 && !n->v4.subnet.ip.family)
                r = network_pick_subnet(p, is_default, &n->v4.subnet, err);
        if (r == 0)
                r = fill_range(p, &n->v4, err);
        if (r == 0 && n->ipv6 && !n->v6.subnet.ip.family)
                r = network_pick_subnet6(&n->v6.subnet, err);
        if (r == 0 && n->v6.subnet.ip.family)
                r = fill_range(p, &n->v6, err);
        if (r < 0)
                return r;
        n->ipv6 = n->v6.subnet.ip.family;
        /* Networks of another ROOT may be there, too. */
        if (is_default && !if_nametoindex(NETWORK_DEFAULT_INTERFACE))
                strcpy(n->interface, NETWORK_DEFAULT_INTERFACE);
        else
                snprintf(n->interface, sizeof n->interface, NETWORK_INTERFACE_PREFIX "-%.*s", ID_IN_INTERFACE, n->id);
        return network_apply_options(n, err);
}

static int write_file(int dir, const struct network *n, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text, .indent = 2 };
        int r;

        network_write(n, &w);
        buf_add_str(&text, "\n");
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        r = fd_replace_file_at(dir, n->name, text.data, text.len, 0600);
        return r < 0 ? error_errno(err, -r, "write the network %s", n->name) : 0;
}

int network_create(const struct network_place *p, struct network *n, struct error *err)
{
        own_fd int dir = -1;
        int r;

        if (!is_name(n->name))
                return error_set(err, EINVAL, "\"%s\" is no name for a network: 1 to 63 of [a-zA-Z0-9_.-]", n->name);
        if (strcmp(n->name, "host") == 0 || strcmp(n->name, "none") == 0)
                return error_set(err, EEXIST, "the network %s is there already", n->name);
        dir = open_directory(p, err);
        if (dir < 0)
                return dir;
        /* Two that are made at once must not get the same subnet. */
        if (flock(dir, LOCK_EX) < 0)
                return error_errno(err, errno, "lock the networks");
        if (faccessat(dir, n->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return error_set(err, EEXIST, "the network %s is there already", n->name);
        r = fill(p, n, err);
        return r < 0 ? r : write_file(dir, n, err);
}

int network_pick_anew(const struct network_place *p, struct network *n, struct error *err)
{
        own_fd int dir = open_directory(p, err);
        struct network_range *v4 = &n->v4;
        int r;

        if (dir < 0)
                return dir;
        if (flock(dir, LOCK_EX) < 0)
                return error_errno(err, errno, "lock the networks");
        r = network_pick_subnet(p, strcmp(n->name, NETWORK_DEFAULT) == 0, &v4->subnet, err);
        if (r < 0)
                return r;
        v4->gateway = subnet_address(&v4->subnet, 1);
        return write_file(dir, n, err);
}

int network_remove(const struct network_place *p, const struct network *n, struct error *err)
{
        own_fd int dir = open_directory(p, err);

        if (dir < 0)
                return dir;
        return unlinkat(dir, n->name, 0) < 0 && errno != ENOENT
                       ? error_errno(err, errno, "remove the network %s", n->name)
                       : 0;
}

/* ---- options ---- */

static int apply_mtu(struct network *n, const char *value, struct error *err)
{
        uint32_t mtu;

        if (parse_u32(value, 10, &mtu) < 0 || mtu > MAX_MTU || mtu < (n->ipv6 ? MIN_MTU6 : MIN_MTU))
                return error_set(err, EINVAL, "\"%s\" is no size of a packet", value);
        n->mtu = mtu;
        return 0;
}

static int apply_interface(struct network *n, const char *value, struct error *err)
{
        size_t len = strlen(value);

        if (strncmp(value, NETWORK_INTERFACE_PREFIX, strlen(NETWORK_INTERFACE_PREFIX)) != 0 ||
            len >= sizeof n->interface || value[strcspn(value, " /:\t\n\"*")])
                return error_set(err, EINVAL,
                                 "\"%s\": names of interfaces begin with \"" NETWORK_INTERFACE_PREFIX
                                 "\" here and have at most 15 letters",
                                 value);
        memcpy(n->interface, value, len + 1);
        return 0;
}

static int apply_bool(bool *ret, bool inverted, const char *value, struct error *err)
{
        bool yes = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;

        if (!yes && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
                return error_set(err, EINVAL, "\"%s\" is neither true nor false", value);
        *ret = yes != inverted;
        return 0;
}

static int apply_publish_on(struct network *n, const char *value, struct error *err)
{
        if (!ip_parse(value, &n->publish_on))
                return error_set(err, EINVAL, "\"%s\" is no address", value);
        return 0;
}

static int apply_option(struct network *n, const char *key, const char *value, struct error *err)
{
        static const char driver[] = "com.docker.network.driver.", bridge[] = "com.docker.network.bridge.";
        bool ignored;

        if (strcmp(key, "com.docker.network.driver.mtu") == 0 || strcmp(key, "mtu") == 0)
                return apply_mtu(n, value, err);
        if (strcmp(key, "com.docker.network.bridge.name") == 0)
                return apply_interface(n, value, err);
        if (strcmp(key, "com.docker.network.bridge.enable_ip_masquerade") == 0)
                return apply_bool(&n->no_masquerade, true, value, err);
        if (strcmp(key, "com.docker.network.bridge.enable_icc") == 0)
                return apply_bool(&n->isolated, true, value, err);
        if (strcmp(key, "com.docker.network.bridge.host_binding_ipv4") == 0)
                return apply_publish_on(n, value, err);
        if (strcmp(key, "com.docker.network.bridge.default_bridge") == 0)
                return apply_bool(&ignored, false, value, err);
        /* What is not known may be what keeps somebody out. */
        if (strncmp(key, driver, sizeof driver - 1) == 0 || strncmp(key, bridge, sizeof bridge - 1) == 0)
                return error_set(err, EINVAL, "it is not known");
        return 0;
}

int network_apply_options(struct network *n, struct error *err)
{
        int r = 0;

        for (const struct network_pair *o = n->options; r == 0 && o && o->key; o++) {
                r = apply_option(n, o->key, o->value, err);
                if (r < 0)
                        error_wrap(err, "option %s", o->key);
        }
        return r;
}
