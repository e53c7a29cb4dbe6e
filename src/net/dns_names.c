/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"

enum { SHORT_ID = 12 };

static void forget_all(struct dns_names *d)
{
        while (d->n)
                endpoint_finish(&d->endpoints[--d->n]);
}

void dns_names_close(struct dns_names *d)
{
        forget_all(d);
        free(d->endpoints);
        if (d->watch >= 0)
                close(d->watch);
}

/* ---- keeping up ---- */

static void forget(struct dns_names *d, const char *id)
{
        for (size_t i = 0; i < d->n; i++) {
                if (strcmp(d->endpoints[i].id, id) != 0)
                        continue;
                endpoint_finish(&d->endpoints[i]);
                d->endpoints[i] = d->endpoints[--d->n];
                return;
        }
}

static void load(struct dns_names *d, const char *id)
{
        struct endpoint e;

        forget(d, id);
        if (*id == '.' || endpoint_read_at(d->dir, id, &e, NULL) < 0)
                return;
        if (strcmp(e.id, id) != 0 || array_grow(&d->endpoints, &d->cap, d->n + 1, sizeof *d->endpoints) < 0) {
                endpoint_finish(&e);
                return;
        }
        d->endpoints[d->n++] = e;
}

static DIR *open_directory(const struct dns_names *d)
{
        int fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir && fd >= 0)
                close(fd);
        return dir;
}

static void load_all(struct dns_names *d)
{
        own_dir DIR *dir = open_directory(d);
        struct dirent *e;

        forget_all(d);
        while (dir && (e = readdir(dir)))
                load(d, e->d_name);
}

int dns_names_open(struct dns_names *d, int dir, struct error *err)
{
        char path[32];

        *d = (struct dns_names){ .dir = dir, .watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };
        snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
        /* A file that is written anew is one that is moved in. */
        if (d->watch < 0 || inotify_add_watch(d->watch, path, IN_MOVED_TO | IN_DELETE | IN_ONLYDIR) < 0)
                return error_errno(err, errno, "watch the instances' names");
        load_all(d);
        return 0;
}

/* Events since the last look. */
static void keep_up(struct dns_names *d)
{
        char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t len;

        while ((len = read(d->watch, events, sizeof events)) > 0) {
                const struct inotify_event *e;

                for (char *at = events; at < events + len; at += sizeof *e + e->len) {
                        e = (const struct inotify_event *)(const void *)at;
                        if (e->mask & IN_Q_OVERFLOW)
                                load_all(d);
                        else if (e->mask & IN_DELETE && e->len)
                                forget(d, e->name);
                        else if (e->len)
                                load(d, e->name);
                }
        }
}

bool dns_names_any(const struct dns_names *d)
{
        own_dir DIR *dir = open_directory(d);
        struct dirent *e;

        while (dir && (e = readdir(dir)))
                if (*e->d_name != '.')
                        return true;
        return false;
}

/* ---- looking up ---- */

const struct endpoint *dns_names_client(struct dns_names *d, const char *bridge, const struct ip *ip)
{
        keep_up(d);
        for (size_t i = 0; i < d->n; i++) {
                for (size_t k = 0; k < d->endpoints[i].n_networks; k++) {
                        const struct endpoint_network *n = &d->endpoints[i].networks[k];

                        if (strcmp(n->bridge, bridge) == 0 && ip_equal(&n->ip4, ip))
                                return &d->endpoints[i];
                }
        }
        return NULL;
}

static bool is_one_of(const char *const *list, const char *name)
{
        for (; *list; list++)
                if (strcasecmp(*list, name) == 0)
                        return true;
        return false;
}

/* Its name, an alias, or the short id; also with the network's name behind a dot. */
static bool has_name(const struct endpoint *e, const struct endpoint_network *n, const char *name)
{
        char short_id[SHORT_ID + 1], first[DNS_NAME_MAX];
        size_t len = strlen(name), network = strlen(n->network);

        snprintf(short_id, sizeof short_id, "%s", e->id);
        if (strcasecmp(e->name, name) == 0 || is_one_of(n->aliases, name) || strcmp(short_id, name) == 0)
                return true;
        if (len <= network + 1 || name[len - network - 1] != '.' || strcasecmp(name + len - network, n->network) != 0)
                return false;
        snprintf(first, sizeof first, "%.*s", (int)(len - network - 1), name);
        return strcasecmp(e->name, first) == 0 || is_one_of(n->aliases, first) || strcmp(short_id, first) == 0;
}

static bool shares(const struct endpoint *client, const struct endpoint_network *n)
{
        for (size_t i = 0; i < client->n_networks; i++)
                if (strcmp(client->networks[i].network, n->network) == 0)
                        return true;
        return false;
}

/* A name that is known has no address of the other family, rather than not to be there. */
static bool add_addresses(const struct endpoint_network *n, const struct dns_question *q, struct dns_answer *a)
{
        if (n->ip4.family && (q->type == DNS_A || q->type == DNS_ANY))
                dns_answer_add_address(a, &n->ip4);
        if (n->ip6.family && (q->type == DNS_AAAA || q->type == DNS_ANY))
                dns_answer_add_address(a, &n->ip6);
        return true;
}

static bool add_reverse(const struct endpoint *e, const struct endpoint_network *n, const struct ip *ip,
                        struct dns_answer *a)
{
        char name[DNS_NAME_MAX];

        if (!ip_equal(&n->ip4, ip) && !ip_equal(&n->ip6, ip))
                return false;
        snprintf(name, sizeof name, "%s.%s", e->name, n->network);
        dns_answer_add_name(a, name);
        return true;
}

enum dns_found dns_names_answer(const struct dns_names *d, const struct endpoint *client, const struct dns_question *q,
                                struct dns_answer *a)
{
        struct ip ip;
        bool reverse = q->type == DNS_PTR && dns_reverse_parse(q->name, &ip), found = false;

        for (size_t i = 0; i < d->n; i++) {
                const struct endpoint *e = &d->endpoints[i];

                for (size_t k = 0; k < e->n_networks; k++) {
                        const struct endpoint_network *n = &e->networks[k];

                        if (!shares(client, n))
                                continue;
                        if (reverse)
                                found |= add_reverse(e, n, &ip, a);
                        else if (has_name(e, n, q->name))
                                found |= add_addresses(n, q, a);
                }
        }
        return found ? DNS_FOUND : DNS_NOT_OURS;
}
