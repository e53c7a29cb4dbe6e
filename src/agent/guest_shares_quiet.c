/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's directories of a guest that is to be copied. Nothing may be on its way to whoever serves them: the copy is
 * served by another, who knows of no request that was made before. The kernel counts those without an answer (Linux
 * Documentation/filesystems/fuse.rst, "Control filesystem").
 *
 * What the copy's kernel knows of files is the other server's as well, and is looked for anew when it meets ESTALE. A
 * directory on which something is mounted would lose that then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "agent/guest.h"
#include "base/own.h"
#include "instance/exec_container.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

enum { PATIENCE_MS = 5000, PAUSE_MS = 1, MAX_MOUNTS = 1 << 20, NUMBER = 16 };

/* ---- what is mounted in them ---- */

/* "ID PARENT DEVICE ROOT PLACE ..." (proc_pid_mountinfo(5)); a mount stands before those on it. */
static bool has_mounts(const char *text, struct buf *shares)
{
        for (const char *line = text; line && *line;) {
                const char *end = strchrnul(line, '\n'), *type = strstr(line, " - fuse.holt ");
                char *at, id[NUMBER], parent[NUMBER];

                snprintf(id, sizeof id, " %lu ", strtoul(line, &at, 10));
                snprintf(parent, sizeof parent, " %lu ", strtoul(at, NULL, 10));
                if (strstr(buf_str(shares), parent))
                        return true;
                if (type && type < end)
                        buf_add_str(shares, id);
                line = *end ? end + 1 : end;
        }
        return false;
}

static int check_mounts(struct error *err)
{
        own_container struct container running = { .rootfd = -1, .statefd = -1 };
        own_buf struct buf text = {}, shares = {};
        own_fd int fd = -1;
        char path[48];
        int r = container_of_instance(GUEST_RUN, GUEST_CONTAINER, &running, err);

        if (r < 0)
                return r;
        snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)running.pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : fd_read_all(fd, MAX_MOUNTS, &text);
        if (r < 0)
                return error_errno(err, -r, "list the mounts of the container");
        return has_mounts(buf_str(&text), &shares)
                       ? error_set(
                                 err, ENOTSUP,
                                 "something is mounted within a directory of the host, where a copy could not keep it")
                       : 0;
}

/* ---- what is on its way ---- */

static int open_count(dev_t device, struct error *err)
{
        own_fd int control = mount_new("fusectl", "fusectl", NULL, 0, err);
        char path[48];
        int fd;

        if (control < 0)
                return control;
        snprintf(path, sizeof path, "%u/waiting", minor(device));
        fd = openat(control, path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open %s of fusectl", path) : fd;
}

/* Its number is made once an open file. */
static int read_count(dev_t device, unsigned long *ret, struct error *err)
{
        own_fd int fd = open_count(device, err);
        char text[NUMBER] = "";

        if (fd < 0)
                return fd;
        if (read(fd, text, sizeof text - 1) <= 0)
                return error_errno(err, EIO, "count the requests to the host");
        *ret = strtoul(text, NULL, 10);
        return 0;
}

int guest_quiet_shares(struct error *err)
{
        static const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
        unsigned long count = 1;
        struct stat st;
        int r;

        if (lstat(GUEST_SHARES, &st) < 0)
                return 0;
        r = check_mounts(err);
        for (int waited = 0; r == 0 && count && waited < PATIENCE_MS; waited += PAUSE_MS) {
                r = read_count(st.st_dev, &count, err);
                if (r == 0 && count)
                        nanosleep(&pause, NULL);
        }
        return r == 0 && count ? error_set(err, EBUSY, "it waits for a directory of the host: try again") : r;
}
