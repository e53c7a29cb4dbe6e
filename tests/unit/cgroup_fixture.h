/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of cgroups share: a container's cgroups on this host, and a child in them. Included once a test. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/own.h"
#include "container/cgroup.h"
#include "container/cgroup/hierarchy.h"

struct fixture {
        struct cgroup cg;
        struct spec spec;
        char id[64];
        struct error err;
};

#define assert_ok(call)                                            \
        do {                                                       \
                int r_ = (call);                                   \
                if (r_ < 0)                                        \
                        fail_msg(#call ": %d %s", r_, f.err.text); \
        } while (0)

static inline int setup_names(struct fixture *f, const char *name)
{
        *f = (struct fixture){};
        snprintf(f->id, sizeof f->id, "holt-test-%s-%d", name, (int)getpid());
        return cgroup_plan(&f->cg, &f->spec, f->id, false, &f->err);
}

static inline bool can_make_cgroups(void)
{
        struct fixture f;
        bool ok;

        if (geteuid() != 0 || setup_names(&f, "probe") < 0)
                return false;
        ok = cgroup_create(&f.cg, &f.spec, &f.err) == 0;
        if (ok)
                cgroup_destroy(&f.cg, &f.err);
        cgroup_finish(&f.cg);
        return ok;
}

#define need_cgroups()                                                                            \
        do {                                                                                      \
                if (!can_make_cgroups()) {                                                        \
                        print_message("# skipped: needs root and writable cgroup filesystems\n"); \
                        skip();                                                                   \
                }                                                                                 \
        } while (0)

/* Starts a child in the cgroup the way a container is started; it sleeps until it is killed. */
static inline pid_t start_child(struct fixture *f)
{
        int clone_fd = cgroup_clone_fd(&f->cg), ready[2];
        struct clone_args args = { .exit_signal = SIGCHLD };
        char c;
        pid_t pid;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        if (clone_fd >= 0) {
                args.flags = CLONE_INTO_CGROUP;
                args.cgroup = (unsigned)clone_fd;
        }
        pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
        assert_true(pid >= 0);
        if (pid == 0) {
                struct error err;

                c = cgroup_join(&f->cg, clone_fd >= 0, &err) == 0 ? 'y' : 'n';
                if (write(ready[1], &c, 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        assert_int_equal(c, 'y');
        close(ready[0]);
        return pid;
}

static inline bool dies(pid_t pid)
{
        int status;

        return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}
