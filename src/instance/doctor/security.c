/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "instance/doctor/checks.h"

static void check_seccomp(const struct doctor_host *h, struct doctor_findings *f)
{
        bool fine = host_has(h, "/proc/sys/kernel/seccomp/actions_avail");

        doctor_add(f,
                   &(struct doctor_finding){
                           .group = "security",
                           .check = "seccomp",
                           .level = fine ? DOCTOR_OK : DOCTOR_WARNING,
                           .text = fine ? "system calls are filtered (seccomp)" : "the kernel has no seccomp filters",
                           .why = fine ? NULL : "containers may use all system calls, also those they never need" });
}

static void check_modules(const struct doctor_host *h, struct doctor_findings *f)
{
        char enabled[8] = "";
        bool apparmor =
                host_read(h, "/sys/module/apparmor/parameters/enabled", enabled, sizeof enabled) > 0 && *enabled == 'Y';
        int64_t selinux = host_number(h, "/sys/fs/selinux/enforce", -1);

        static const struct host_package package = { "apparmor", "apparmor-parser", "apparmor", "apparmor" };
        char mend[96];
        bool lacks_parser = apparmor && selinux < 0 && h->uid == 0 && !host_has_program(h, "apparmor_parser");

        host_install(h, &package, mend, sizeof mend);
        doctor_add(f, &(struct doctor_finding){
                              .group = "security",
                              .check = "lsm",
                              .level = lacks_parser ? DOCTOR_WARNING : DOCTOR_OK,
                              .text = selinux == 1   ? "SELinux is enforcing: volumes may need :z or :Z"
                                      : selinux == 0 ? "SELinux only tells (permissive)"
                                      : lacks_parser ? "AppArmor is there, and apparmor_parser is not"
                                      : apparmor     ? "AppArmor is there"
                                                     : "neither AppArmor nor SELinux: capabilities, seccomp and "
                                                       "namespaces keep containers in",
                              .why = lacks_parser ? "instances run without a profile" : NULL,
                              .mend = lacks_parser ? mend : NULL });
}

/* Certificates are refused and images seem to come from the future. */
static void check_clock(const struct doctor_host *h, struct doctor_findings *f)
{
        bool kept = h->attempt(h, TRIAL_CLOCK) != -ENODATA;

        doctor_add(f, &(struct doctor_finding){
                              .group = "security",
                              .check = "clock",
                              .level = kept ? DOCTOR_OK : DOCTOR_WARNING,
                              .text = kept ? "the clock is kept right" : "nobody keeps the clock right",
                              .why = kept ? NULL : "registries' certificates are refused when it goes wrong",
                              .mend = kept ? NULL : "timedatectl set-ntp true" });
}

void doctor_check_security(const struct doctor_host *h, struct doctor_findings *f)
{
        check_seccomp(h, f);
        check_modules(h, f);
        check_clock(h, f);
}
