/* SPDX-License-Identifier: Apache-2.0 */
/* An image's configuration and what was asked for become a configuration of the runtime-spec. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "instance/image_user.h"
#include "instance/instance_mounts.h"
#include "instance/instance_trees.h"
#include "instance/options.h"
#include "instance/selinux.h"
#include "oci/image_config.h"

struct image_spec {
        const struct image_config *image;
        const struct instance_options *options; /* settled */
        const struct image_user *user;          /* with the groups of --group-add */
        void (*warn)(const char *text);         /* told of what stops nothing */
        const char *id;
        const char *hostname;
        const char *directory; /* the instance's own */
        /* Of a machine: takes what it has of the host (vm_shares.h). NULL: that is mounted from its paths. */
        struct instance_trees *shares;
        const char *files; /* the directory that has resolv.conf, hosts and hostname */
        /* Of one that is only looked at: its volumes; and nothing is made on the host. NULL: `files` says which. */
        const struct instance_mounts *planned;
        const char *init; /* the file of holt-init, for --init */

        /* The network namespace to join; NULL: a new one with nothing in it, or the host's own. */
        const char *netns_path;
        bool host_network;
        bool in_guest; /* of a machine: cgroup2 is all there is, whatever this host has */

        /* For --pid and --ipc container:NAME: the namespaces of that instance, such as "/proc/7/ns/pid". */
        const char *pid_path, *ipc_path;
        const char *user_path; /* its own user namespace; NULL: none, or for an explanation */
        const char *ipc_shm;   /* what to bind at /dev/shm (shared_memory.h); NULL: one of its own */

        const struct selinux_labels *selinux; /* NULL: the host has no SELinux */
        const char *apparmor;                 /* the default profile, where AppArmor is and has it; NULL */
        bool is_guest;                        /* of a machine: the host's processors and disks are not there */
        bool one_id;                          /* the user namespace has but one id, and groups cannot be changed */
        bool by_systemd;                      /* its cgroup is a scope of the user's systemd */
        bool no_limits;  /* no cgroup can be had that limits anything: what was asked for is warned of */
        bool own_cgroup; /* its cgroup stands by ours (cgroup.h), if we may make one at all; else below /holt */
};

/* Appends the JSON. -EINVAL when there is nothing to run, or a flag is not understood. */
int image_spec_write(const struct image_spec *s, struct buf *out, struct error *err);
