/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/network_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "net/attach.h"
#include "sys/fd.h"

enum { MAX_RESOLV_CONF = 1 << 16 };

/* ---- hosts ---- */

static bool is_word(const char *text)
{
        return *text && !text[strcspn(text, " \t\n#")];
}

/* "NAME:IP" or "NAME=IP". */
static int add_host(const char *text, const struct ip *gateway, struct buf *out, struct error *err)
{
        size_t len = strcspn(text, ":=");
        char name[256], address[IP_TEXT_MAX];
        struct ip ip;

        if (!text[len] || len >= sizeof name)
                return error_set(err, EINVAL, "--add-host \"%s\": not NAME:IP", text);
        snprintf(name, sizeof name, "%.*s", (int)len, text);
        text += len + 1;
        if (strcmp(text, "host-gateway") == 0)
                ip = *gateway;
        else if (*text == '[' && text[strlen(text) - 1] == ']' && strlen(text) < sizeof address) {
                snprintf(address, sizeof address, "%.*s", (int)strlen(text) - 2, text + 1);
                if (!ip_parse(address, &ip))
                        return error_set(err, EINVAL, "--add-host: \"%s\" is no address", text);
        } else if (!ip_parse(text, &ip)) {
                return error_set(err, EINVAL, "--add-host: \"%s\" is no address", text);
        }
        if (!is_word(name))
                return error_set(err, EINVAL, "--add-host: \"%s\" is no name", name);
        buf_addf(out, "%s\t%s\n", ip_format(&ip, address), name);
        return 0;
}

static void add_own(const struct instance_options *o, const char *hostname, const struct ip *ip, struct buf *out)
{
        char address[IP_TEXT_MAX];

        if (!ip->family)
                return;
        buf_addf(out, "%s\t", ip_format(ip, address));
        if (o->domainname)
                buf_addf(out, "%s.%s ", hostname, o->domainname);
        buf_addf(out, "%s\n", hostname);
}

int network_hosts_write(const struct instance_options *o, const char *hostname, const struct endpoint *endpoint,
                        const struct ip *gateway, struct buf *out, struct error *err)
{
        const struct ip itself = { .family = AF_INET, .bytes = { 127, 0, 1, 1 } };
        int r = 0;

        for (const char *const *host = o->add_host; r == 0 && host && *host; host++)
                r = add_host(*host, gateway, out, err);
        for (size_t i = 0; endpoint && i < endpoint->n_networks; i++) {
                add_own(o, hostname, &endpoint->networks[i].ip4, out);
                add_own(o, hostname, &endpoint->networks[i].ip6, out);
        }
        if (!endpoint)
                add_own(o, hostname, &itself, out);
        return r == 0 && buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : r;
}

/* ---- resolv.conf ---- */

static int read_host(struct buf *ret, struct error *err)
{
        own_fd int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? 0 : fd_read_all(fd, MAX_RESOLV_CONF, ret);

        return r < 0 ? error_errno(err, -r, "read /etc/resolv.conf") : 0;
}

/* The host's lines that begin with the word. */
static void add_lines(const char *host, const char *word, struct buf *out)
{
        size_t word_len = strlen(word);

        while (*host) {
                size_t len = strcspn(host, "\n");

                if (len > word_len && strncmp(host, word, word_len) == 0 && strchr(" \t", host[word_len])) {
                        buf_add(out, host, len);
                        buf_add_str(out, "\n");
                }
                host += len + (host[len] == '\n');
        }
}

static int add_words(const char *word, const char *flag, const char *const *list, struct buf *out, struct error *err)
{
        buf_add_str(out, word);
        for (; *list; list++) {
                if (!is_word(*list))
                        return error_set(err, EINVAL, "%s \"%s\" is none", flag, *list);
                buf_addf(out, " %s", *list);
        }
        buf_add_str(out, "\n");
        return 0;
}

static int add_servers(const struct instance_options *o, bool own_names, const char *host, struct buf *out,
                       struct error *err)
{
        struct ip ip;

        for (const char *const *dns = o->dns; dns && *dns; dns++) {
                if (!ip_parse(*dns, &ip))
                        return error_set(err, EINVAL, "--dns \"%s\" is no address", *dns);
                if (!own_names)
                        buf_addf(out, "nameserver %s\n", *dns);
        }
        if (own_names)
                buf_add_str(out, "nameserver " DNS_ADDRESS "\n");
        else if (!o->dns || !*o->dns)
                add_lines(host, "nameserver", out);
        return 0;
}

int network_resolv_write(const struct instance_options *o, bool own_names, struct buf *out, struct error *err)
{
        own_buf struct buf host = {};
        int r = read_host(&host, err);

        if (r == 0)
                r = add_servers(o, own_names, buf_str(&host), out, err);
        if (r < 0)
                return r;
        if (!o->dns_search || !*o->dns_search) {
                add_lines(buf_str(&host), "search", out);
                add_lines(buf_str(&host), "domain", out);
        } else if (strcmp(*o->dns_search, ".") != 0) {
                r = add_words("search", "--dns-search", o->dns_search, out, err);
        }
        if (r == 0 && o->dns_option && *o->dns_option)
                r = add_words("options", "--dns-option", o->dns_option, out, err);
        else if (r == 0)
                add_lines(buf_str(&host), "options", out);
        return r == 0 && buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : r;
}
