/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker sets the policy of the chain FORWARD to drop, for all that it does not know. Its manual names the chain
 * DOCKER-USER for the rules of others ("Packet filtering and firewalls"): it stands before all of Docker's, and Docker
 * leaves it alone once it is there. What is accepted there has still to pass our own table. The rules go in by
 * iptables(8), which writes to where Docker's are, whether that is nftables or the tables before it.
 */
#include "net/firewall.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/program.h"

#define CHAIN "DOCKER-USER"

static const char any_of_ours[] = NETWORK_INTERFACE_PREFIX "+";
static const char *const programs[] = { "iptables", "ip6tables" };
static const char *const directions[] = { "-i", "-o" };

static int run_rule(const char *program, const char *what, const char *direction, struct error *err)
{
        const char *const argv[] = { program, "-w", "5", what, CHAIN, direction, any_of_ours, "-j", "ACCEPT", NULL };

        return program_run(argv, "", err);
}

/* Those that are there already are left where they are. */
static int add_rules(const char *program, struct error *err)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(directions); i++) {
                if (run_rule(program, "-C", directions[i], err) < 0)
                        r = run_rule(program, "-I", directions[i], err);
        }
        return r < 0 ? error_wrap(err, "let Docker's firewall pass what is ours") : 0;
}

/* Tables of before nftables are seen by their names alone. */
static bool has_old_tables(const char *program)
{
        char path[48];

        snprintf(path, sizeof path, "/proc/net/%s_names", program[2] == '6' ? "ip6_tables" : "ip_tables");
        return access(path, F_OK) == 0;
}

static bool has_chain(const char *program)
{
        const char *const argv[] = { program, "-w", "5", "-n", "-L", CHAIN, NULL };
        struct error ignored;

        return program_run(argv, "", &ignored) == 0;
}

int firewall_docker_ensure(struct firewall_batch *b, struct error *err)
{
        static const int families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
                int r = firewall_has(b, families[i], "filter", CHAIN, err);

                if (r == 0 && has_old_tables(programs[i]))
                        r = has_chain(programs[i]);
                if (r > 0)
                        r = add_rules(programs[i], err);
                if (r < 0)
                        return r;
        }
        return 0;
}

void firewall_docker_remove(void)
{
        struct error ignored;

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
                if (!has_chain(programs[i]))
                        continue;
                for (size_t k = 0; k < ARRAY_SIZE(directions); k++)
                        run_rule(programs[i], "-D", directions[k], &ignored);
        }
}
