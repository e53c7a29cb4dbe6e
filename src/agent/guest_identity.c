/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/random.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/guest.h"
#include "base/own.h"
#include "instance/exec_container.h"
#include "sys/fd.h"
#include "sys/process.h"

/* The generator is seeded anew at once: what it gives out from now on no other clone has. */
int guest_add_entropy(const struct guest_config *c, struct error *err)
{
        union {
                struct rand_pool_info info;
                char room[sizeof(struct rand_pool_info) + GUEST_MAX_ENTROPY];
        } pool = { .info = { .entropy_count = (int)c->n_entropy * 8, .buf_size = (int)c->n_entropy } };
        own_fd int fd = -1;

        if (!c->n_entropy)
                return 0;
        memcpy(pool.room + offsetof(struct rand_pool_info, buf), c->entropy, c->n_entropy);
        fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
        if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) < 0 || ioctl(fd, RNDRESEEDCRNG) < 0)
                return error_errno(err, errno, "seed the random numbers");
        explicit_bzero(&pool, sizeof pool);
        return 0;
}

int guest_set_time(const struct guest_config *c, struct error *err)
{
        const struct timespec now = { .tv_sec = (time_t)(c->time / 1000000000),
                                      .tv_nsec = (long)(c->time % 1000000000) };

        if (c->time && clock_settime(CLOCK_REALTIME, &now) < 0)
                return error_errno(err, errno, "set the clock");
        return 0;
}

int guest_set_hostname(const struct guest_config *c, struct error *err)
{
        if (c->hostname && sethostname(c->hostname, strlen(c->hostname)) < 0)
                return error_errno(err, errno, "set the host name");
        return 0;
}

/* A namespace of its own has a name of its own. */
static int name_container(const char *name, pid_t pid)
{
        char path[48];
        own_fd int fd = -1;

        snprintf(path, sizeof path, "/proc/%d/ns/uts", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 || setns(fd, CLONE_NEWUTS) < 0 || sethostname(name, strlen(name)) < 0 ? errno : 0;
}

int guest_change_hostname(const struct guest_config *c, struct error *err)
{
        own_container struct container running = { .rootfd = -1, .statefd = -1 };
        int r = guest_set_hostname(c, err), status;
        pid_t pid;

        if (r == 0)
                r = container_of_instance(GUEST_RUN, GUEST_CONTAINER, &running, err);
        if (r < 0 || !c->hostname)
                return r;
        pid = fork();
        if (pid == 0)
                _exit(name_container(c->hostname, running.pid));
        status = pid < 0 ? errno : process_wait(pid);
        return status ? error_errno(err, status, "set the host name of the container") : 0;
}

static int write_machine_id(const struct guest_config *c, int etc, struct error *err)
{
        char line[64];
        int n = snprintf(line, sizeof line, "%.40s\n", c->machine_id);
        int r = etc < 0 ? etc : fd_replace_file_at(etc, "machine-id", line, (size_t)n, 0444);

        return r < 0 ? error_errno(err, -r, "write /etc/machine-id") : 0;
}

int guest_change_machine_id(const struct guest_config *c, struct error *err)
{
        own_fd int root = open(GUEST_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
        own_fd int etc = root < 0 ? -errno : fd_openat2(root, "etc", O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT);
        struct stat st;

        if (!c->machine_id || etc == -ENOENT || fstatat(etc, "machine-id", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(st.st_mode) || !st.st_size)
                return 0;
        return write_machine_id(c, etc, err);
}

/* Once: what programs make of it later is theirs. */
int guest_set_machine_id(const struct guest_config *c, struct error *err)
{
        own_fd int root = -1, etc = -1;

        if (!c->machine_id || access(GUEST_UPPER "/upper/etc/machine-id", F_OK) == 0)
                return 0;
        root = open(GUEST_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
        etc = root < 0 ? -errno : fd_mkdir_in_root(root, "etc", 0755);
        return write_machine_id(c, etc, err);
}
