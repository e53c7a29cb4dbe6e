/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/doctor/checks.h"
#include "instance/doctor/place.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

static void check_erofs(const struct doctor_host *h, struct doctor_findings *f)
{
        struct doctor_finding finding = { .group = "storage", .check = "erofs" };

        if (h->uid) {
                finding.text = "layers are unpacked once for this user, as they are for all but root";
        } else if (h->attempt(h, TRIAL_EROFS_FILE) == 0) {
                finding.text = "layers are mounted from their files (EROFS)";
        } else if (h->attempt(h, TRIAL_EROFS_LOOP) == 0) {
                finding.text = "layers are mounted by loop devices (EROFS); Linux 6.12 mounts their files";
        } else {
                bool has = host_has_module(h, "erofs");

                finding.level = DOCTOR_WARNING;
                finding.text = has ? "EROFS cannot be mounted" : "this kernel has no EROFS";
                finding.why = "layers are unpacked once more, which takes time and room";
                finding.mend = has ? "modprobe erofs && modprobe loop" : NULL;
                finding.safe = has;
        }
        doctor_add(f, &finding);
}

static void check_overlay(const struct doctor_host *h, struct doctor_findings *f)
{
        int r = h->attempt(h, TRIAL_OVERLAY);

        if (r == 0) {
                doctor_add(f, &(struct doctor_finding){ .group = "storage",
                                                        .check = "overlay",
                                                        .text = "layers can be joined (overlayfs)" });
                return;
        }
        doctor_addf(f,
                    (struct doctor_finding){ .group = "storage",
                                             .check = "overlay",
                                             .level = DOCTOR_PROBLEM,
                                             .why = "no container can be started",
                                             .mend = r == -ENODEV ? "modprobe overlay" : NULL,
                                             .safe = r == -ENODEV },
                    "overlayfs cannot be mounted in %s: %s", h->root, strerror(-r));
}

const char *doctor_judge_file_system(int64_t magic)
{
        switch (magic) {
        case TMPFS_MAGIC:
        case RAMFS_MAGIC:
                return "it is memory: images and instances are gone with the next boot";
        case NFS_SUPER_MAGIC:
        case SMB_SUPER_MAGIC:
        case CIFS_SUPER_MAGIC:
        case SMB2_SUPER_MAGIC:
                return "it is on the network: overlayfs and locks do not work there as they should";
        case OVERLAYFS_SUPER_MAGIC:
                return "it is an overlay itself: what instances write cannot be kept on it";
        case MSDOS_SUPER_MAGIC:
        case EXFAT_SUPER_MAGIC:
                return "it knows no owners";
        default:
                return NULL;
        }
}

static void check_place(const struct doctor_host *h, const char *place, struct doctor_findings *f)
{
        const char *why = NULL;
        struct statfs s;

        if (statfs(place, &s) == 0)
                why = doctor_judge_file_system(s.f_type);
        doctor_addf(
                f,
                (struct doctor_finding){ .group = "storage",
                                         .check = "place",
                                         .level = why ? DOCTOR_WARNING : DOCTOR_OK,
                                         .why = why,
                                         .mend = why ? "set HOLT_ROOT to a directory on a disk of this host" : NULL },
                "images and instances are kept in %s", h->root);
}

enum doctor_level doctor_judge_space(uint64_t left, uint64_t total)
{
        if (left < 64 * MIB)
                return DOCTOR_PROBLEM;
        return left < 2 * GIB && left < total / 4 ? DOCTOR_WARNING : DOCTOR_OK;
}

static void check_space(const struct doctor_host *h, const char *place, struct doctor_findings *f)
{
        enum doctor_level level;
        struct statvfs s;
        uint64_t left;

        if (statvfs(place, &s) < 0)
                return;
        left = (uint64_t)s.f_bavail * s.f_frsize;
        level = doctor_judge_space(left, (uint64_t)s.f_blocks * s.f_frsize);
        doctor_addf(f,
                    (struct doctor_finding){ .group = "storage",
                                             .check = "space",
                                             .level = level,
                                             .why = level ? "pulls and what instances write will fail" : NULL,
                                             .mend = level ? "holt system prune" : NULL },
                    "%" PRIu64 " MB are free in %s", left / 1000000, h->root);
        /* File systems without a table of inodes say 0. */
        if (s.f_files && s.f_favail < 1000)
                doctor_addf(f,
                            (struct doctor_finding){ .group = "storage",
                                                     .check = "inodes",
                                                     .level = DOCTOR_WARNING,
                                                     .why = "no more files can be made, although there is room",
                                                     .mend = "holt system prune" },
                            "%" PRIu64 " files can be made in %s", (uint64_t)s.f_favail, h->root);
}

void doctor_check_storage(const struct doctor_host *h, struct doctor_findings *f)
{
        char place[PATH_MAX];

        check_erofs(h, f);
        check_overlay(h, f);
        if (doctor_existing_place(h->root, place) < 0)
                return;
        check_place(h, place, f);
        check_space(h, place, f);
}
