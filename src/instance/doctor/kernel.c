/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/own.h"
#include "instance/doctor/checks.h"

/* mount_setattr(2) is the youngest of what a start cannot do without. */
enum { NEEDED_MAJOR = 5, NEEDED_MINOR = 12 };

static void check_version(const struct doctor_host *h, struct doctor_findings *f)
{
        unsigned major = 0, minor = 0;
        char release[128] = "";
        bool old;

        (void)host_read(h, "/proc/sys/kernel/osrelease", release, sizeof release);
        old = sscanf(release, "%u.%u", &major, &minor) == 2 &&
              (major < NEEDED_MAJOR || (major == NEEDED_MAJOR && minor < NEEDED_MINOR));
        doctor_addf(f,
                    (struct doctor_finding){ .group = "kernel",
                                             .check = "version",
                                             .level = old ? DOCTOR_PROBLEM : DOCTOR_OK,
                                             .why = old ? "containers need Linux 5.12 or newer" : NULL },
                    "Linux %s", release);
}

static void check_namespaces(const struct doctor_host *h, struct doctor_findings *f)
{
        static const struct {
                const char *name;
                bool essential;
        } kinds[] = { { "mnt", true }, { "pid", true },     { "ipc", true },  { "uts", true },
                      { "net", true }, { "cgroup", false }, { "user", false } };
        char path[64];
        size_t missing = 0;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i].name);
                if (host_has(h, path))
                        continue;
                missing++;
                doctor_addf(
                        f,
                        (struct doctor_finding){ .group = "kernel",
                                                 .check = "namespaces",
                                                 .level = kinds[i].essential ? DOCTOR_PROBLEM : DOCTOR_WARNING,
                                                 .why = "the kernel was built without what keeps containers apart" },
                        "no %s namespaces", kinds[i].name);
        }
        if (!missing)
                doctor_add(f, &(struct doctor_finding){
                                      .group = "kernel", .check = "namespaces", .text = "all kinds of namespaces" });
}

void doctor_check_kernel(const struct doctor_host *h, struct doctor_findings *f)
{
        check_version(h, f);
        check_namespaces(h, f);
}
