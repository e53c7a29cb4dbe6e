/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/own.h"
#include "instance/vm_cgroup.h"
#include "monitor/memory_short.h"
#include "monitor/pool_more.h"
#include "monitor/warm.h"
#include "sys/fd.h"
#include "sys/process.h"

/* QUIET_MS: a program that runs for so long is not disturbed much. ANSWER_MS: for who has connected. */
enum { QUIET_MS = 1000, ANSWER_MS = 5000, NAME = SHA256_HEX + 24 };

struct waiter {
        struct monitor m;
        const struct monitor_pool *pool;
        char key[SHA256_HEX], name[NAME], tap[POOL_TAP];
        int top;   /* DIRECTORY/instances */
        int place; /* its own directory there */
        int listener, session;
        int64_t begun; /* the run that leaves it behind */
        int next;      /* pool_more.h */
};

/* ---- its place ---- */

static bool is_named(const char *name)
{
        return strlen(name) > SHA256_HEX && name[SHA256_HEX - 1] == '-';
}

static void remove_place(const char *directory, int top, const char *name)
{
        struct error ignored;

        vm_cgroup_remove(directory, name, &ignored);
        fd_remove_tree_at(top, name);
}

/* How many of a key there are that live; the remains of all others go. Under top's lock: who makes a place has that. */
static uint32_t count(const char *directory, int top, const char *key)
{
        own_fd int again = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_dir DIR *d = again < 0 ? NULL : fdopendir(again);
        const struct dirent *e;
        uint32_t n = 0;

        if (d)
                take_fd(&again);
        while (d && (e = readdir(d))) {
                own_fd int place =
                        is_named(e->d_name) ? openat(top, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

                if (place < 0)
                        continue;
                if (flock(place, LOCK_EX | LOCK_NB) == 0)
                        remove_place(directory, top, e->d_name);
                else
                        n += strncmp(e->d_name, key, SHA256_HEX - 1) == 0;
        }
        return n;
}

static int make_place(struct waiter *w)
{
        uint64_t number = 0;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -EIO;
        snprintf(w->name, sizeof(w->name), "%s-%016" PRIx64, w->key, number);
        if (mkdirat(w->top, w->name, 0700) < 0)
                return -errno;
        w->place = openat(w->top, w->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return w->place < 0 || flock(w->place, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

/* One is made for its image where none is to wait. */
static uint32_t wanted(const struct waiter *w)
{
        return w->pool->size ? pool_wanted(w->pool->directory, w->key, w->begun, w->pool->size) : 1;
}

/* Returns a descriptor of DIRECTORY/instances, which is made. */
static int open_top(const char *directory)
{
        own_mem char *path = NULL;
        int r, fd;

        if (asprintf(&path, "%s/instances", directory) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = fd_mkdir_all(path, 0700);
        fd = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 && r == 0 ? -errno : fd;
}

/* Returns how many are missing beyond it; those of a burst each leaves for itself. -EEXIST: enough of them wait. */
static int take_place(struct waiter *w)
{
        uint32_t most, n;
        int r;

        w->top = open_top(w->pool->directory);
        if (w->top < 0)
                return w->top;
        if (flock(w->top, LOCK_EX) < 0)
                return -errno;
        most = wanted(w);
        n = count(w->pool->directory, w->top, w->key);
        r = n >= most ? -EEXIST : make_place(w);
        flock(w->top, LOCK_UN);
        if (r < 0)
                return r;
        return n + 1 < w->pool->size ? (int)(w->pool->size - n - 1) : 0;
}

/* ---- waiting ---- */

static int listen_at(struct waiter *w)
{
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = POOL_SOCKET };

        w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (w->listener < 0 || fchdir(w->place) < 0 ||
            bind(w->listener, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(w->listener, 8) < 0 ||
            chdir("/") < 0)
                return -errno;
        return 0;
}

static int hear(int sock)
{
        struct pollfd p = { .fd = sock, .events = POLLIN };
        unsigned char word = 0;

        return poll(&p, 1, ANSWER_MS) == 1 && recv(sock, &word, 1, MSG_DONTWAIT) == 1 ? word : 0;
}

/* True: it is another's. */
static bool hand_over(const struct waiter *w, int sock)
{
        const struct monitor *m = &w->m;
        const int fds[POOL_FDS] = { m->qmp.fd, m->agent, m->console, m->share, m->qemu_pidfd, m->guard };

        struct pool_gift gift = { .memory_at = m->memory_at, .disks = m->disks };

        memcpy(gift.ends, m->ends, sizeof(gift.ends));
        return fd_send(sock, &gift, sizeof(gift), fds, POOL_FDS) == 0 && hear(sock) == POOL_TAKEN;
}

/* 1: it is another's; 0: on; -1: it is to end. */
static int answer(const struct waiter *w)
{
        own_fd int sock = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
        int word = sock < 0 ? 0 : hear(sock);

        if (word == POOL_CLAIM)
                return hand_over(w, sock) ? 1 : -1;
        return word == POOL_END ? -1 : 0;
}

/* True: it is another's. */
static bool wait_for_claim(const struct waiter *w)
{
        own_fd int memory = memory_watch("/proc");
        struct pollfd p[] = { { .fd = w->listener, .events = POLLIN },
                              { .fd = w->m.qemu_pidfd, .events = POLLIN },
                              { .fd = w->session, .events = POLLIN },
                              { .fd = memory, .events = POLLPRI } };
        int r = 0;

        while (r == 0) {
                int ready = poll(p, ARRAY_SIZE(p), (int)w->pool->seconds * 1000);

                if (ready <= 0 || p[1].revents || p[2].revents || p[3].revents & (POLLPRI | POLLERR))
                        return false;
                r = answer(w);
        }
        return r > 0;
}

/* ---- its life ---- */

/* Where its directory is expected, and with a name of its own for its interface. */
static int make_machine(struct waiter *w, const struct monitor_job *like, struct error *err)
{
        if (dup3(w->place, MONITOR_PLACE, O_CLOEXEC) < 0)
                return -errno;
        pool_tap_name(w->name, w->tap);
        w->m.tap = w->tap;
        return warm_make(&w->m, like, w->key, w->name + SHA256_HEX, err);
}

static void live(struct waiter *w, const struct monitor_job *like)
{
        struct error err;
        bool is_taken = false;
        int r = make_machine(w, like, &err);

        if (r == 0 && !w->pool->size)
                r = -ECANCELED;
        if (r == 0)
                r = listen_at(w);
        if (r == 0 && faccessat(w->place, POOL_NO_MORE, F_OK, 0) == 0)
                r = -ECANCELED;
        if (r == 0) {
                pool_tell_next(&w->next);
                is_taken = wait_for_claim(w);
        }
        if (!is_taken)
                monitor_end_qemu(&w->m);
        remove_place(w->pool->directory, w->top, w->name);
}

/* Takes a place as long as one is wanted and there is memory for it; the next one is another process's, after us. */
static bool take_turn(struct waiter *w)
{
        for (;;) {
                int missing = memory_is_short("/proc") ? -ENOMEM : take_place(w);

                if (missing <= 0 || !pool_leave_next(&w->next)) {
                        if (missing < 0 && w->place >= 0)
                                remove_place(w->pool->directory, w->top, w->name);
                        return missing >= 0;
                }
                close(take_fd(&w->place));
                close(take_fd(&w->top));
        }
}

/* Until the program has ended: then the other end of the pipe is nobody's. */
static void await_quiet(int program)
{
        struct pollfd p = { .fd = program, .events = POLLIN };

        poll(&p, 1, QUIET_MS);
}

/* Nothing of the instance is kept but what is in memory. */
static void become_waiter(const struct monitor *m, const char *key, int program)
{
        static struct waiter w = { .m = { .qemu_pidfd = -1,
                                          .guard = -1,
                                          .agent = -1,
                                          .share = -1,
                                          .console = -1,
                                          .signals = -1,
                                          .listener = -1,
                                          .qmp = { .fd = -1 } },
                                   .top = -1,
                                   .place = -1,
                                   .listener = -1,
                                   .session = -1,
                                   .next = -1 };
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        prctl(PR_SET_NAME, "holt-vm-pool", 0, 0, 0);
        setsid();
        for (int i = 0; i <= STDERR_FILENO; i++)
                dup2(null, i);
        if (dup2(program, MONITOR_JOB) < 0)
                return;
        close_range(MONITOR_JOB + 1, ~0U, 0);
        /* These numbers have a meaning. */
        for (int i = MONITOR_JOB + 1; i <= MONITOR_LAYERS; i++)
                dup3(STDIN_FILENO, i, O_CLOEXEC);
        w.begun = pool_now();
        await_quiet(MONITOR_JOB);
        close(MONITOR_JOB);
        w.pool = &m->job.pool;
        w.session = w.pool->session ? process_open((pid_t)w.pool->session) : -1;
        memcpy(w.key, key, sizeof(w.key));
        if (take_turn(&w))
                live(&w, &m->job);
}

/* Who begins as one that waited has not opened the template. */
static bool is_wanted(const struct monitor *m, char ret_key[SHA256_HEX])
{
        struct error ignored;

        memcpy(ret_key, m->key, sizeof(m->key));
        if (!*ret_key && monitor_find_key(m, ret_key, &ignored) < 0)
                return false;
        template_touch(m->job.templates, ret_key);
        return m->job.pool.size || !monitor_has_image(m, ret_key);
}

/* Where nobody comes who would count: what was left by those that were killed. */
static void sweep(const char *directory)
{
        own_fd int top = open_top(directory);

        if (top >= 0 && flock(top, LOCK_EX | LOCK_NB) == 0)
                count(directory, top, "");
}

void pool_fill(const struct monitor *m)
{
        static const struct clone_options o = { .cgroup_fd = -1 };
        char key[SHA256_HEX];
        int pipes[2];
        pid_t pid;

        if (!m->job.pool.directory || !m->job.spec)
                return;
        if (!is_wanted(m, key)) {
                sweep(m->job.pool.directory);
                return;
        }
        if (pipe2(pipes, O_CLOEXEC) < 0)
                return;
        pid = process_clone(&o);
        if (pid == 0) {
                close(pipes[1]);
                become_waiter(m, key, pipes[0]);
                _exit(0);
        }
        /* Its other end goes with us. */
        close(pipes[0]);
        if (pid < 0)
                close(pipes[1]);
}
