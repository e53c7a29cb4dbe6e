/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's process is and may: shared by init and exec, so that both get exactly the same treatment. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "container/seccomp.h"
#include "oci/runtime_spec.h"

struct identity {
        const struct spec_process *process;
        bool has_personality;
        unsigned long personality;
        bool has_cpus;                         /* its cgroup is given only some CPUs */
        const char *session_keyring;           /* name of a new one, NULL: keep the caller's */
        const struct seccomp_program *seccomp; /* NULL: none */
        int peer;                              /* socket that takes MESSAGE_LISTENER */
        /* NULL, or what is left to do when only the execution is missing: with the process's rights, under its filter.
         */
        int (*last)(void *userdata, struct error *err);
        void *userdata;
};

/*
 * Root of the user namespace that was entered: without an id of its own in it nothing can be made. Where id 0 is not
 * mapped or setgroups() is denied it stays who it is.
 */
void identity_become_root(void);

/*
 * rlimits, and oom_score_adj by the /proc in sight, which has to be the host's; pid 0 for the caller. The runtime does
 * it for a process in a user namespace.
 */
int identity_set_limits(const struct spec_process *p, pid_t pid, struct error *err);
int identity_set_oom_score(const struct spec_process *p, pid_t pid, struct error *err);

/*
 * Closes all descriptors but standard input to error, the caller's that the program gets (preserve_fds from 3 on) and
 * the two of ours. Close-on-exec would be too late: /proc/self/fd/N in a path of the image or of the process (cwd,
 * args[0], a link of the image) could still lead through a directory of the host (CVE-2024-21626). So it comes before
 * the first such path is followed.
 */
int identity_close_others(unsigned preserve_fds, int peer, int other, struct error *err);

/* Resolves args[0] as the program will be found: by PATH of its environment. *ret is malloc'ed. */
int identity_find_program(const struct spec_process *p, char **ret, struct error *err);

/* Becomes the process and executes; returns only on failure. The caller stands in the right namespaces, root and
 * session. */
int identity_execute(const struct identity *id, const char *program, struct error *err);

/* Refuses labels of security modules that the host does not have. */
int identity_check_labels(const struct spec_process *p, const char *mount_label, struct error *err);
