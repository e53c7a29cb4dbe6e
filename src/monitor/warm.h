/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine that is nobody's and has been through what each start does: it has loaded the template and run something once
 * (rehearsal.h), forgotten it, and is stopped. What QEMU has translated by then it need not translate again, which is
 * most of what a start costs without hardware that helps. The first one is kept as the image of a process (thaw.c), from
 * which the others begin.
 */
#pragma once

#include "monitor/monitor.h"

/*
 * With nothing of the job that it is like, whose processors and memory it has. name: what its cgroup is called, beside the
 * job's. MONITOR_PLACE is its directory; m->job is only good until we return.
 */
int warm_make(struct monitor *m, const struct monitor_job *like, const char *key, const char *name, struct error *err);
