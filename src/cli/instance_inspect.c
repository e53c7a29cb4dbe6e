/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_inspect.h"
#include "cli/label_map.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/parse.h"
#include "cli/inspect_config.h"
#include "cli/port_bindings.h"
#include "instance/backend.h"
#include "instance/instance_mounts.h"
#include "instance/instance_network.h"
#include "sys/fd.h"

enum { MAX_HEALTH = 1 << 18, NS = 1000000000, MAX_TIME = 40 };

static void write_time(struct json_writer *w, const char *key, int64_t ns)
{
        time_t seconds = ns / NS;
        char text[MAX_TIME], whole[MAX_TIME + 16];
        struct tm tm;

        if (!ns) {
                json_write_string(w, key, "0001-01-01T00:00:00Z");
                return;
        }
        gmtime_r(&seconds, &tm);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(whole, sizeof whole, "%s.%09dZ", text, (int)(ns % NS));
        json_write_string(w, key, whole);
}

static void write_list(struct json_writer *w, const char *key, const char *const *list)
{
        if (!list) {
                json_write_raw(w, key, "null");
                return;
        }
        json_begin_array(w, key);
        for (; *list; list++)
                json_write_string(w, NULL, *list);
        json_end_array(w);
}

static void write_text(struct json_writer *w, const char *key, const char *value, const char *absent)
{
        json_write_string(w, key, value ? value : absent);
}

static void write_size(struct json_writer *w, const char *key, const char *value)
{
        int64_t n = 0;

        if (value)
                parse_size(value, &n);
        json_write_i64(w, key, n);
}

static void write_number(struct json_writer *w, const char *key, const char *value)
{
        int64_t n = 0;

        if (value)
                parse_i64(value, &n);
        json_write_i64(w, key, n);
}

/* ---- parts ---- */

/* As the shim writes it down, with what the last checks said; before the first it has nothing to say. */
static void write_health(struct engine *e, const struct instance *i, struct json_writer *w)
{
        own_json struct json_object *known = NULL;
        own_buf struct buf path = {}, text = {};
        own_fd int fd = -1;

        buf_addf(&path, "%s/instances/%s/health", e->run, i->id);
        fd = open(buf_str(&path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && fd_read_all(fd, MAX_HEALTH, &text) == 0 &&
            json_parse(buf_str(&text), text.len, &known, NULL) == 0) {
                json_write_value(w, "Health", known);
                return;
        }
        json_begin_object(w, "Health");
        json_write_string(w, "Status", instance_health_name(i->state.health));
        json_write_u64(w, "FailingStreak", i->state.health_failures);
        json_end_object(w);
}

static void write_state(struct engine *e, struct json_writer *w, const struct instance *i)
{
        const struct instance_state *s = &i->state;

        json_begin_object(w, "State");
        json_write_string(w, "Status", s->status == INSTANCE_STOPPING ? "running" : instance_status_name(s->status));
        json_write_bool(w, "Running", instance_is_running(i));
        json_write_bool(w, "Paused", s->status == INSTANCE_PAUSED);
        json_write_bool(w, "Restarting", s->status == INSTANCE_RESTARTING);
        json_write_bool(w, "OOMKilled", s->oom_killed);
        json_write_bool(w, "Dead", false);
        json_write_i64(w, "Pid", s->pid);
        json_write_i64(w, "ExitCode", s->exit_code);
        json_write_string(w, "Error", s->error);
        write_time(w, "StartedAt", s->started);
        write_time(w, "FinishedAt", s->finished);
        if (s->health != HEALTH_NONE)
                write_health(e, i, w);
        json_end_object(w);
}

/* "on-failure:3" */
static void write_restart(struct json_writer *w, const char *policy)
{
        const char *colon = strchrnul(policy, ':');
        own_mem char *name = strndup(policy, (size_t)(colon - policy));

        json_begin_object(w, "RestartPolicy");
        json_write_string(w, "Name", name ? name : "");
        write_number(w, "MaximumRetryCount", *colon ? colon + 1 : NULL);
        json_end_object(w);
}

static void write_limits(struct json_writer *w, const struct instance_options *o)
{
        write_number(w, "CpuShares", o->cpu_shares);
        write_size(w, "Memory", o->memory);
        json_write_i64(w, "NanoCpus", o->cpus ? (int64_t)(strtod(o->cpus, NULL) * 1e9) : 0);
        write_text(w, "CgroupParent", o->cgroup_parent, "");
        write_number(w, "BlkioWeight", o->blkio_weight);
        write_number(w, "CpuPeriod", o->cpu_period);
        write_number(w, "CpuQuota", o->cpu_quota);
        write_text(w, "CpusetCpus", o->cpuset_cpus, "");
        write_text(w, "CpusetMems", o->cpuset_mems, "");
        write_size(w, "MemoryReservation", o->memory_reservation);
        write_size(w, "MemorySwap", o->memory_swap);
        json_write_bool(w, "OomKillDisable", o->oom_kill_disable);
        write_number(w, "PidsLimit", o->pids_limit);
        write_list(w, "Ulimits", o->ulimit);
}

static void write_host_config(struct json_writer *w, const struct instance *i)
{
        const struct instance_options *o = &i->options;

        json_begin_object(w, "HostConfig");
        write_list(w, "Binds", o->volume);
        json_begin_object(w, "LogConfig");
        write_text(w, "Type", o->log_driver, "json-file");
        label_map_write(w, "Config", o->log_opt);
        json_end_object(w);
        write_text(w, "NetworkMode", o->network ? o->network[0] : NULL, "default");
        write_restart(w, o->restart ? o->restart : "no");
        json_write_bool(w, "AutoRemove", o->rm);
        write_list(w, "VolumesFrom", o->volumes_from);
        write_list(w, "CapAdd", o->cap_add);
        write_list(w, "CapDrop", o->cap_drop);
        write_text(w, "CgroupnsMode", o->cgroupns, "private");
        write_list(w, "Dns", o->dns);
        write_list(w, "DnsOptions", o->dns_option);
        write_list(w, "DnsSearch", o->dns_search);
        write_list(w, "ExtraHosts", o->add_host);
        write_list(w, "GroupAdd", o->group_add);
        write_text(w, "IpcMode", o->ipc, "private");
        write_number(w, "OomScoreAdj", o->oom_score_adj);
        write_text(w, "PidMode", o->pid, "");
        port_bindings_write(w, o->publish);
        json_write_bool(w, "Privileged", o->privileged);
        json_write_bool(w, "PublishAllPorts", o->publish_all);
        json_write_bool(w, "ReadonlyRootfs", o->read_only);
        write_list(w, "SecurityOpt", o->security_opt);
        write_text(w, "UTSMode", o->uts, "");
        write_text(w, "UsernsMode", o->userns, "");
        write_size(w, "ShmSize", o->shm_size ? o->shm_size : "64m");
        label_map_write(w, "Sysctls", o->sysctl);
        write_list(w, "Devices", o->device);
        write_list(w, "Tmpfs", o->tmpfs);
        json_write_bool(w, "Init", o->init);
        json_write_string(w, "Isolation", i->backend->name);
        write_limits(w, o);
        json_end_object(w);
}

static void write_path(struct json_writer *w, const char *key, const struct instance *i, const char *name)
{
        own_buf struct buf path = {};

        buf_addf(&path, "%s/%s", i->path, name);
        json_write_string(w, key, buf_str(&path));
}

void instance_inspect(struct engine *e, const struct instance *i, struct json_writer *w)
{
        own_buf struct buf name = {};
        struct error ignored;

        buf_addf(&name, "/%s", i->name);
        json_begin_object(w, NULL);
        json_write_string(w, "Id", i->id);
        write_time(w, "Created", i->created);
        json_write_string(w, "Path", i->args[0] ? i->args[0] : "");
        write_list(w, "Args", i->args[0] ? i->args + 1 : i->args);
        write_state(e, w, i);
        json_write_string(w, "Image", i->image.text);
        write_path(w, "ResolvConfPath", i, "resolv.conf");
        write_path(w, "HostnamePath", i, "hostname");
        write_path(w, "HostsPath", i, "hosts");
        write_path(w, "LogPath", i, "log");
        json_write_string(w, "Name", buf_str(&name));
        json_write_u64(w, "RestartCount", i->state.restarts);
        json_write_string(w, "Driver", "erofs");
        json_write_string(w, "Platform", "linux");
        write_host_config(w, i);
        json_begin_object(w, "GraphDriver");
        json_write_string(w, "Name", "erofs");
        json_begin_object(w, "Data");
        write_path(w, "UpperDir", i, "upper");
        json_end_object(w);
        json_end_object(w);
        if (instance_mounts_describe(i, w, "Mounts", &ignored) < 0)
                json_write_raw(w, "Mounts", "[]");
        inspect_config(e, i, w);
        instance_network_describe(e, i, w, "NetworkSettings");
        json_end_object(w);
}
