/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a port: only looked for when somebody has to be told. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "net/port.h"
#include "sys/fd.h"

struct search {
        uint8_t protocol;
        uint16_t port;
        const struct ip *host;
        struct buf *out;
};

/* An address that is not given is each one. */
static bool meets(const struct ip *a, const struct ip *b)
{
        return !a->family || !b->family || (a->family == b->family && (ip_is_any(a) || ip_is_any(b))) || ip_equal(a, b);
}

static int see_endpoint(void *userdata, struct endpoint *e)
{
        struct search *s = userdata;

        for (size_t i = 0; i < e->n_ports; i++) {
                const struct endpoint_port *p = &e->ports[i];

                if (p->host_port != s->port || p->protocol != s->protocol || !meets(&p->host, s->host))
                        continue;
                buf_addf(s->out, " by the instance %s", *e->name ? e->name : e->id);
                return 1;
        }
        return 0;
}

/* A line of /proc/net/tcp and its kin: "0: ADDRESS:PORT ADDRESS:PORT STATE QUEUES TIMER RETRIES UID TIMEOUT INODE". */
static bool parse_socket(char *line, uint32_t *ret_port, uint64_t *ret_inode)
{
        enum { LOCAL = 1, INODE = 9, N_FIELDS };
        char *fields[N_FIELDS], *rest = line, *port;

        for (size_t i = 0; i < N_FIELDS; i++) {
                fields[i] = strtok_r(i ? NULL : line, " \n", &rest);
                if (!fields[i])
                        return false;
        }
        port = strchr(fields[LOCAL], ':');
        return port && parse_u32(port + 1, 16, ret_port) == 0 && parse_u64(fields[INODE], 10, ret_inode) == 0;
}

/* The inode of the socket in /proc/net/tcp and its kin that has the local port; 0: none. */
static unsigned long find_inode(const char *path, uint16_t port)
{
        FILE *f = fopen(path, "re");
        unsigned long found = 0;
        char line[512];

        while (f && !found && fgets(line, sizeof line, f)) {
                uint32_t local = 0;
                uint64_t inode = 0;

                /* Also those of sockets that only go out from there are in the way. */
                if (parse_socket(line, &local, &inode) && local == port && inode)
                        found = inode;
        }
        if (f)
                fclose(f);
        return found;
}

static bool has_socket(const char *pid, const char *wanted)
{
        char path[40], link[64];
        own_dir DIR *dir = NULL;
        struct dirent *e;

        snprintf(path, sizeof path, "/proc/%.10s/fd", pid);
        dir = opendir(path);
        while (dir && (e = readdir(dir))) {
                ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof link - 1);

                if (n < 0)
                        continue;
                link[n] = '\0';
                if (strcmp(link, wanted) == 0)
                        return true;
        }
        return false;
}

static bool add_process(unsigned long inode, struct buf *out)
{
        own_dir DIR *proc = opendir("/proc");
        char wanted[64], path[64], name[32];
        struct dirent *e;

        snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
        while (proc && (e = readdir(proc))) {
                if (!isdigit((unsigned char)*e->d_name) || !has_socket(e->d_name, wanted))
                        continue;
                snprintf(path, sizeof path, "%.10s/comm", e->d_name);
                if (fd_read_file_at(dirfd(proc), path, name, sizeof name) < 0)
                        *name = '\0';
                buf_addf(out, " by %s (process %s)", name, e->d_name);
                return true;
        }
        return false;
}

void port_find_owner(const struct network_place *p, const struct port_wish *w, uint16_t port, struct buf *out)
{
        static const char *const files[][2] = { { "/proc/net/tcp", "/proc/net/tcp6" },
                                                { "/proc/net/udp", "/proc/net/udp6" } };
        struct search s = { .protocol = w->protocol, .port = port, .host = &w->host, .out = out };
        struct error ignored;

        if (w->protocol == IPPROTO_SCTP || endpoint_each(p, see_endpoint, &s, &ignored) > 0)
                return;
        for (size_t i = 0; i < 2; i++) {
                unsigned long inode = find_inode(files[w->protocol == IPPROTO_UDP][i], port);

                if (inode && add_process(inode, out))
                        return;
        }
}
