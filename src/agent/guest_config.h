/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest is told to be. CONFIGURE's JSON:
 *
 *   hostname    string
 *   machineId   32 hexadecimal digits: for /etc/machine-id, if what is written has none yet
 *   time        nanoseconds since 1970
 *   entropy     hexadecimal digits of up to 64 bytes
 *   layers      array of numbers of sectors of 512 bytes, the lowest layer first: the first disk is these EROFS images,
 *               one behind the other
 *   modules     number of sectors: behind the layers there is one more image, of what is /lib/modules elsewhere
 *   disk        true: the second disk is an ext4 file system for what is written; otherwise that is kept in memory
 *   interfaces  array of {mac, name, mtu, addresses: ["10.88.0.2/16"], gateways: ["10.88.0.1"]}: for the guest's in
 * their order files       array of {path, mode, content}: written below /run/holt/files, where the runtime-spec's
 * mounts find them; mode in decimal, 0644 without it
 *   shares      true: the host serves directories over the port holt.share
 *   filters     array of {path, content}: compiled seccomp filters (container/seccomp.h, seccomp_export()), content in
 *               base 64; to compile Docker's takes a guest without hardware that helps 0.1 s
 *
 * Whatever is missing is left as it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "net/address.h"

enum { GUEST_MAX_ENTROPY = 64, GUEST_MAX_LAYERS = 255, GUEST_MAX_INTERFACES = 16, GUEST_MAX_ADDRESSES = 64 };

struct guest_address {
        struct ip ip;
        unsigned bits;
};

struct guest_interface {
        const char *name; /* NULL: as it is */
        bool has_mac;
        uint8_t mac[MAC_SIZE];
        uint32_t mtu; /* 0: the usual */
        struct guest_address *addresses;
        size_t n_addresses;
        struct guest_address *routes; /* what is on the link beside the addresses' networks */
        size_t n_routes;
        struct ip *gateways;
        size_t n_gateways;
};

struct guest_file {
        const char *path; /* relative, and without ".."; of a filter without a slash, too */
        uint32_t mode;
        const char *content;
};

struct guest_config {
        const char *hostname;   /* NULL */
        const char *machine_id; /* NULL */
        uint64_t time;          /* 0 */
        unsigned char entropy[GUEST_MAX_ENTROPY];
        size_t n_entropy;
        uint64_t *layers;
        size_t n_layers;
        uint64_t modules; /* sectors; 0: none */
        bool has_disk, has_shares;
        struct guest_interface *interfaces;
        size_t n_interfaces;
        struct guest_file *files;
        size_t n_files;
        struct guest_file *filters; /* content: base 64 */
        size_t n_filters;
        struct guest_file *sysctls; /* below /proc/sys */
        size_t n_sysctls;

        struct json_object *json; /* owns the strings */
        struct arena arena;
};

#define own_guest_config __attribute__((cleanup(guest_config_finish)))
void guest_config_finish(struct guest_config *c);

/* -EINVAL names what makes no sense. */
int guest_config_read(const char *text, size_t len, struct guest_config *ret, struct error *err);
