/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/memory_short.h"
#include "sys/fd.h"

static char proc[64];

static int setup(void **state)
{
        char path[96];

        snprintf(proc, sizeof(proc), "/tmp/holt-memory.XXXXXX");
        if (!mkdtemp(proc))
                return -1;
        snprintf(path, sizeof(path), "%s/pressure", proc);
        return mkdir(path, 0700);
}

static int teardown(void **state)
{
        return fd_remove_tree_at(AT_FDCWD, proc);
}

static void put(const char *name, const char *text)
{
        char path[96];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", proc, name);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

static void test_short(void **state)
{
        /* Nothing that says how much there is. */
        assert_true(memory_is_short(proc));
        assert_true(memory_is_short("/no/such"));

        put("meminfo", "MemTotal:        4000000 kB\nMemFree:          100000 kB\nMemAvailable:    1000000 kB\n");
        assert_false(memory_is_short(proc));
        put("meminfo", "MemTotal:        4000000 kB\nMemFree:          990000 kB\nMemAvailable:     999999 kB\n");
        assert_true(memory_is_short(proc));
        /* Free memory that the kernel does not call available. */
        put("meminfo", "MemTotal:        4000000 kB\nMemFree:         3000000 kB\n");
        assert_true(memory_is_short(proc));
}

static void test_pressure(void **state)
{
        put("meminfo", "MemTotal:        4000000 kB\nMemAvailable:    3000000 kB\n");
        put("pressure/memory", "some avg10=10.99 avg60=90.00 avg300=90.00 total=1\nfull avg10=90.00 avg60=0.00\n");
        assert_false(memory_is_short(proc));
        put("pressure/memory", "some avg10=11.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00\n");
        assert_true(memory_is_short(proc));
}

/* What the kernel understands; a host without that has nothing to watch. */
static void test_watch(void **state)
{
        own_fd int there = open("/proc/pressure/memory", O_RDWR | O_CLOEXEC), fd = memory_watch("/proc");
        struct pollfd p = { .fd = fd, .events = POLLPRI };
        char text[256] = "";

        if (there >= 0 && write(there, "some 150000 1000000", 20) == 20)
                assert_true(fd >= 0);
        if (fd >= 0) {
                assert_true(poll(&p, 1, 0) >= 0);
                assert_false(p.revents & (POLLERR | POLLNVAL));
        }
        assert_int_equal(memory_watch(proc), -1);

        put("pressure/memory", "");
        close(take_fd(&fd));
        fd = memory_watch(proc);
        assert_true(fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) > 0);
        assert_string_equal(text, "some 150000 1000000");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_short, setup, teardown),
                cmocka_unit_test_setup_teardown(test_pressure, setup, teardown),
                cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
