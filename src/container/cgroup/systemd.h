/* SPDX-License-Identifier: Apache-2.0 */
/* The unit of a container: what is asked of systemd over D-Bus. */
#pragma once

#include "container/cgroup.h"
#include "sys/dbus.h"

/* Gives the running unit the properties that say the same as the resources, so that systemd does not undo them. */
int systemd_set_properties(struct cgroup *cg, const struct spec_resources *res, struct error *err);

/* Stops the unit and forgets it if it has failed; a unit that is gone is no error. */
int systemd_stop(struct cgroup *cg, struct error *err);

/* Whether we may talk to pid 1's own socket. */
bool systemd_is_reachable(void);

/*
 * Connects to the systemd in charge: pid 1's own socket or the system bus; rootless the user's.
 * systemd_start_unit() and others take the connection, for tests with a server of their own.
 */
int systemd_connect(const struct cgroup *cg, struct dbus *ret, struct error *err);

/* StartTransientUnit with the process in it, and waits until the job is done. */
int systemd_start_unit(struct dbus *bus, const struct cgroup *cg, const struct spec *spec, pid_t pid,
                       struct error *err);

/* The unit's cgroup: "/system.slice/runc-web.scope". ret has room for PATH_MAX bytes. */
int systemd_unit_cgroup(struct dbus *bus, const struct cgroup *cg, char *ret, struct error *err);

/* AttachProcessesToUnit (systemd 238): also of a process that we may not move ourselves. */
int systemd_attach(struct dbus *bus, const struct cgroup *cg, pid_t pid, struct error *err);

/* systemd_stop() on a connection. */
int systemd_stop_unit(struct dbus *bus, const struct cgroup *cg, struct error *err);
