/* SPDX-License-Identifier: Apache-2.0 */
/* What this host can and cannot do, why that matters, and what mends it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum doctor_level {
        DOCTOR_OK,
        DOCTOR_WARNING, /* something is slower, or will not work */
        DOCTOR_PROBLEM, /* containers will not run */
};

struct doctor_finding {
        const char *group, *check; /* "cgroups", "memory" */
        enum doctor_level level;
        const char *text; /* what was found */
        const char *why;  /* NULL: not to be said */
        const char *mend; /* a shell's command line, or NULL */
        bool safe;        /* mend may be done without being asked for in person */
};

struct doctor_findings {
        struct doctor_finding *items;
        size_t n, cap;
        struct arena arena; /* owns the strings */
        bool failed;        /* no memory */
};

void doctor_findings_finish(struct doctor_findings *f);
#define own_doctor_findings __attribute__((cleanup(doctor_findings_finish)))

/* What cannot be read but has to be tried. */
enum doctor_trial {
        TRIAL_EROFS_FILE, /* mount a file as EROFS */
        TRIAL_EROFS_LOOP,
        TRIAL_OVERLAY,
        TRIAL_USER_NAMESPACE, /* by an ordinary user */
        TRIAL_CGROUP,         /* make one */
        TRIAL_BRIDGE,
        TRIAL_VETH,
        TRIAL_NFTABLES,
        TRIAL_KVM,   /* run some instructions in a guest */
        TRIAL_CLOCK, /* -ENODATA: nobody keeps it right */
        DOCTOR_TRIALS,
};

/* The host as the checks see it; a test shows them another one. */
struct doctor_host {
        const char *top; /* "" or the directory that stands for "/" */
        const char *root, *run;
        uid_t uid;
        const char *user; /* its name, or its number */
        /* 0 or -errno. */
        int (*attempt)(const struct doctor_host *h, enum doctor_trial trial);
        /* A command's standard output; its exit status, or -errno (-ENOENT: it is not installed). */
        int (*command)(const struct doctor_host *h, const char *const *argv, struct buf *out);
};

/* Of the host itself: attempt and command. */
int doctor_attempt(const struct doctor_host *h, enum doctor_trial trial);
int doctor_command(const struct doctor_host *h, const char *const *argv, struct buf *out);

int doctor_check(const struct doctor_host *h, struct doctor_findings *ret, struct error *err);

/*
 * Does what is safe of the findings, and tells each: `command`, and why it failed or NULL. Returns how many succeeded.
 */
size_t doctor_fix(const struct doctor_host *h, const struct doctor_findings *f,
                  void (*told)(void *userdata, const char *command, const char *failure), void *userdata);
