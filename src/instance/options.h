/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked of an instance, in the words of Docker's command line: a flag's value as it was typed. It is kept with
 * the instance, so that each start makes the runtime-spec anew.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

/*
 * FLAG(member), TEXT(member), LIST(member): the member's name with dashes is the flag's. "command" is what stands
 * behind the image, "health-test" what --health-cmd or the image says to run: "CMD" and arguments, or "CMD-SHELL" and a
 * line for the shell; "image-volume" what the image says are volumes.
 */
/* clang-format off */
#define INSTANCE_OPTIONS(FLAG, TEXT, LIST) \
        FLAG(init) FLAG(interactive) FLAG(no_healthcheck) FLAG(no_template) FLAG(oom_kill_disable) FLAG(privileged) FLAG(publish_all) \
        FLAG(read_only) FLAG(read_only_tmpfs) FLAG(rm) FLAG(tty) FLAG(vm) \
        TEXT(blkio_weight) TEXT(cgroup_parent) TEXT(cgroupns) TEXT(cpu_period) TEXT(cpu_quota) TEXT(cpu_shares) \
        TEXT(cpus) TEXT(cpuset_cpus) TEXT(cpuset_mems) TEXT(domainname) TEXT(entrypoint) TEXT(health_cmd) \
        TEXT(health_interval) TEXT(health_retries) TEXT(health_start_interval) TEXT(health_start_period) TEXT(health_timeout) \
        TEXT(hostname) \
        TEXT(ip) TEXT(ip6) TEXT(ipc) TEXT(log_driver) TEXT(mac_address) TEXT(memory) TEXT(memory_reservation) \
        TEXT(memory_swap) TEXT(memory_swappiness) TEXT(name) TEXT(oom_score_adj) TEXT(pid) TEXT(pids_limit) \
        TEXT(platform) TEXT(restart) TEXT(shm_size) TEXT(stop_signal) TEXT(stop_timeout) TEXT(systemd) TEXT(user) \
        TEXT(userns) TEXT(uts) TEXT(workdir) \
        LIST(add_host) LIST(annotation) LIST(blkio_weight_device) LIST(cap_add) LIST(cap_drop) LIST(command) \
        LIST(device) LIST(device_cgroup_rule) LIST(device_read_bps) LIST(device_read_iops) LIST(device_write_bps) \
        LIST(device_write_iops) LIST(dns) LIST(dns_option) LIST(dns_search) LIST(env) LIST(env_file) LIST(expose) \
        LIST(group_add) LIST(health_test) LIST(image_volume) LIST(kernel_arg) LIST(label) LIST(label_file) LIST(log_opt) \
        LIST(mount) LIST(network) LIST(network_alias) LIST(publish) LIST(security_opt) LIST(storage_opt) LIST(sysctl) LIST(tmpfs) \
        LIST(ulimit) LIST(volume) LIST(volumes_from)
/* clang-format on */

/* Absent strings and lists are NULL, lists end with NULL; an entrypoint of "" is not the same as none. */
struct instance_options {
#define MEMBER(m) bool m;
#define NOTHING(m)
        INSTANCE_OPTIONS(MEMBER, NOTHING, NOTHING)
#undef MEMBER
#define MEMBER(m) const char *m;
        INSTANCE_OPTIONS(NOTHING, MEMBER, NOTHING)
#undef MEMBER
#define MEMBER(m) const char *const *m;
        INSTANCE_OPTIONS(NOTHING, NOTHING, MEMBER)
#undef MEMBER
#undef NOTHING
        struct arena arena; /* owns lists and strings */
};

#define own_instance_options __attribute__((cleanup(instance_options_finish)))
void instance_options_finish(struct instance_options *o);

enum option_kind { OPTION_KIND_FLAG, OPTION_KIND_TEXT, OPTION_KIND_LIST };

struct option_member {
        const char *name; /* "cap_add" */
        enum option_kind kind;
        size_t offset;
};

/* By "cap-add" or "cap_add"; NULL: no such member. */
const struct option_member *instance_option_find(const char *name);

/* One after the other, NULL being before the first and behind the last. */
const struct option_member *instance_option_next(const struct option_member *m);

/* Copies the value; for a flag, "true" and "" set it, "false" takes it back. -ENOMEM. */
int instance_option_set(struct instance_options *o, const struct option_member *m, const char *value);
/* Copies n strings in the place of what the list had. */
int instance_option_set_list(struct instance_options *o, const struct option_member *m, const char *const *values,
                             size_t n);

/*
 * What depends on where the command was typed is settled: NAME of --env gets its value from the environment (or goes),
 * the files of --env-file and --label-file become env and label, relative paths of volumes and seccomp profiles become
 * absolute.
 */
int instance_options_settle(struct instance_options *o, struct error *err);

/* As an object: what is set. And back; the names that are not known are an error. */
void instance_options_write(const struct instance_options *o, struct json_writer *w, const char *key);
int instance_options_read(struct json_object *obj, struct instance_options *ret, struct error *err);
