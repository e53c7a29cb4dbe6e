/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/process_row.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "sys/fd.h"

enum { MAX_COMMAND = 1 << 17, PTS_MAJOR = 136, PTS_MAJORS = 8, TTY_MAJOR = 4, SERIAL_MINOR = 64 };

/* The fields of /proc/PID/stat that are used, counted from the state, which is the third. */
enum { FIELD_STATE, FIELD_PPID, FIELD_TTY = 4, FIELD_UTIME = 11, FIELD_STIME, FIELD_START = 19, N_FIELDS };

void process_clock_read(struct process_clock *c)
{
        struct timespec up;

        clock_gettime(CLOCK_BOOTTIME, &up);
        c->now = time(NULL);
        c->boot = c->now - up.tv_sec;
        c->ticks = (unsigned)sysconf(_SC_CLK_TCK);
}

void process_row_finish(struct process_row *r)
{
        buf_finish(&r->command);
}

static void show_start(int64_t start, int64_t now, char *ret, size_t size)
{
        time_t began = start, current = now;
        struct tm at, today;

        snprintf(ret, size, "?");
        if (!localtime_r(&began, &at) || !localtime_r(&current, &today))
                return;
        if (at.tm_year != today.tm_year)
                strftime(ret, size, "%Y", &at);
        else
                strftime(ret, size, at.tm_yday == today.tm_yday ? "%H:%M" : "%b%d", &at);
}

static void show_terminal(uint32_t device, char *ret, size_t size)
{
        unsigned major = device >> 8 & 0xfff, minor = (device & 0xff) | (device >> 12 & 0xfff00);

        if (major >= PTS_MAJOR && major < PTS_MAJOR + PTS_MAJORS)
                snprintf(ret, size, "pts/%u", (major - PTS_MAJOR) << 8 | minor);
        else if (major == TTY_MAJOR)
                snprintf(ret, size, minor < SERIAL_MINOR ? "tty%u" : "ttyS%u", minor % SERIAL_MINOR);
        else
                snprintf(ret, size, "?");
}

static void show_time(uint64_t seconds, char *ret, size_t size)
{
        snprintf(ret, size, "%02" PRIu64 ":%02u:%02u", seconds / 3600, (unsigned)(seconds / 60 % 60),
                 (unsigned)(seconds % 60));
}

static uint64_t number(const char *text)
{
        int64_t n = 0;

        return parse_i64(text, &n) == 0 ? (uint64_t)n : 0;
}

/* The name, in brackets, may hold brackets and spaces. */
static int split_stat(char *text, char **ret_name, char *fields[N_FIELDS])
{
        char *open = strchr(text, '('), *close = strrchr(text, ')'), *rest;

        if (!open || !close || close[1] != ' ')
                return -EINVAL;
        *close = '\0';
        *ret_name = open + 1;
        rest = close + 2;
        for (size_t i = 0; i < N_FIELDS; i++) {
                if (!rest)
                        return -EINVAL;
                fields[i] = strsep(&rest, " ");
        }
        return 0;
}

static void read_fields(char *fields[N_FIELDS], const struct process_clock *c, struct process_row *r)
{
        uint64_t ticks = number(fields[FIELD_UTIME]) + number(fields[FIELD_STIME]);
        int64_t start = c->boot + (int64_t)(number(fields[FIELD_START]) / c->ticks), age = c->now - start;

        r->ppid = (pid_t)number(fields[FIELD_PPID]);
        r->percent = age > 0 ? (unsigned)(ticks * 100 / c->ticks / (uint64_t)age) : 0;
        show_start(start, c->now, r->stime, sizeof r->stime);
        show_terminal((uint32_t)number(fields[FIELD_TTY]), r->tty, sizeof r->tty);
        show_time(ticks / c->ticks, r->time, sizeof r->time);
}

/* "Uid:\tREAL\tEFFECTIVE\t..." */
static uid_t read_uid(int dir)
{
        char text[4096], *line, *rest;
        uint32_t uid = 0;

        if (fd_read_file_at(dir, "status", text, sizeof text) <= 0 || !(line = strstr(text, "\nUid:\t")))
                return 0;
        rest = line + 6;
        strsep(&rest, "\t");
        if (rest)
                (void)parse_u32(strsep(&rest, "\t"), 10, &uid);
        return uid;
}

static void read_command(int dir, const char *name, bool dead, struct buf *ret)
{
        own_fd int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);

        if (fd >= 0)
                (void)fd_read_all(fd, MAX_COMMAND, ret);
        while (ret->len && !ret->data[ret->len - 1])
                ret->len--;
        for (size_t i = 0; i < ret->len; i++)
                if (!ret->data[i])
                        ret->data[i] = ' ';
        if (!ret->len)
                buf_addf(ret, "[%s]%s", name, dead ? " <defunct>" : "");
}

int process_row_read(const char *proc, pid_t pid, const struct process_clock *c, struct process_row *ret)
{
        char path[64], text[4096], *name, *fields[N_FIELDS];
        struct process_row r = { .pid = pid };
        own_fd int dir = -1;

        snprintf(path, sizeof path, "%s/%d", proc, (int)pid);
        dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || fd_read_file_at(dir, "stat", text, sizeof text) <= 0 || split_stat(text, &name, fields) < 0)
                return -ESRCH;
        read_fields(fields, c, &r);
        r.uid = read_uid(dir);
        read_command(dir, name, *fields[FIELD_STATE] == 'Z', &r.command);
        *ret = r;
        return 0;
}
