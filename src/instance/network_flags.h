/* SPDX-License-Identifier: Apache-2.0 */
/* --network and the flags beside it, taken apart. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "instance/options.h"
#include "net/address.h"

enum network_mode {
        NETWORK_MODE_NONE,
        NETWORK_MODE_HOST,
        NETWORK_MODE_CONTAINER, /* another instance's */
        NETWORK_MODE_PASTA,     /* an ordinary user's */
        NETWORK_MODE_BRIDGES,
};

struct network_flag {
        const char *name;
        const char *const *aliases; /* never NULL */
        struct ip ip4, ip6;
        bool has_mac;
        uint8_t mac[MAC_SIZE];
};

struct network_flags {
        enum network_mode mode;
        const char *container;  /* whose namespace */
        struct network_flag *v; /* NETWORK_MODE_BRIDGES */
        size_t n;
        struct arena arena;
};

#define own_network_flags __attribute__((cleanup(network_flags_finish)))
void network_flags_finish(struct network_flags *f);

/* is_root: the default network is a bridge, else pasta. -EINVAL. */
int network_flags_read(const struct instance_options *o, bool is_root, struct network_flags *ret, struct error *err);

/* One value of --network: "NAME" or "name=NAME,alias=A,ip=IP,ip6=IP,mac-address=MAC"; strings are the arena's. */
int network_flag_read(const char *text, struct arena *a, struct network_flag *ret, struct error *err);

/* The same as text again, malloc'ed; NULL: out of memory. */
char *network_flag_write(const struct network_flag *f);
