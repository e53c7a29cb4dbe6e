/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "instance/doctor/checks.h"

#define TOP "/sys/fs/cgroup"

/* What systemd gives to a user. */
static const char delegate[] =
        "mkdir -p /etc/systemd/system/user@.service.d && printf '[Service]\\nDelegate=cpu cpuset io memory "
        "pids\\n' >/etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload";

enum layout { LAYOUT_NONE, LAYOUT_UNIFIED, LAYOUT_HYBRID, LAYOUT_LEGACY };

static enum layout find_layout(const struct doctor_host *h)
{
        if (host_has(h, TOP "/cgroup.controllers"))
                return LAYOUT_UNIFIED;
        if (host_has(h, TOP "/unified/cgroup.controllers"))
                return LAYOUT_HYBRID;
        return host_has(h, TOP "/memory") || host_has(h, TOP "/systemd") ? LAYOUT_LEGACY : LAYOUT_NONE;
}

static void check_layout(struct doctor_findings *f, enum layout layout)
{
        static const char *const texts[] = {
                [LAYOUT_NONE] = "no cgroups are mounted at " TOP,
                [LAYOUT_UNIFIED] = "cgroup v2",
                [LAYOUT_HYBRID] = "hybrid: limits by cgroup v1, ends and freezing by v2",
                [LAYOUT_LEGACY] = "cgroup v1",
        };
        bool none = layout == LAYOUT_NONE;

        doctor_add(f, &(struct doctor_finding){ .group = "cgroups",
                                                .check = "layout",
                                                .level = none ? DOCTOR_PROBLEM : DOCTOR_OK,
                                                .text = texts[layout],
                                                .why = none ? "nothing limits or ends what runs in a container" : NULL,
                                                .mend = none ? "mount -t cgroup2 cgroup2 " TOP : NULL });
}

/* Where the limits of who asks are made: an ordinary user's are below what systemd gave him. */
static bool read_controllers(const struct doctor_host *h, char *text, size_t size)
{
        char path[160];

        snprintf(path, sizeof path, TOP "/user.slice/user-%u.slice/user@%u.service/cgroup.controllers",
                 (unsigned)h->uid, (unsigned)h->uid);
        return host_read(h, h->uid ? path : TOP "/cgroup.controllers", text, size) >= 0;
}

static bool has_controller(const struct doctor_host *h, enum layout layout, const char *controllers, const char *name)
{
        char path[64];

        if (layout == LAYOUT_UNIFIED)
                return host_has_word(controllers, name);
        snprintf(path, sizeof path, TOP "/%s", strcmp(name, "io") == 0 ? "blkio" : name);
        return host_has(h, path);
}

static void add_missing(const struct doctor_host *h, struct doctor_findings *f, enum layout layout, const char *name,
                        const char *why)
{
        bool delegated = h->uid && layout == LAYOUT_UNIFIED, memory = strcmp(name, "memory") == 0;

        doctor_addf(f,
                    (struct doctor_finding){ .group = "cgroups",
                                             .check = name,
                                             .level = DOCTOR_WARNING,
                                             .why = why,
                                             .mend = delegated ? delegate
                                                     : memory  ? "add cgroup_enable=memory to the kernel's command "
                                                                 "line, and boot"
                                                               : NULL },
                    delegated ? "no %s controller for user %s" : "no %s controller", name, h->user);
}

static void check_controllers(const struct doctor_host *h, struct doctor_findings *f, enum layout layout)
{
        static const struct {
                const char *name, *why;
        } wanted[] = {
                { "memory", "limits of memory (-m) do not hold, and one container can take all there is" },
                { "pids", "limits of processes (--pids-limit) do not hold, and a fork bomb takes the host" },
                { "cpu", "shares and quotas of the processors (--cpus) do not hold" },
                { "cpuset", "containers cannot be kept to some processors (--cpuset-cpus)" },
                { "io", "limits of block I/O (--device-read-bps) do not hold" },
        };
        char controllers[512] = "";
        size_t missing = 0;

        if (layout == LAYOUT_UNIFIED)
                (void)read_controllers(h, controllers, sizeof controllers);
        for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
                if (has_controller(h, layout, controllers, wanted[i].name))
                        continue;
                add_missing(h, f, layout, wanted[i].name, wanted[i].why);
                missing++;
        }
        if (!missing)
                doctor_add(f, &(struct doctor_finding){ .group = "cgroups",
                                                        .check = "controllers",
                                                        .text = "cpu, cpuset, io, memory and pids can be limited" });
}

static bool check_making(const struct doctor_host *h, struct doctor_findings *f, enum layout layout)
{
        static const char boot[] = "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line, and boot";
        int r = h->attempt(h, TRIAL_CGROUP);

        if (r == 0) {
                doctor_add(f, &(struct doctor_finding){ .group = "cgroups", .check = "make", .text = "can be made" });
                return true;
        }
        doctor_addf(f,
                    (struct doctor_finding){ .group = "cgroups",
                                             .check = "make",
                                             .level = h->uid ? DOCTOR_WARNING : DOCTOR_PROBLEM,
                                             .why = h->uid ? "no limits hold for this user's containers"
                                                           : "no container can be started",
                                             .mend = !h->uid                    ? "mount -o remount,rw " TOP
                                                     : layout == LAYOUT_UNIFIED ? delegate
                                                                                : boot },
                    "cannot be made: %s", strerror(-r));
        return false;
}

static void check_pressure(const struct doctor_host *h, struct doctor_findings *f)
{
        bool there = host_has(h, "/proc/pressure/memory");

        doctor_add(f, &(struct doctor_finding){
                              .group = "cgroups",
                              .check = "pressure",
                              .level = there ? DOCTOR_OK : DOCTOR_WARNING,
                              .text = there ? "the kernel measures pressure (PSI)"
                                            : "the kernel does not measure pressure (PSI)",
                              .why = there ? NULL : "holt stats cannot show who waits for memory, I/O or a processor",
                              .mend = there ? NULL : "add psi=1 to the kernel's command line, and boot" });
}

void doctor_check_cgroups(const struct doctor_host *h, struct doctor_findings *f)
{
        enum layout layout = find_layout(h);

        check_layout(f, layout);
        if (layout == LAYOUT_NONE)
                return;
        if (check_making(h, f, layout))
                check_controllers(h, f, layout);
        check_pressure(h, f);
}
