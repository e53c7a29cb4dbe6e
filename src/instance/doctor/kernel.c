/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "instance/doctor/checks.h"

/* mount_setattr(2) is the youngest of what a start cannot do without. */
enum { NEEDED_MAJOR = 5, NEEDED_MINOR = 12 };

/* The number that the text begins with; the text then begins behind it. */
static bool cut_number(const char **text, uint32_t *ret)
{
        size_t n = strspn(*text, "0123456789");
        char number[16];

        if (n >= sizeof number)
                return false;
        memcpy(number, *text, n);
        number[n] = '\0';
        *text += n;
        return parse_u32(number, 10, ret) == 0;
}

/* "6.1.0-18-amd64": what is behind the first two numbers is the distribution's. */
static bool parse_release(const char *release, uint32_t *ret_major, uint32_t *ret_minor)
{
        if (!cut_number(&release, ret_major) || *release != '.')
                return false;
        release++;
        return cut_number(&release, ret_minor);
}

static void check_version(const struct doctor_host *h, struct doctor_findings *f)
{
        uint32_t major = 0, minor = 0;
        char release[128] = "";
        bool old;

        (void)host_read(h, "/proc/sys/kernel/osrelease", release, sizeof release);
        old = parse_release(release, &major, &minor) &&
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
