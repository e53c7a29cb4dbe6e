/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "instance/doctor/checks.h"

static const struct {
        const char *check, *path, *name;
        int64_t enough, better;
        const char *why;
} limits[] = {
        { "inotify_instances", "/proc/sys/fs/inotify/max_user_instances", "fs.inotify.max_user_instances", 256, 1024,
          "each systemd in a container takes several: after some dozens nothing starts" },
        { "inotify_watches", "/proc/sys/fs/inotify/max_user_watches", "fs.inotify.max_user_watches", 32768, 524288,
          "programs that watch files fail with \"no space left on device\"" },
        { "keys", "/proc/sys/kernel/keys/maxkeys", "kernel.keys.maxkeys", 200, 2000,
          "each container has a keyring: an ordinary user's do not start after some hundreds" },
        { "pid_max", "/proc/sys/kernel/pid_max", "kernel.pid_max", 32768, 4194304,
          "there are too few numbers for the processes of many containers" },
};

static void check_limit(const struct doctor_host *h, struct doctor_findings *f, size_t i)
{
        int64_t value = host_number(h, limits[i].path, -1);
        bool low = value >= 0 && value < limits[i].enough;
        char mend[256];

        if (value < 0)
                return;
        snprintf(mend, sizeof mend,
                 "printf '%s = %" PRId64
                 "\\n' >/etc/sysctl.d/60-holt-%s.conf && sysctl -p /etc/sysctl.d/60-holt-%s.conf",
                 limits[i].name, limits[i].better, limits[i].check, limits[i].check);
        doctor_addf(f,
                    (struct doctor_finding){ .group = "limits",
                                             .check = limits[i].check,
                                             .level = low ? DOCTOR_WARNING : DOCTOR_OK,
                                             .why = low ? limits[i].why : NULL,
                                             .mend = low ? mend : NULL,
                                             .safe = low },
                    "%s is %" PRId64, limits[i].name, value);
}

void doctor_check_limits(const struct doctor_host *h, struct doctor_findings *f)
{
        for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
                check_limit(h, f, i);
}
