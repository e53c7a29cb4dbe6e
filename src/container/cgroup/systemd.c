/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/systemd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container/cgroup/properties.h"
#include "container/cgroup/unit.h"

#define SERVICE "org.freedesktop.systemd1"
#define MANAGER SERVICE ".Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define PRIVATE_SOCKET "/run/systemd/private"

enum { JOB_TIMEOUT_MS = 30000 };

bool systemd_is_reachable(void)
{
        return access(PRIVATE_SOCKET, W_OK) == 0;
}

/* pid 1's own socket needs no dbus-daemon and no policy, but lets only root in. */
static int connect_system(struct dbus *ret, struct error *err)
{
        if (dbus_open("unix:path=" PRIVATE_SOCKET, false, ret, err) == 0)
                return 0;
        return dbus_open("unix:path=/run/dbus/system_bus_socket", true, ret, err);
}

static int connect_user(struct dbus *ret, struct error *err)
{
        const char *session = getenv("DBUS_SESSION_BUS_ADDRESS"), *runtime = getenv("XDG_RUNTIME_DIR");
        char address[PATH_MAX];
        int r = -ENOENT;

        if (session && *session)
                r = dbus_open(session, true, ret, err);
        if (r < 0 && runtime && *runtime) {
                snprintf(address, sizeof address, "unix:path=%s/systemd/private", runtime);
                r = dbus_open(address, false, ret, err);
        }
        if (r < 0 && runtime && *runtime) {
                snprintf(address, sizeof address, "unix:path=%s/bus", runtime);
                r = dbus_open(address, true, ret, err);
        }
        if (r < 0 && !(session && *session) && !(runtime && *runtime))
                return error_set(err, ENOENT,
                                 "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR tells where your systemd is");
        return r;
}

int systemd_connect(const struct cgroup *cg, struct dbus *ret, struct error *err)
{
        int r = cg->rootless ? connect_user(ret, err) : connect_system(ret, err);

        return r < 0 ? error_wrap(err, "connect to systemd") : 0;
}

static int call_manager(struct dbus *bus, const char *member, const char *signature, const struct buf *body,
                        struct dbus_message *ret, struct error *err)
{
        struct dbus_message call = { .path = MANAGER_PATH,
                                     .interface = MANAGER,
                                     .member = member,
                                     .destination = SERVICE,
                                     .signature = signature,
                                     .body = body->data,
                                     .body_len = body->len };

        return buf_failed(body) ? error_set(err, ENOMEM, "out of memory") : dbus_call(bus, &call, ret, err);
}

/* Reads a string property of an object. */
static int get_string(struct dbus *bus, const char *path, const char *interface, const char *property, char *ret,
                      size_t size, struct error *err)
{
        struct dbus_message call = { .path = path,
                                     .interface = "org.freedesktop.DBus.Properties",
                                     .member = "Get",
                                     .destination = SERVICE,
                                     .signature = "ss" };
        own_dbus_message struct dbus_message reply = {};
        own_buf struct buf body = {};
        struct dbus_reader r = {};
        const char *type, *value;
        size_t len;

        dbus_add_string(&body, interface);
        dbus_add_string(&body, property);
        if (buf_failed(&body))
                return error_set(err, ENOMEM, "out of memory");
        call.body = body.data;
        call.body_len = body.len;
        if (dbus_call(bus, &call, &reply, err) < 0)
                return error_wrap(err, "ask systemd for %s", property);
        r.data = reply.body;
        r.len = reply.body_len;
        type = dbus_read_signature(&r);
        value = type && strcmp(type, "s") == 0 ? dbus_read_string(&r) : NULL;
        len = value ? strlen(value) : size;
        if (len >= size)
                return error_set(err, EPROTO, "ask systemd for %s: unexpected answer", property);
        memcpy(ret, value, len + 1);
        return 0;
}

/* "252.38-1~deb12u1" or "v245" to its first number. 0 if it cannot be had: then only what is very old is used. */
static unsigned version(struct dbus *bus)
{
        char text[256];

        if (get_string(bus, MANAGER_PATH, MANAGER, "Version", text, sizeof text, NULL) < 0)
                return 0;
        return (unsigned)strtoul(text + strcspn(text, "0123456789"), NULL, 10);
}

/* Starts a match on the bus for the signal that ends a job; a peer sends its signals anyway and knows no such call. */
static void subscribe(struct dbus *bus)
{
        struct dbus_message call = { .path = "/org/freedesktop/DBus",
                                     .interface = "org.freedesktop.DBus",
                                     .member = "AddMatch",
                                     .destination = "org.freedesktop.DBus",
                                     .signature = "s" };
        own_dbus_message struct dbus_message reply = {};
        own_buf struct buf body = {};

        dbus_add_string(&body, "type='signal',interface='" MANAGER "',member='JobRemoved',path='" MANAGER_PATH "'");
        call.body = body.data;
        call.body_len = body.len;
        (void)dbus_call(bus, &call, &reply, NULL);
}

struct job {
        const char *path;
        char result[32];
};

/* JobRemoved: number, job, unit, result */
static bool is_job(struct dbus_reader *body, void *userdata)
{
        struct job *job = userdata;
        const char *path, *result;

        dbus_read_u32(body);
        path = dbus_read_string(body);
        dbus_read_string(body);
        result = dbus_read_string(body);
        if (!path || !result || strcmp(path, job->path) != 0)
                return false;
        snprintf(job->result, sizeof job->result, "%s", result);
        return true;
}

/* The reply to a call that starts a job names it; waits until it is removed, and copies its result. */
static int wait_job(struct dbus *bus, const struct dbus_message *reply, struct job *job, struct error *err)
{
        struct dbus_reader r = { .data = reply->body, .len = reply->body_len };

        job->path = dbus_read_string(&r);
        if (!job->path)
                return error_set(err, EPROTO, "systemd named no job");
        return dbus_wait_signal(bus, MANAGER, "JobRemoved", is_job, job, JOB_TIMEOUT_MS, err);
}

static void add_unit_properties(struct buf *b, const struct cgroup *cg, pid_t pid)
{
        char description[512];

        snprintf(description, sizeof description, "holt container %s", cg->scope);
        property_add_string(b, "Description", description);
        if (unit_is_slice(cg->scope)) {
                property_add_string_list(b, "Wants", cg->slice);
        } else {
                property_add_string(b, "Slice", cg->slice);
                property_add_bool(b, "Delegate", true);
        }
        property_add_pid(b, pid);
        /* Some controllers cannot be joined later; so account from the beginning. */
        property_add_bool(b, "MemoryAccounting", true);
        property_add_bool(b, "CPUAccounting", true);
        property_add_bool(b, cg->unified ? "IOAccounting" : "BlockIOAccounting", true);
        property_add_bool(b, "TasksAccounting", true);
        property_add_bool(b, "DefaultDependencies", false);
}

/* The body of StartTransientUnit: name, mode, properties, and no auxiliary units. */
static int start_body(struct buf *b, struct dbus *bus, const struct cgroup *cg, const struct spec *spec, pid_t pid,
                      struct error *err)
{
        struct dbus_array properties;
        int r = 0;

        dbus_add_string(b, cg->scope);
        dbus_add_string(b, "replace");
        properties = dbus_begin_array(b, 8);
        add_unit_properties(b, cg, pid);
        for (size_t i = 0; i < spec->annotations.n && r == 0; i++)
                r = property_add_annotation(b, &spec->annotations.v[i], err);
        if (r == 0)
                r = properties_add_resources(b, cg, &spec->linux_.resources, version(bus), true, err);
        dbus_end_array(b, properties);
        dbus_end_array(b, dbus_begin_array(b, 8));
        return r;
}

static void reset_failed(struct dbus *bus, const struct cgroup *cg)
{
        own_dbus_message struct dbus_message reply = {};
        own_buf struct buf body = {};

        dbus_add_string(&body, cg->scope);
        (void)call_manager(bus, "ResetFailedUnit", "s", &body, &reply, NULL);
}

int systemd_start_unit(struct dbus *bus, const struct cgroup *cg, const struct spec *spec, pid_t pid, struct error *err)
{
        own_dbus_message struct dbus_message reply = {};
        own_buf struct buf body = {};
        struct job job = {};
        struct error local;
        int r;

        subscribe(bus);
        r = start_body(&body, bus, cg, spec, pid, err);
        if (r < 0)
                return r;
        r = call_manager(bus, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, &reply, &local);
        /* What has failed keeps its name until it is forgotten. */
        if (r == -EREMOTEIO && strncmp(local.text, SERVICE ".UnitExists", strlen(SERVICE ".UnitExists")) == 0) {
                reset_failed(bus, cg);
                r = call_manager(bus, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, &reply, &local);
        }
        if (r == 0)
                r = wait_job(bus, &reply, &job, &local);
        if (r < 0)
                return error_set(err, -r, "start systemd unit %s: %s", cg->scope, local.text);
        if (strcmp(job.result, "done") != 0) {
                reset_failed(bus, cg);
                return error_set(err, EIO, "start systemd unit %s: systemd says \"%s\"", cg->scope, job.result);
        }
        return 0;
}

/* Object paths hold letters and digits; other bytes, and a digit in front, are written as _XX. */
static void unit_object_path(const char *unit, char *ret, size_t size)
{
        size_t n = (size_t)snprintf(ret, size, MANAGER_PATH "/unit/");

        for (const char *p = unit; *p && n + 4 < size; p++) {
                bool plain =
                        (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (p > unit && *p >= '0' && *p <= '9');

                n += (size_t)snprintf(ret + n, size - n, plain ? "%c" : "_%02x", (unsigned char)*p);
        }
}

int systemd_unit_cgroup(struct dbus *bus, const struct cgroup *cg, char *ret, struct error *err)
{
        char path[1024];

        unit_object_path(cg->scope, path, sizeof path);
        return get_string(bus, path, unit_is_slice(cg->scope) ? SERVICE ".Slice" : SERVICE ".Scope", "ControlGroup",
                          ret, PATH_MAX, err);
}

int systemd_set_properties(struct cgroup *cg, const struct spec_resources *res, struct error *err)
{
        own_dbus_message struct dbus_message reply = {};
        own_dbus struct dbus bus = { .fd = -1 };
        own_buf struct buf body = {};
        struct dbus_array properties;
        int r = systemd_connect(cg, &bus, err);

        if (r < 0)
                return r;
        dbus_add_string(&body, cg->scope);
        dbus_add_bool(&body, true); /* only until the next boot */
        properties = dbus_begin_array(&body, 8);
        r = properties_add_resources(&body, cg, res, version(&bus), res->n_devices > 0, err);
        dbus_end_array(&body, properties);
        if (r < 0 || body.len == properties.start)
                return r;
        r = call_manager(&bus, "SetUnitProperties", "sba(sv)", &body, &reply, err);
        return r < 0 ? error_wrap(err, "set properties of systemd unit %s", cg->scope) : 0;
}

int systemd_stop_unit(struct dbus *bus, const struct cgroup *cg, struct error *err)
{
        own_dbus_message struct dbus_message reply = {};
        own_buf struct buf body = {};
        struct job job = {};
        struct error local = {};
        int r;

        subscribe(bus);
        dbus_add_string(&body, cg->scope);
        dbus_add_string(&body, "replace");
        r = call_manager(bus, "StopUnit", "ss", &body, &reply, &local);
        if (r == 0)
                r = wait_job(bus, &reply, &job, &local);
        /* systemd removes a scope by itself once its last process is gone. */
        else if (strncmp(local.text, SERVICE ".NoSuchUnit", strlen(SERVICE ".NoSuchUnit")) == 0)
                r = 0;
        reset_failed(bus, cg);
        return r < 0 ? error_set(err, -r, "stop systemd unit %s: %s", cg->scope, local.text) : 0;
}

/* "/payload", or where cgroup_follow() led to; "". */
static const char *path_in_unit(const struct cgroup *cg)
{
        const char *path = cg->n && cg->unified ? cg->h[0].path : NULL, *scope = path ? strstr(path, cg->scope) : NULL;

        return scope ? scope + strlen(cg->scope) : "";
}

int systemd_attach(struct dbus *bus, const struct cgroup *cg, pid_t pid, struct error *err)
{
        own_dbus_message struct dbus_message reply = {};
        own_buf struct buf body = {};
        struct dbus_array pids;
        int r;

        dbus_add_string(&body, cg->scope);
        dbus_add_string(&body, path_in_unit(cg));
        pids = dbus_begin_array(&body, 4);
        dbus_add_u32(&body, (uint32_t)pid);
        dbus_end_array(&body, pids);
        r = call_manager(bus, "AttachProcessesToUnit", "ssau", &body, &reply, err);
        return r < 0 ? error_wrap(err, "have systemd put a process into %s", cg->scope) : 0;
}

int systemd_stop(struct cgroup *cg, struct error *err)
{
        own_dbus struct dbus bus = { .fd = -1 };
        int r = systemd_connect(cg, &bus, err);

        return r < 0 ? r : systemd_stop_unit(&bus, cg, err);
}
