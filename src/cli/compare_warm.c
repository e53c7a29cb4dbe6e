/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare_warm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/compare_processes.h"
#include "sys/fd.h"

enum { TRIES = 600, PAUSE_MS = 100 };

int compare_warm_begin(struct engine *e, struct compare_warm *ret, struct error *err)
{
        *ret = (struct compare_warm){ .engine = e };
        return vm_pool_list(e, &ret->before, &ret->n, err);
}

static bool was_before(const struct compare_warm *w, const char *name)
{
        for (size_t i = 0; i < w->n; i++)
                if (strcmp(w->before[i].name, name) == 0)
                        return true;
        return false;
}

/* The kernel says who listens; its only child is QEMU's guard. 0: it has gone. */
static pid_t guard_of(const struct engine *e, const struct vm_pool_entry *v)
{
        own_mem char *path = NULL;
        own_fd int fd = -1;
        struct ucred owner = {};
        socklen_t len = sizeof owner;

        if (asprintf(&path, "%s/vm-pool/instances/%s/socket", e->run, v->name) < 0) {
                path = NULL;
                return 0;
        }
        fd = fd_connect_unix(path);
        if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &len) < 0)
                return 0;
        return compare_child_of(owner.pid);
}

/* One that is ready: of our kind, or the first that came after us. 0: there is none yet. */
static pid_t look(struct compare_warm *w, struct error *err)
{
        own_mem struct vm_pool_entry *v = NULL;
        size_t n = 0;
        int r = vm_pool_list(w->engine, &v, &n, err);

        for (size_t i = 0; r == 0 && i < n; i++) {
                bool is_ours = *w->key ? strcmp(v[i].key, w->key) == 0 : !was_before(w, v[i].name);

                if (!is_ours || !v[i].is_ready)
                        continue;
                memcpy(w->key, v[i].key, sizeof w->key);
                r = guard_of(w->engine, &v[i]);
        }
        return r;
}

pid_t compare_warm_wait(struct compare_warm *w, struct error *err)
{
        static const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

        for (int i = 0; i < TRIES; i++) {
                pid_t pid = look(w, err);

                if (pid != 0)
                        return pid;
                nanosleep(&pause, NULL);
        }
        return error_set(err, ETIMEDOUT, "no machine came to wait for the next run within %d s",
                         TRIES * PAUSE_MS / 1000);
}

void compare_warm_finish(struct compare_warm *w)
{
        own_mem struct vm_pool_entry *v = NULL;
        size_t n = 0, kept = 0, wanted = 0;
        struct error ignored;

        for (size_t i = 0; i < w->n; i++)
                wanted += strcmp(w->before[i].key, w->key) == 0;
        if (w->engine && *w->key && vm_pool_list(w->engine, &v, &n, &ignored) == 0)
                for (size_t i = 0; i < n; i++)
                        if (strcmp(v[i].key, w->key) == 0 && kept++ >= wanted)
                                vm_pool_end(w->engine, v[i].name);
        free(w->before);
        *w = (struct compare_warm){};
}
