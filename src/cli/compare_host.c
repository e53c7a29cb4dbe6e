/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare_host.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "sys/fd.h"

enum { WATCH_MS = 500 };

struct ticks {
        uint64_t all, idle;
};

/* The first line of /proc/stat: user nice system idle iowait irq softirq steal. What a hypervisor takes away counts as
 * used by others. */
static struct ticks read_ticks(void)
{
        struct ticks t = {};
        char text[512], *at = text;

        if (fd_read_file_at(AT_FDCWD, "/proc/stat", text, sizeof text) <= 0 && strncmp(text, "cpu ", 4) != 0)
                return t;
        text[strcspn(text, "\n")] = '\0';
        at += strlen("cpu");
        for (unsigned i = 0; i < 8 && *at; i++) {
                uint64_t n = strtoull(at, &at, 10);

                t.all += n;
                if (i == 3 || i == 4)
                        t.idle += n;
        }
        return t;
}

static double watch_others(void)
{
        const struct timespec time = { .tv_nsec = WATCH_MS * 1000000L };
        struct ticks before = read_ticks(), after;

        nanosleep(&time, NULL);
        after = read_ticks();
        if (after.all <= before.all)
                return 0;
        return 1 - (double)(after.idle - before.idle) / (double)(after.all - before.all);
}

static void read_model(char *ret, size_t size)
{
        FILE *f = fopen("/proc/cpuinfo", "re");
        char line[512];

        snprintf(ret, size, "unknown processor");
        while (f && fgets(line, sizeof line, f)) {
                const char *value = strchr(line, ':');

                if (!value || strncmp(line, "model name", 10) != 0)
                        continue;
                line[strcspn(line, "\n")] = '\0';
                snprintf(ret, size, "%s", value + 1 + strspn(value + 1, " \t"));
                break;
        }
        if (f)
                fclose(f);
}

void compare_host_read(struct compare_host *ret)
{
        struct utsname system = {};

        *ret = (struct compare_host){};
        read_model(ret->cpu, sizeof ret->cpu);
        (void)uname(&system);
        snprintf(ret->kernel, sizeof ret->kernel, "%s", *system.release ? system.release : "unknown");
        ret->cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
        ret->memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
        if (getloadavg(&ret->load, 1) < 1)
                ret->load = 0;
        ret->busy = watch_others();
}
