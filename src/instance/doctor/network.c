/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "instance/doctor/checks.h"

/* What may not be tried (EPERM) is not known. */
static void check_parts(const struct doctor_host *h, struct doctor_findings *f)
{
        static const struct {
                enum doctor_trial trial;
                const char *name, *module, *why;
        } parts[] = {
                { TRIAL_BRIDGE, "bridges", "bridge", "containers have no network but --network host and none" },
                { TRIAL_VETH, "veth", "veth", "containers have no network but --network host and none" },
                { TRIAL_NFTABLES, "nftables", "nf_tables",
                  "no ports can be published, and containers do not reach other hosts" },
        };
        size_t missing = 0;
        char mend[64];

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                int r = h->attempt(h, parts[i].trial);
                bool loads = host_has_module(h, parts[i].module);

                if (r == 0 || r == -EPERM)
                        continue;
                missing++;
                snprintf(mend, sizeof mend, "modprobe %s", parts[i].module);
                doctor_addf(f,
                            (struct doctor_finding){ .group = "network",
                                                     .check = parts[i].module,
                                                     .level = DOCTOR_WARNING,
                                                     .why = parts[i].why,
                                                     .mend = loads ? mend : NULL,
                                                     .safe = loads },
                            "the kernel has no %s: %s", parts[i].name, strerror(-r));
        }
        if (!missing)
                doctor_add(f, &(struct doctor_finding){ .group = "network",
                                                        .check = "kernel",
                                                        .text = "the kernel has bridges, veth and nftables" });
}

static void check_forwarding(const struct doctor_host *h, struct doctor_findings *f)
{
        bool on = host_number(h, "/proc/sys/net/ipv4/ip_forward", 0) == 1;

        doctor_add(f,
                   &(struct doctor_finding){ .group = "network",
                                             .check = "ip_forward",
                                             .text = on ? "IPv4 is forwarded"
                                                        : "IPv4 is not forwarded: the first network switches it on" });
}

static void check_ipv6(const struct doctor_host *h, struct doctor_findings *f)
{
        bool there =
                host_has(h, "/proc/net/if_inet6") && host_number(h, "/proc/sys/net/ipv6/conf/all/disable_ipv6", 0) == 0;

        doctor_add(f, &(struct doctor_finding){ .group = "network",
                                                .check = "ipv6",
                                                .level = there ? DOCTOR_OK : DOCTOR_WARNING,
                                                .text = there ? "IPv6 is there" : "IPv6 is switched off",
                                                .why = there ? NULL : "networks of containers are IPv4 only",
                                                .mend = there ? NULL : "sysctl -w net.ipv6.conf.all.disable_ipv6=0" });
}

/* To be told, since it surprises: others write iptables' rules with routed packets in mind. */
static void check_bridge_filter(const struct doctor_host *h, struct doctor_findings *f)
{
        if (host_number(h, "/proc/sys/net/bridge/bridge-nf-call-iptables", 0) != 1)
                return;
        doctor_add(f, &(struct doctor_finding){
                              .group = "network",
                              .check = "bridge_netfilter",
                              .level = DOCTOR_OK,
                              .text = "packets between containers of a network pass the firewall (br_netfilter)" });
}

void doctor_check_network(const struct doctor_host *h, struct doctor_findings *f)
{
        check_ipv6(h, f);
        /* The others have their network by pasta. */
        if (h->uid)
                return;
        check_parts(h, f);
        check_forwarding(h, f);
        check_bridge_filter(h, f);
}
