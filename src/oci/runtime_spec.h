/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime-spec's config.json as a struct (opencontainers/runtime-spec 1.2,
 * config.md and config-linux.md; the Linux parts).
 *
 * Names in the document become the kernel's own values where the kernel has one
 * (CLONE_NEW*, RLIMIT_*, SCHED_*, SECCOMP_RET_*, capability masks), so that nobody
 * behind the parser compares strings. All strings live as long as the spec: they
 * belong to its JSON tree or its arena. An absent string is NULL, an absent array
 * has n == 0, an absent object is a NULL pointer, an absent number has set == false.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "sys/user_namespace.h"

struct json_object;

/* The newest version of the runtime-spec that is known here. */
#define OCI_SPEC_VERSION "1.2.1"

struct opt_i64 {
        bool set;
        int64_t v;
};

struct opt_u64 {
        bool set;
        uint64_t v;
};

struct opt_bool {
        bool set;
        bool v;
};

struct str_list { /* v[n] is NULL: usable as argv */
        size_t n;
        const char **v;
};

struct str_pair {
        const char *key, *value;
};

struct str_map {
        size_t n;
        struct str_pair *v;
};

/* process.capabilities: bit i is capability i of capability.h. Absent: all sets empty. */
struct spec_caps {
        uint64_t bounding, effective, inheritable, permitted, ambient;
};

struct spec_rlimit {
        int resource; /* RLIMIT_* */
        uint64_t soft, hard;
};

struct spec_scheduler {
        uint32_t policy; /* SCHED_* */
        int32_t nice;
        uint32_t priority;
        uint64_t flags;                     /* SCHED_FLAG_* */
        uint64_t runtime, deadline, period; /* ns */
};

struct spec_process {
        bool terminal;
        unsigned short console_width, console_height; /* 0: not given */
        uint32_t uid, gid;
        struct opt_u64 umask;
        size_t n_additional_gids;
        gid_t *additional_gids;
        struct str_list args, env;
        const char *cwd;
        bool has_caps;
        struct spec_caps caps;
        size_t n_rlimits;
        struct spec_rlimit *rlimits;
        bool no_new_privileges;
        const char *apparmor_profile, *selinux_label;
        struct opt_i64 oom_score_adj;
        struct spec_scheduler *scheduler;
        struct opt_u64 io_priority;                            /* as ioprio_set(2) takes it: class << 13 | data */
        const char *cpu_affinity_initial, *cpu_affinity_final; /* cpu lists: "0-3,7" */
        struct json_object *json;                              /* the object it was read from */
};

/*
 * What the entries of mounts[].options mean; what remains is data for the filesystem.
 * An access time mode comes as its bits in attr_set and the whole MOUNT_ATTR__ATIME in
 * attr_clr. The flags of a superblock (sync, dirsync, lazytime, mand) stand in data
 * under the names that fsconfig(2) knows, after the other options. A bind has no data.
 */
struct spec_mount {
        const char *destination, *type, *source;
        uint64_t attr_set, attr_clr;         /* MOUNT_ATTR_* */
        uint64_t rec_attr_set, rec_attr_clr; /* the same, recursively (rro, rnosuid ...) */
        unsigned long propagation;           /* MS_SHARED, MS_SLAVE, ... with MS_REC; 0: leave */
        bool bind, bind_recursive;           /* also by type "bind" */
        bool remount;
        bool tmpcopyup;
        bool idmap, idmap_recursive; /* "idmap"/"ridmap", or mappings below given */
        struct str_list data;        /* filesystem options: "size=64k", "mode=755", "sync" ... */
        struct id_mappings uid_mappings, gid_mappings;
};

static inline bool spec_mount_is_bind(const struct spec_mount *m)
{
        return m->bind || m->bind_recursive;
}

struct spec_hook {
        const char *path;
        struct str_list args, env;
        struct opt_i64 timeout; /* seconds, > 0 */
};

struct spec_hook_list {
        size_t n;
        struct spec_hook *v;
};

struct spec_hooks {
        struct spec_hook_list prestart, create_runtime, create_container, start_container, poststart, poststop;
};

struct spec_namespace {
        int type;         /* CLONE_NEW* */
        const char *path; /* NULL: create a new one */
};

struct spec_device {
        const char *path;
        char type; /* 'c' (also for "u"), 'b' or 'p' */
        int64_t major, minor;
        struct opt_u64 mode; /* permission bits */
        uint32_t uid, gid;
};

struct spec_device_rule {
        bool allow;
        char type;            /* 'a', 'b' or 'c' */
        int64_t major, minor; /* -1: any */
        const char *access;   /* subset of "rwm", never NULL */
};

struct spec_memory { /* bytes; -1: unlimited */
        struct opt_i64 limit, reservation, swap, kernel, kernel_tcp;
        struct opt_u64 swappiness;
        struct opt_bool disable_oom_killer, use_hierarchy, check_before_update;
};

struct spec_cpu {
        struct opt_u64 shares, burst, period, realtime_period; /* us but for shares */
        struct opt_i64 quota, realtime_runtime, idle;
        const char *cpus, *mems;
};

struct spec_blkio_weight_device {
        int64_t major, minor;
        struct opt_u64 weight, leaf_weight;
};

struct spec_blkio_throttle {
        int64_t major, minor;
        uint64_t rate;
};

struct spec_blkio_throttles {
        size_t n;
        struct spec_blkio_throttle *v;
};

struct spec_blkio {
        struct opt_u64 weight, leaf_weight;
        size_t n_weight_devices;
        struct spec_blkio_weight_device *weight_devices;
        struct spec_blkio_throttles read_bps, write_bps, read_iops, write_iops;
};

struct spec_hugepage_limit {
        const char *page_size; /* "2MB" */
        uint64_t limit;        /* bytes */
};

struct spec_rdma {
        const char *device;
        struct opt_u64 hca_handles, hca_objects;
};

struct spec_net_priority {
        const char *name;
        uint32_t priority;
};

struct spec_resources {
        size_t n_devices;
        struct spec_device_rule *devices;
        struct spec_memory memory;
        struct spec_cpu cpu;
        struct opt_i64 pids_limit; /* -1: unlimited */
        struct spec_blkio blkio;
        size_t n_hugepages;
        struct spec_hugepage_limit *hugepages;
        struct opt_u64 net_class_id;
        size_t n_net_priorities;
        struct spec_net_priority *net_priorities;
        size_t n_rdma;
        struct spec_rdma *rdma;
        struct str_map unified;
};

struct spec_seccomp_arg {
        unsigned index;
        uint64_t value, value_two;
        int op; /* enum scmp_compare of libseccomp */
};

struct spec_seccomp_rule {
        struct str_list names;
        uint32_t action; /* SECCOMP_RET_* without data */
        struct opt_u64 errno_ret;
        size_t n_args;
        struct spec_seccomp_arg *args;
};

struct spec_seccomp {
        uint32_t default_action; /* SECCOMP_RET_* without data */
        struct opt_u64 default_errno_ret;
        struct str_list architectures; /* "SCMP_ARCH_X86_64": known names only */
        uint32_t flags;                /* SECCOMP_FILTER_FLAG_*; SPEC_ALLOW when the document has no list */
        const char *listener_path, *listener_metadata;
        size_t n_rules;
        struct spec_seccomp_rule *rules;
        struct json_object *json; /* the object it was read from */
};

struct spec_time_offset {
        bool set;
        int64_t secs;
        uint32_t nanosecs;
};

struct spec_net_device {
        const char *host_name, *name; /* name: NULL to keep the host's */
};

struct spec_linux {
        struct id_mappings uid_mappings, gid_mappings;
        struct str_map sysctl;
        bool has_resources;
        struct spec_resources resources;
        const char *cgroups_path;
        size_t n_namespaces;
        struct spec_namespace *namespaces;
        size_t n_devices;
        struct spec_device *devices;
        size_t n_net_devices;
        struct spec_net_device *net_devices;
        struct spec_seccomp *seccomp;
        unsigned long rootfs_propagation; /* MS_* with MS_REC; 0: not given */
        struct str_list masked_paths, readonly_paths;
        const char *mount_label;
        bool has_intel_rdt;
        bool has_memory_policy;
        bool has_personality;
        unsigned long personality; /* PER_* */
        struct spec_time_offset monotonic, boottime;
};

struct spec {
        const char *oci_version;
        struct spec_process *process; /* NULL: start will refuse */
        const char *root_path;        /* NULL: no root given */
        bool root_readonly;
        const char *hostname, *domainname;
        size_t n_mounts;
        struct spec_mount *mounts;
        struct spec_hooks hooks;
        struct str_map annotations;
        struct spec_linux linux_;

        struct arena arena;
        struct json_object *json;
};

#define own_spec __attribute__((cleanup(spec_finish)))

/*
 * Reads and checks a config.json. Unknown members are ignored as the spec demands,
 * unknown values are refused, and so is what this version knows but cannot give.
 * On failure *ret is empty and needs no spec_finish() (which may be called).
 * ociVersion of any 1.x is accepted.
 */
int spec_parse(const char *text, size_t len, struct spec *ret, struct error *err);
void spec_finish(struct spec *s);

/*
 * Reads a bare process object (exec --process). Its strings and arrays belong to
 * `owner`, which must be empty (zeroed) before; finish it with spec_finish().
 * The result stands in owner->process.
 */
int spec_parse_process(const char *text, size_t len, struct spec *owner, struct error *err);

/* Reads a bare linux.resources object (update --resources) into owner->linux_.resources. */
int spec_parse_resources(const char *text, size_t len, struct spec *owner, struct error *err);

/* The namespace entry of that CLONE_NEW* type, NULL when the spec has none. */
const struct spec_namespace *spec_namespace(const struct spec *s, int type);

/*
 * An annotation of our own, whatever its value: on a host with cgroup v2 alone the container's processes and what it may
 * write are in a cgroup below the one that its limits stand on.
 */
#define SPEC_CGROUP_PAYLOAD "holt.cgroup-payload"

/* An annotation's value, NULL when absent. */
const char *spec_annotation(const struct spec *s, const char *key);

/*
 * Names and values, for parsing flags and for `features`: each table ends with a
 * NULL name.
 */
struct name_value {
        const char *name;
        uint64_t value;
};

extern const struct name_value oci_capabilities[];    /* "CAP_CHOWN" -> 0 ... */
extern const struct name_value oci_rlimits[];         /* "RLIMIT_CPU" -> RLIMIT_CPU */
extern const struct name_value oci_namespaces[];      /* "pid" -> CLONE_NEWPID */
extern const struct name_value oci_seccomp_actions[]; /* "SCMP_ACT_ALLOW" -> SECCOMP_RET_ALLOW */
extern const struct name_value oci_seccomp_ops[];     /* "SCMP_CMP_EQ" -> enum scmp_compare */
extern const struct name_value oci_seccomp_archs[];   /* "SCMP_ARCH_X86_64" -> AUDIT_ARCH-like token of libseccomp */
extern const struct name_value oci_seccomp_flags[];   /* "SECCOMP_FILTER_FLAG_LOG" -> its bit */
/* Names of all mount options that are understood (not handed to the filesystem). */
extern const char *const oci_mount_options[];

/* Looks a name up; true and *ret on success. */
bool name_value_find(const struct name_value *table, const char *name, uint64_t *ret);
