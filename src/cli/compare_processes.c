/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare_processes.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/grow.h"
#include "base/own.h"
#include "sys/fd.h"

enum { MAX_DEPTH = 100, STATE_LENGTH = 4 /* ") S " */ };

/* Whom holt-vm leaves behind (monitor/pool.h). */
#define WAITER "(holt-vm-pool)"

struct process {
        pid_t pid, parent;
        bool is_waiter;
};

struct processes {
        struct process *items;
        size_t n, cap;
};

/* The fourth field of /proc/PID/stat; the second one is in brackets, and may have some of its own. */
static pid_t read_process(pid_t pid, bool *is_waiter)
{
        char path[40], text[1024], *end;
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        n = fd_read_file_at(AT_FDCWD, path, text, sizeof text);
        if (n < 0)
                return (pid_t)n;
        end = strrchr(text, ')');
        *is_waiter = strstr(text, WAITER);
        return end && strlen(end) > STATE_LENGTH ? (pid_t)strtol(end + STATE_LENGTH, NULL, 10) : -EINVAL;
}

pid_t compare_parent_of(pid_t pid)
{
        bool ignored;

        return read_process(pid, &ignored);
}

static int list_processes(struct processes *ret)
{
        own_dir DIR *dir = opendir("/proc");
        const struct dirent *d;

        if (!dir)
                return -errno;
        while ((d = readdir(dir))) {
                struct process p = { .pid = (pid_t)strtol(d->d_name, NULL, 10) };

                if (!isdigit((unsigned char)*d->d_name))
                        continue;
                p.parent = read_process(p.pid, &p.is_waiter);
                if (p.parent < 0)
                        continue;
                if (array_grow(&ret->items, &ret->cap, ret->n + 1, sizeof p) < 0)
                        return -ENOMEM;
                ret->items[ret->n++] = p;
        }
        return 0;
}

/* 0: it is nobody's. */
static pid_t parent_in(const struct processes *all, pid_t pid)
{
        for (size_t i = 0; i < all->n; i++)
                if (all->items[i].pid == pid)
                        return all->items[i].is_waiter ? 0 : all->items[i].parent;
        return 0;
}

pid_t compare_child_of(pid_t pid)
{
        struct processes all = {};
        pid_t child = 0;

        if (list_processes(&all) == 0)
                for (size_t i = 0; i < all.n && !child; i++)
                        child = all.items[i].parent == pid ? all.items[i].pid : 0;
        free(all.items);
        return child;
}

/* How many generations below the first; -1: not of the family. */
static int depth_of(const struct processes *all, pid_t pid, pid_t first)
{
        for (int depth = 0; pid > 0 && depth < MAX_DEPTH; depth++) {
                if (pid == first)
                        return depth;
                pid = parent_in(all, pid);
        }
        return -1;
}

/* The process's own clock, which counts its dead threads as well; 0 for one that is gone. */
static uint64_t cpu_of(pid_t pid)
{
        struct timespec t;
        clockid_t clock;

        if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
                return 0;
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* 0 for one that is gone, or has no memory any more. */
static uint64_t memory_of(pid_t pid, bool *hidden)
{
        char path[48], text[2048];
        const char *at;
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
        n = fd_read_file_at(AT_FDCWD, path, text, sizeof text);
        if (n == -EACCES || n == -EPERM)
                *hidden = true;
        at = n > 0 ? strstr(text, "\nPss:") : NULL;
        return at ? strtoull(at + strlen("\nPss:"), NULL, 10) * 1024 : 0;
}

int compare_look(const struct compare_family *f, struct compare_look *ret)
{
        struct processes all = {};
        struct compare_look look = {};
        int r = list_processes(&all);

        for (size_t i = 0; r == 0 && i < all.n; i++) {
                pid_t pid = all.items[i].pid;
                int depth = depth_of(&all, pid, f->first);
                enum compare_part part = depth < 0 ? COMPARE_PARTS : f->parts[depth < 2 ? depth : 2];

                if (part == COMPARE_PARTS)
                        continue;
                look.cpu[part] += cpu_of(pid);
                look.memory[part] += memory_of(pid, &look.hidden);
        }
        free(all.items);
        if (r == 0)
                *ret = look;
        return r;
}
