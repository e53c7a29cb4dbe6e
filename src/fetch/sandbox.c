/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fetch/sandbox_landlock.h"
#include "fetch/sandbox_seccomp.h"
#include "sys/capability.h"

enum { NOBODY = 65534 };

/* Nobody reads our memory, where credentials pass through, and no core of it is written. */
static int hide_memory(struct error *err)
{
        struct rlimit none = {};

        if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
                return error_errno(err, errno, "hide the memory");
        return 0;
}

/*
 * Root becomes nobody; where nobody has no number (a small user namespace) and where a directory of the caller's is
 * needed, he stays who he is, without capabilities.
 */
static int leave_user(const struct sandbox *s, struct error *err)
{
        static const struct capability_sets none;
        bool leave = geteuid() == 0 && s->directory < 0;
        int r;

        if (leave && setgroups(0, NULL) < 0 && errno != EPERM)
                return error_errno(err, errno, "leave all groups");
        if (leave &&
            ((setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0) && errno != EINVAL))
                return error_errno(err, errno, "become nobody");
        r = capability_bound(0);
        /* Without CAP_SETPCAP the bounding set stays; with no_new_privs nothing comes out of it. */
        if (r == 0 || r == -EPERM)
                r = capability_set(&none);
        return r < 0 ? error_errno(err, -r, "drop the capabilities") : 0;
}

int sandbox_enter(const struct sandbox *s, struct error *err)
{
        int r = hide_memory(err);

        if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = error_errno(err, errno, "set no_new_privs");
        if (r == 0)
                r = leave_user(s, err);
        /* setresuid() made the process dumpable again. */
        if (r == 0)
                r = hide_memory(err);
        if (r == 0)
                r = sandbox_landlock(s, err);
        if (r == 0)
                r = sandbox_seccomp(s, err);
        return r < 0 ? error_wrap(err, "sandbox") : 0;
}
