/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "instance/doctor/checks.h"

enum { FIRST_ID = 100000, ENOUGH_IDS = 65536 };

static enum doctor_level bad_for(const struct doctor_host *h)
{
        return h->uid ? DOCTOR_PROBLEM : DOCTOR_WARNING;
}

static const char *sysctl_that_forbids(const struct doctor_host *h)
{
        if (host_number(h, "/proc/sys/user/max_user_namespaces", 1) == 0)
                return "sysctl -w user.max_user_namespaces=15000";
        if (host_number(h, "/proc/sys/kernel/unprivileged_userns_clone", 1) == 0)
                return "sysctl -w kernel.unprivileged_userns_clone=1";
        if (host_number(h, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) == 1)
                return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
        return NULL;
}

static void check_namespaces(const struct doctor_host *h, struct doctor_findings *f)
{
        int r = h->attempt(h, TRIAL_USER_NAMESPACE);

        if (r == 0) {
                doctor_add(f, &(struct doctor_finding){ .group = "users",
                                                        .check = "namespaces",
                                                        .text = "ordinary users may make user namespaces" });
                return;
        }
        doctor_addf(f,
                    (struct doctor_finding){ .group = "users",
                                             .check = "namespaces",
                                             .level = bad_for(h),
                                             .why = "only root can run containers",
                                             .mend = sysctl_that_forbids(h) },
                    "ordinary users may make no user namespaces: %s", strerror(-r));
}

static void check_helpers(const struct doctor_host *h, struct doctor_findings *f)
{
        static const struct host_package package = { "uidmap", "shadow-utils", "shadow", "shadow-uidmap" };
        bool there = host_has_program(h, "newuidmap") && host_has_program(h, "newgidmap");
        char mend[96];

        host_install(h, &package, mend, sizeof mend);
        doctor_add(f, &(struct doctor_finding){
                              .group = "users",
                              .check = "newuidmap",
                              .level = there ? DOCTOR_OK : DOCTOR_WARNING,
                              .text = there ? "newuidmap and newgidmap are installed"
                                            : "newuidmap and newgidmap are not installed",
                              .why = there ? NULL : "containers of ordinary users have root as their only user",
                              .mend = there ? NULL : mend });
}

struct ids {
        uint64_t given; /* to the user */
        uint64_t free;  /* from here on nobody has any */
};

/* Lines "USER:FIRST:COUNT"; the user by name or number. */
static void count_ids(const struct doctor_host *h, const char *path, struct ids *ids)
{
        char text[16384], number[16], *rest = text, *line;

        snprintf(number, sizeof number, "%u", (unsigned)h->uid);
        if (host_read(h, path, text, sizeof text) <= 0)
                return;
        while ((line = strsep(&rest, "\n"))) {
                const char *name = strsep(&line, ":"), *begin = strsep(&line, ":");
                uint64_t first, count;

                if (!begin || !line || parse_u64(begin, 10, &first) < 0 || parse_u64(line, 10, &count) < 0)
                        continue;
                if (strcmp(name, h->user) == 0 || strcmp(name, number) == 0)
                        ids->given += count;
                if (first + count > ids->free)
                        ids->free = first + count;
        }
}

static void check_ids(const struct doctor_host *h, struct doctor_findings *f)
{
        struct ids uids = { .free = FIRST_ID }, gids = uids;
        uint64_t first;
        char mend[256];
        bool enough;

        count_ids(h, "/etc/subuid", &uids);
        count_ids(h, "/etc/subgid", &gids);
        enough = uids.given >= ENOUGH_IDS && gids.given >= ENOUGH_IDS;
        first = uids.free > gids.free ? uids.free : gids.free;
        snprintf(mend, sizeof mend,
                 "usermod --add-subuids %" PRIu64 "-%" PRIu64 " --add-subgids %" PRIu64 "-%" PRIu64 " %s", first,
                 first + ENOUGH_IDS - 1, first, first + ENOUGH_IDS - 1, h->user);
        doctor_addf(
                f,
                (struct doctor_finding){
                        .group = "users",
                        .check = "subuid",
                        .level = enough ? DOCTOR_OK : DOCTOR_WARNING,
                        .why = enough ? NULL : "users of a container but root have no ids, and most images need them",
                        .mend = enough ? NULL : mend },
                enough ? "%s has subordinate ids" : "%s has too few subordinate ids", h->user);
}

static void check_pasta(const struct doctor_host *h, struct doctor_findings *f)
{
        static const struct host_package package = { "passt", "passt", "passt", "passt" };
        bool there = host_has_program(h, "pasta");
        char mend[96];

        host_install(h, &package, mend, sizeof mend);
        doctor_add(f, &(struct doctor_finding){ .group = "users",
                                                .check = "pasta",
                                                .level = there ? DOCTOR_OK : DOCTOR_WARNING,
                                                .text = there ? "pasta is installed" : "pasta is not installed",
                                                .why = there ? NULL : "containers of ordinary users have no network",
                                                .mend = there ? NULL : mend });
}

static void check_linger(const struct doctor_host *h, struct doctor_findings *f)
{
        char path[160], mend[160];
        bool lingers;

        snprintf(path, sizeof path, "/var/lib/systemd/linger/%s", h->user);
        snprintf(mend, sizeof mend, "loginctl enable-linger %s", h->user);
        lingers = host_has(h, path);
        doctor_addf(f,
                    (struct doctor_finding){ .group = "users",
                                             .check = "linger",
                                             .level = lingers ? DOCTOR_OK : DOCTOR_WARNING,
                                             .why = lingers ? NULL : "what runs may end when the user logs out",
                                             .mend = lingers ? NULL : mend },
                    lingers ? "%s may run things while logged out" : "%s may not run things while logged out", h->user);
}

void doctor_check_users(const struct doctor_host *h, struct doctor_findings *f)
{
        check_namespaces(h, f);
        check_helpers(h, f);
        check_pasta(h, f);
        if (!h->uid)
                return;
        check_ids(h, f);
        if (host_has(h, "/run/systemd/system"))
                check_linger(h, f);
}
