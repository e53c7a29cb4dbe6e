/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that is killed while it has frozen an instance would leave it frozen for ever. So there is a guard, a
 * process that does nothing but wait for our end, and thaws the instance if we could not.
 */
#include "instance/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"

enum { DONE = '.' };

static void thaw(struct engine *e, const struct instance *i)
{
        struct error ignored;

        if (i->backend->pause(e->run, i->id, false, &ignored) < 0 && e->warn)
                e->warn(ignored.text);
}

/* It has no terminal to be ended by, and holds nothing open that others wait for. */
static void watch(struct engine *e, const struct instance *i, int pipe)
{
        sigset_t all;
        char word = DONE;
        ssize_t n;

        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        setsid();
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
                close(fd);
        if (write(pipe, &word, 1) != 1)
                _exit(1);
        while ((n = read(pipe, &word, 1)) < 0 && errno == EINTR)
                ;
        if (n == 0) {
                e->warn = NULL;
                thaw(e, i);
        }
        _exit(0);
}

/* Nobody waits for its end: it comes when it is told to, and commands are short. But it has left our process group,
 * which may be killed as a whole, before anything is frozen. */
static int start_guard(struct freeze *f, int pipe)
{
        pid_t pid = fork();
        char word;

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                close(take_fd(&f->guard));
                watch(f->e, f->i, pipe);
        }
        close(pipe);
        return read(f->guard, &word, 1) == 1 ? 0 : -ECHILD;
}

/* One at a time: who thaws it must not do so under another's eyes. The guard has the lock as well. */
static int lock(const struct instance *i, struct error *err)
{
        own_fd int fd = openat(i->fd, i->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return error_errno(err, errno, "open what %s has written", i->name);
        while (flock(fd, LOCK_EX) < 0) {
                if (errno != EINTR)
                        return error_errno(err, errno, "lock %s", i->name);
        }
        return take_fd(&fd);
}

int freeze_begin(struct engine *e, const struct instance *i, struct freeze *ret, struct error *err)
{
        own_freeze struct freeze f = { .e = e, .guard = -1, .lock = -1 };
        int ends[2], r;

        *ret = f;
        if (!instance_is_running(i))
                return 0;
        if (!i->backend->pause || !i->backend->is_paused)
                return error_set(err, ENOTSUP, "%s cannot be frozen", i->backend->name);
        r = f.lock = lock(i, err);
        if (r < 0)
                return r;
        /* By its user: so it stays. Another one of us would have the lock. */
        if (i->backend->is_paused(e->run, i->id, NULL) > 0) {
                *ret = f;
                f = (struct freeze)FREEZE_NONE;
                return 0;
        }
        /* No pipe: the guard may have been killed, and what is said to it must not end us. */
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, "make a socket");
        f.guard = ends[1];
        f.i = i;
        r = start_guard(&f, ends[0]);
        if (r < 0) {
                f.i = NULL;
                return error_errno(err, -r, "start a guard for the frozen instance");
        }
        r = i->backend->pause(e->run, i->id, true, err);
        if (r == -EOPNOTSUPP) {
                f.i = NULL;
                e->warn("it goes on while its files are read, and they may be of different moments: it has no cgroup "
                        "to be frozen by");
                return 0;
        }
        /* It ended, or waits for its next start. */
        if (r == -ENOENT) {
                f.i = NULL;
                return 0;
        }
        if (r < 0)
                return r;
        *ret = f;
        f = (struct freeze)FREEZE_NONE;
        return 0;
}

void freeze_end(struct freeze *f)
{
        const char done = DONE;

        if (f->i) {
                thaw(f->e, f->i);
                /* Without the word it would thaw it once more, perhaps after somebody has paused it. */
                if (send(f->guard, &done, 1, MSG_NOSIGNAL) != 1 && f->e->warn)
                        f->e->warn("the guard of a frozen instance is gone");
        }
        if (f->guard >= 0)
                close(take_fd(&f->guard));
        /* Also for the guard, which may take a moment to end. */
        if (f->lock >= 0) {
                flock(f->lock, LOCK_UN);
                close(take_fd(&f->lock));
        }
        f->i = NULL;
}
