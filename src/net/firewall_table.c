/* SPDX-License-Identifier: Apache-2.0 */
#include "net/firewall.h"

#include <errno.h>

#include "sys/program.h"

/*
 * Bridges are known by their names. A packet comes from one of ours and goes out elsewhere, comes from elsewhere for a
 * published port, or stays within one network (it comes by here when it was sent to a published port, or when
 * br_netfilter is on): all others are refused, also those that somebody beside the host sends straight to an instance.
 *
 * 127.0.0.1 of the host: the bridge routes such addresses (network_up.c), so that the answers find back; what an
 * instance itself sends there is dropped before. For ::1 the kernel has nothing of that kind: a connection is refused
 * at once, and programs that were told "localhost" go on to 127.0.0.1.
 *
 * The sender's address is kept. It is the host's only for what comes from the host's loopback address, and for what
 * stays within one network: the answer would go to the sender directly, who did not ask there. (By the sender's
 * address, for br_netfilter does not say there where a packet came in.)
 */
static const char table[] =
        "add table inet holt\n"
        "delete table inet holt\n"
        "table inet holt {\n"
        "	comment \"made by holt: see holt-network(1)\"\n"
        "	chain " FIREWALL_VERSION_CHAIN " { }\n"
        "	set same { type ifname . ifname; }\n"
        "	set near4 { type ipv4_addr . ifname; flags interval; }\n"
        "	set near6 { type ipv6_addr . ifname; flags interval; }\n"
        "	set internal { type ifname; }\n"
        "	set routed { type ifname; }\n"
        "	map published4 { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
        "	map published4_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }\n"
        "	map published6 { type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
        "	map published6_at { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }\n"
        "	chain loopback {\n"
        "		type filter hook prerouting priority raw; policy accept;\n"
        "		iifname \"holt*\" ip daddr 127.0.0.0/8 drop\n"
        "	}\n"
        "	chain published {\n"
        "		meta nfproto ipv4 dnat ip to ip daddr . meta l4proto . th dport map @published4_at\n"
        "		meta nfproto ipv4 dnat ip to meta l4proto . th dport map @published4\n"
        "		meta nfproto ipv6 dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6_at\n"
        "		meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @published6\n"
        "	}\n"
        "	chain prerouting {\n"
        "		type nat hook prerouting priority dstnat; policy accept;\n"
        "		fib daddr type local jump published\n"
        "	}\n"
        "	chain output {\n"
        "		type nat hook output priority -100; policy accept;\n"
        "		ip6 daddr ::1 accept\n"
        "		fib daddr type local jump published\n"
        "	}\n"
        "	chain forward {\n"
        "		type filter hook forward priority filter; policy accept;\n"
        "		iifname != \"holt*\" oifname != \"holt*\" accept\n"
        "		ct state established,related accept\n"
        "		iifname . oifname @same accept\n"
        "		iifname @internal reject with icmpx admin-prohibited\n"
        "		oifname @internal reject with icmpx admin-prohibited\n"
        "		oifname \"holt*\" ct status dnat accept\n"
        "		oifname \"holt*\" reject with icmpx admin-prohibited\n"
        "	}\n"
        "	chain postrouting {\n"
        "		type nat hook postrouting priority srcnat; policy accept;\n"
        "		oifname \"holt*\" ip saddr 127.0.0.0/8 masquerade\n"
        "		ct status dnat ip saddr . oifname @near4 masquerade\n"
        "		ct status dnat ip6 saddr . oifname @near6 masquerade\n"
        "		iifname \"holt*\" iifname != @routed oifname != \"holt*\" masquerade\n"
        "	}\n"
        "}\n";

int firewall_table_load(struct error *err)
{
        static const char *const argv[] = { "nft", "-f", "-", NULL };
        int r = program_run(argv, table, err);

        if (r == -ENOENT)
                return error_set(err, ENOENT,
                                 "networks need nft(8): install the package nftables, or use --network none or host");
        return r < 0 ? error_wrap(err, "make the firewall's rules") : 0;
}
