/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* In a network namespace that this process enters, and a user namespace if it has no rights: 0 or -errno. */
int network_try_link(const char *kind); /* "bridge", "veth" */
int network_try_nftables(void);
