/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

/* Documentation/admin-guide/devices.txt: 5:2 is ptmx, 136 to 143 are the slaves. */
enum { TTYAUX_MAJOR_NUMBER = 5, PTMX_MINOR = 2, PTS_FIRST_MAJOR = 136, PTS_LAST_MAJOR = 143 };

static int check_device(int fd, unsigned first, unsigned last)
{
        struct statfs fs;
        struct stat st;

        if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode) || fs.f_type != DEVPTS_SUPER_MAGIC || major(st.st_rdev) < first ||
            major(st.st_rdev) > last)
                return -ENOTTY;
        return 0;
}

int terminal_open(int dirfd, const char *path, int *ret_master, int *ret_slave)
{
        own_fd int place = fd_open_in_root(dirfd, path, O_PATH), master = -1, slave = -1;
        struct stat st;
        int unlock = 0, r;

        if (place < 0)
                return place;
        /* Look before opening: to open another device could already do something. */
        r = check_device(place, TTYAUX_MAJOR_NUMBER, TTYAUX_MAJOR_NUMBER);
        if (r < 0)
                return r;
        if (fstat(place, &st) < 0 || minor(st.st_rdev) != PTMX_MINOR)
                return -ENOTTY;
        master = fd_open_in_root(dirfd, path, O_RDWR | O_NOCTTY);
        if (master < 0)
                return master;
        r = check_device(master, TTYAUX_MAJOR_NUMBER, TTYAUX_MAJOR_NUMBER);
        if (r < 0)
                return r;
        if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
                return -errno;
        slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0)
                return -errno;
        r = check_device(slave, PTS_FIRST_MAJOR, PTS_LAST_MAJOR);
        if (r < 0)
                return r;
        *ret_master = take_fd(&master);
        *ret_slave = take_fd(&slave);
        return 0;
}

int terminal_open_again(int fd)
{
        char path[32];
        int again;

        if (!isatty(fd))
                return -ENOTTY;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return again < 0 ? -errno : again;
}

int terminal_set_size(int fd, unsigned short rows, unsigned short columns)
{
        struct winsize w = { .ws_row = rows, .ws_col = columns };

        return ioctl(fd, TIOCSWINSZ, &w) < 0 ? -errno : 0;
}

void terminal_copy_size(int from, int to)
{
        struct winsize w;

        if (ioctl(from, TIOCGWINSZ, &w) == 0)
                ioctl(to, TIOCSWINSZ, &w);
}

int terminal_adopt(int slave)
{
        if (ioctl(slave, TIOCSCTTY, 0) < 0)
                return -errno;
        for (int fd = 0; fd < 3; fd++) {
                if (dup2(slave, fd) < 0)
                        return -errno;
        }
        return 0;
}

static int set_raw(int fd, bool output, struct termios *ret_saved)
{
        struct termios raw;

        if (tcgetattr(fd, &raw) < 0)
                return -errno;
        *ret_saved = raw;
        cfmakeraw(&raw);
        if (!output)
                raw.c_oflag = ret_saved->c_oflag;
        return tcsetattr(fd, TCSANOW, &raw) < 0 ? -errno : 0;
}

/* What is relayed comes with bare newlines (terminal_keep_newlines): this is the terminal that shows them. */
int terminal_set_raw(int fd, struct termios *ret_saved)
{
        return set_raw(fd, false, ret_saved);
}

int terminal_set_raw_whole(int fd, struct termios *ret_saved)
{
        return set_raw(fd, true, ret_saved);
}

int terminal_keep_newlines(int fd)
{
        struct termios t;

        if (tcgetattr(fd, &t) < 0)
                return -errno;
        t.c_oflag &= ~(tcflag_t)ONLCR;
        return tcsetattr(fd, TCSANOW, &t) < 0 ? -errno : 0;
}

int terminal_hide_input(int fd, struct termios *ret_saved)
{
        struct termios t;

        if (tcgetattr(fd, &t) < 0)
                return -errno;
        *ret_saved = t;
        t.c_lflag &= ~(tcflag_t)ECHO;
        t.c_lflag |= ECHONL;
        return tcsetattr(fd, TCSAFLUSH, &t) < 0 ? -errno : 0;
}

void terminal_size(int fd, unsigned *ret_columns, unsigned *ret_rows)
{
        struct winsize size = {};

        (void)ioctl(fd, TIOCGWINSZ, &size);
        *ret_columns = size.ws_col ? size.ws_col : 80;
        *ret_rows = size.ws_row ? size.ws_row : 24;
}
