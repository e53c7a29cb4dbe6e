/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firewalls of others. Of several base chains at one hook each has to let a packet pass: whoever drops what he does not
 * know drops what goes to and from containers, whatever our own table says. Docker and firewalld have a place for the
 * rules of others, which net/firewall_docker.c uses.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "instance/doctor/checks.h"

struct firewall {
        bool dropping;   /* a base chain at the hook "forward" drops what it does not know */
        char chain[160]; /* which one: "ip filter FORWARD" */
        bool docker, firewalld, ufw;
};

static const char *text_of(struct json_object *chain, const char *key)
{
        const char *text = "";

        return json_get_string(chain, key, &text, NULL) > 0 ? text : "";
}

static void look_at_chain(struct firewall *fw, struct json_object *chain)
{
        const char *table = text_of(chain, "table"), *name = text_of(chain, "name");

        fw->docker = fw->docker || strcmp(name, "DOCKER-USER") == 0 || strcmp(name, "DOCKER") == 0;
        fw->firewalld = fw->firewalld || strcmp(table, "firewalld") == 0;
        fw->ufw = fw->ufw || strncmp(name, "ufw-", 4) == 0;
        /* firewalld's chain has no policy: its last rule rejects. */
        if (strcmp(text_of(chain, "hook"), "forward") != 0 || strcmp(text_of(chain, "policy"), "drop") != 0)
                return;
        fw->dropping = true;
        snprintf(fw->chain, sizeof fw->chain, "%.20s %.60s %.60s", text_of(chain, "family"), table, name);
}

/* Of `nft -j list chains`. */
static void read_nft(const struct doctor_host *h, struct firewall *fw)
{
        static const char *const argv[] = { "nft", "-j", "list", "chains", NULL };
        own_json struct json_object *root = NULL;
        struct json_object *list = NULL, *chain;
        own_buf struct buf out = {};

        if (h->command(h, argv, &out) != 0 || json_parse(buf_str(&out), out.len, &root, NULL) < 0 ||
            !json_is_object(root) || json_get_array(root, "nftables", &list, NULL) <= 0)
                return;
        for (size_t i = 0; i < json_array_size(list); i++) {
                struct json_object *item = json_array_item(list, i);

                if (json_is_object(item) && json_get_object(item, "chain", &chain, NULL) > 0)
                        look_at_chain(fw, chain);
        }
}

/* The older tables of iptables are not nftables'. */
static void read_legacy(const struct doctor_host *h, struct firewall *fw)
{
        static const char *const argv[] = { "iptables-legacy", "-S", NULL };
        own_buf struct buf out = {};
        char tables[256];

        if (host_read(h, "/proc/net/ip_tables_names", tables, sizeof tables) <= 0 || !host_has_word(tables, "filter") ||
            h->command(h, argv, &out) != 0)
                return;
        fw->docker = fw->docker || strstr(buf_str(&out), "-N DOCKER");
        fw->ufw = fw->ufw || strstr(buf_str(&out), "-N ufw-");
        if (!strstr(buf_str(&out), "-P FORWARD DROP"))
                return;
        fw->dropping = true;
        snprintf(fw->chain, sizeof fw->chain, "FORWARD of iptables-legacy");
}

/* Our rules go into Docker's chain by iptables, as Docker's own do. */
static void add_docker(const struct doctor_host *h, struct doctor_findings *f)
{
        static const struct host_package package = { "iptables", "iptables", "iptables", "iptables" };
        bool can = host_has_program(h, "iptables");
        char mend[96];

        host_install(h, &package, mend, sizeof mend);
        doctor_add(f, &(struct doctor_finding){
                              .group = "firewall",
                              .check = "docker",
                              .level = can ? DOCTOR_OK : DOCTOR_WARNING,
                              .text = can ? "Docker drops what it does not know: holt's networks pass by DOCKER-USER"
                                          : "Docker drops what it does not know, and iptables is not installed",
                              .why = can ? NULL : "containers reach nothing beyond this host, and nobody their ports",
                              .mend = can ? NULL : mend });
}

static void add_dropping(const struct firewall *fw, struct doctor_findings *f)
{
        static const char ufw[] = "ufw route allow in on holt0 && ufw route allow out on holt0",
                          other[] = "iptables -I FORWARD -i holt+ -j ACCEPT && iptables -I FORWARD -o holt+ -j ACCEPT";

        doctor_addf(
                f,
                (struct doctor_finding){ .group = "firewall",
                                         .check = "forward",
                                         .level = DOCTOR_WARNING,
                                         .why = "containers may reach nothing beyond this host, and nobody their ports",
                                         .mend = fw->ufw ? ufw : other },
                "%s drops what no rule lets it forward", fw->ufw ? "ufw" : fw->chain);
}

static void add_firewalld(struct doctor_findings *f)
{
        doctor_add(f, &(struct doctor_finding){
                              .group = "firewall",
                              .check = "firewalld",
                              .text = "firewalld runs: holt's networks become interfaces of its zone trusted" });
}

void doctor_check_firewall(const struct doctor_host *h, struct doctor_findings *f)
{
        static const struct host_package package = { "nftables", "nftables", "nftables", "nftables" };
        struct firewall fw = {};
        char mend[96];

        /* Others than root may not look. */
        if (h->uid)
                return;
        if (!host_has_program(h, "nft")) {
                host_install(h, &package, mend, sizeof mend);
                doctor_add(f, &(struct doctor_finding){
                                      .group = "firewall",
                                      .check = "nft",
                                      .level = DOCTOR_WARNING,
                                      .text = "nft is not installed",
                                      .why = "ports cannot be published, and containers reach no other hosts",
                                      .mend = mend });
        }
        read_nft(h, &fw);
        read_legacy(h, &fw);
        if (fw.dropping && fw.docker)
                add_docker(h, f);
        else if (fw.dropping)
                add_dropping(&fw, f);
        if (fw.firewalld)
                add_firewalld(f);
        if (!fw.dropping && !fw.firewalld)
                doctor_add(f, &(struct doctor_finding){
                                      .group = "firewall",
                                      .check = "forward",
                                      .text = "nobody else's firewall keeps containers from the network" });
}
