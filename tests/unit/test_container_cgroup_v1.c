/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, statistics and out-of-memory events by the v1 controllers of the host that runs the test. Needs root. */
#include "cgroup_fixture.h"

#include <inttypes.h>
#include <poll.h>
#include <sys/mman.h>

static bool start(struct fixture *f, const char *name)
{
        if (!can_make_cgroups() || setup_names(f, name) < 0)
                return false;
        if (!cgroup_v1(&f->cg, "memory") || !cgroup_v1(&f->cg, "cpu") || !cgroup_v1(&f->cg, "devices") ||
            !cgroup_v1(&f->cg, "pids") || !cgroup_v1(&f->cg, "cpuset") || !cgroup_v1(&f->cg, "blkio")) {
                cgroup_finish(&f->cg);
                return false;
        }
        return cgroup_create(&f->cg, &f->spec, &f->err) == 0;
}

#define need_v1(f, name)                                                             \
        do {                                                                         \
                if (!start(f, name)) {                                               \
                        print_message("# skipped: needs root and v1 controllers\n"); \
                        skip();                                                      \
                }                                                                    \
        } while (0)

static void finish(struct fixture *f)
{
        if (cgroup_destroy(&f->cg, &f->err) < 0)
                fail_msg("%s", f->err.text);
        cgroup_finish(&f->cg);
}

static uint64_t value(struct fixture *f, const char *controller, const char *file)
{
        uint64_t v = 0;

        assert_int_equal(hierarchy_read_u64(cgroup_v1(&f->cg, controller), file, &v), 0);
        return v;
}

static void assert_text(struct fixture *f, const char *controller, const char *file, const char *want)
{
        char text[4096];

        assert_true(hierarchy_read(cgroup_v1(&f->cg, controller), file, text, sizeof text) >= 0);
        assert_string_equal(text, want);
}

static void test_usual_limits(void **state)
{
        struct spec_resources r = {};
        struct fixture f;

        need_v1(&f, "limits");
        r.memory.limit = (struct opt_i64){ true, 64 << 20 };
        r.memory.swap = (struct opt_i64){ true, 96 << 20 };
        r.memory.reservation = (struct opt_i64){ true, 32 << 20 };
        r.memory.swappiness = (struct opt_u64){ true, 10 };
        r.cpu.shares = (struct opt_u64){ true, 512 };
        r.cpu.quota = (struct opt_i64){ true, 40000 };
        r.cpu.period = (struct opt_u64){ true, 50000 };
        r.cpu.burst = (struct opt_u64){ true, 10000 };
        r.cpu.cpus = "0";
        r.cpu.mems = "0";
        r.pids_limit = (struct opt_i64){ true, 123 };
        assert_ok(cgroup_apply(&f.cg, &r, false, &f.err));
        assert_int_equal(value(&f, "memory", "memory.limit_in_bytes"), 64 << 20);
        assert_int_equal(value(&f, "memory", "memory.memsw.limit_in_bytes"), 96 << 20);
        assert_int_equal(value(&f, "memory", "memory.soft_limit_in_bytes"), 32 << 20);
        assert_int_equal(value(&f, "memory", "memory.swappiness"), 10);
        assert_int_equal(value(&f, "cpu", "cpu.shares"), 512);
        assert_int_equal(value(&f, "cpu", "cpu.cfs_quota_us"), 40000);
        assert_int_equal(value(&f, "cpu", "cpu.cfs_period_us"), 50000);
        assert_int_equal(value(&f, "cpu", "cpu.cfs_burst_us"), 10000);
        assert_text(&f, "cpuset", "cpuset.cpus", "0");
        assert_int_equal(value(&f, "pids", "pids.max"), 123);
        finish(&f);
}

/* As a later command sees the container. */
static void forget_fresh(struct fixture *f)
{
        for (size_t i = 0; i < f->cg.n; i++)
                f->cg.h[i].fresh = false;
}

/* In each step the kernel takes the values in one order only. */
static void test_memory_update_order(void **state)
{
        static const struct {
                int64_t limit, swap;
        } steps[] = { { 64, 64 }, { 128, 128 }, { 32, 48 }, { 256, 512 }, { -1, -1 }, { 16, 16 }, { -1, 0 } };
        struct spec_resources r = {};
        struct fixture f;

        need_v1(&f, "order");
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                int64_t limit = steps[i].limit, swap = steps[i].swap;

                r.memory.limit = (struct opt_i64){ true, limit < 0 ? -1 : limit << 20 };
                r.memory.swap = (struct opt_i64){ swap != 0, swap < 0 ? -1 : swap << 20 };
                forget_fresh(&f);
                assert_ok(cgroup_apply(&f.cg, &r, true, &f.err));
                if (limit > 0) {
                        assert_int_equal(value(&f, "memory", "memory.limit_in_bytes"), limit << 20);
                        assert_int_equal(value(&f, "memory", "memory.memsw.limit_in_bytes"), swap << 20);
                } else {
                        assert_true(value(&f, "memory", "memory.limit_in_bytes") > INT64_MAX / 2);
                        assert_true(value(&f, "memory", "memory.memsw.limit_in_bytes") > INT64_MAX / 2);
                }
        }
        finish(&f);
}

static void assert_refused(struct fixture *f, const struct spec_resources *r, int code, const char *text)
{
        assert_int_equal(cgroup_apply(&f->cg, r, false, &f->err), -code);
        if (!strstr(f->err.text, text))
                fail_msg("\"%s\" does not say \"%s\"", f->err.text, text);
}

static void test_refusals_name_the_limit(void **state)
{
        struct spec_net_priority priority = { "eth0", 1 };
        struct str_pair unified = { "memory.high", "1000000" };
        struct spec_resources r = {};
        struct fixture f;
        char text[32];

        need_v1(&f, "refuse");
        r.memory.swap = (struct opt_i64){ true, 1 << 20 };
        assert_refused(&f, &r, EINVAL, "linux.resources.memory.swap: a swap limit needs a memory limit");
        r = (struct spec_resources){};
        r.cpu.shares = (struct opt_u64){ true, 1 };
        assert_refused(&f, &r, EINVAL, "the minimum allowed cpu-shares is 2");
        r.cpu.shares.v = 300000;
        assert_refused(&f, &r, EINVAL, "the maximum allowed cpu-shares is 262144");
        r = (struct spec_resources){};
        r.memory.swappiness = (struct opt_u64){ true, 101 };
        assert_refused(&f, &r, EINVAL, "linux.resources.memory.swappiness");
        r = (struct spec_resources){};
        r.cpu.cpus = "4000";
        assert_int_equal(cgroup_apply(&f.cg, &r, false, &f.err) < 0, 1);
        assert_non_null(strstr(f.err.text, "linux.resources.cpu.cpus: write \"4000\" to "));
        r = (struct spec_resources){};
        r.blkio.leaf_weight = (struct opt_u64){ true, 300 }; /* gone with cfq, Linux 5.0 */
        assert_refused(&f, &r, EOPNOTSUPP, "linux.resources.blockIO.leafWeight: this host has no blkio.leaf_weight");
        r = (struct spec_resources){};
        if (!cgroup_v1(&f.cg, "net_prio")) {
                r.n_net_priorities = 1;
                r.net_priorities = &priority;
                assert_refused(&f, &r, EOPNOTSUPP, "linux.resources.network.priorities");
                r = (struct spec_resources){};
        }
        r.blkio.weight = (struct opt_u64){ true, 300 };
        r.blkio.leaf_weight.set = false;
        if (hierarchy_read(cgroup_v1(&f.cg, "blkio"), "blkio.bfq.weight", text, sizeof text) > 0) {
                assert_ok(cgroup_apply(&f.cg, &r, false, &f.err));
                assert_text(&f, "blkio", "blkio.bfq.weight", "300");
        }
        r = (struct spec_resources){};
        r.unified = (struct str_map){ 1, &unified };
        assert_refused(&f, &r, EOPNOTSUPP, "linux.resources.unified");
        finish(&f);
}

/* Longer periods first, shorter ones after: the ratio of quota and period must never leave the bounds of the parent. */
static void test_quota_and_period_updates(void **state)
{
        struct spec_resources r = {};
        struct fixture f;

        need_v1(&f, "quota");
        for (uint64_t period = 1000; period <= 1000000; period *= 10) {
                r.cpu.period = (struct opt_u64){ true, period };
                r.cpu.quota = (struct opt_i64){ true, (int64_t)period * 2 };
                assert_ok(cgroup_apply(&f.cg, &r, true, &f.err));
                assert_int_equal(value(&f, "cpu", "cpu.cfs_quota_us"), period * 2);
        }
        r.cpu.period.v = 1000;
        r.cpu.quota.v = 1000;
        r.cpu.burst = (struct opt_u64){ true, 1000 };
        assert_ok(cgroup_apply(&f.cg, &r, true, &f.err));
        /* This burst fits only the new quota. */
        r.cpu.period.v = 100000;
        r.cpu.quota.v = 200000;
        r.cpu.burst.v = 150000;
        assert_ok(cgroup_apply(&f.cg, &r, true, &f.err));
        assert_int_equal(value(&f, "cpu", "cpu.cfs_burst_us"), 150000);
        finish(&f);
}

/* A disk that is none of a loop device's, by its number. */
static bool find_disk(int64_t *ret_major, int64_t *ret_minor)
{
        FILE *partitions = fopen("/proc/partitions", "re");
        char line[128], name[64];
        bool found = false;

        while (partitions && !found && fgets(line, sizeof line, partitions))
                found = sscanf(line, "%" SCNd64 " %" SCNd64 " %*d %63s", ret_major, ret_minor, name) == 3 &&
                        strncmp(name, "loop", 4) != 0;
        if (partitions)
                fclose(partitions);
        return found;
}

static void test_throttles(void **state)
{
        struct spec_blkio_throttle t = { 0, 0, 1000000 };
        struct spec_resources r = {};
        char line[64], text[256];
        struct fixture f;

        need_v1(&f, "throttle");
        if (!cgroup_v1(&f.cg, "blkio") || !find_disk(&t.major, &t.minor)) {
                finish(&f);
                print_message("# skipped: needs v1's blkio and a disk\n");
                skip();
        }
        r.blkio.read_bps = r.blkio.write_iops = (struct spec_blkio_throttles){ 1, &t };
        assert_ok(cgroup_apply(&f.cg, &r, false, &f.err));
        snprintf(line, sizeof line, "%d:%d 1000000", (int)t.major, (int)t.minor);
        assert_true(hierarchy_read(cgroup_v1(&f.cg, "blkio"), "blkio.throttle.read_bps_device", text, sizeof text) > 0);
        assert_string_equal(text, line);
        assert_true(hierarchy_read(cgroup_v1(&f.cg, "blkio"), "blkio.throttle.write_iops_device", text, sizeof text) >
                    0);
        assert_string_equal(text, line);
        finish(&f);
}

static const char builtin_list[] = "c *:* m\nb *:* m\nc 1:3 rwm\nc 1:8 rwm\nc 1:7 rwm\nc 5:0 rwm\nc 1:5 rwm\n"
                                   "c 1:9 rwm\nc 136:* rwm\nc 5:2 rwm\nc 10:200 rwm";

static void test_devices(void **state)
{
        struct spec_device_rule rules[] = { { false, 'a', -1, -1, "rwm" },
                                            { true, 'c', 10, 229, "rw" },
                                            { true, 'b', 8, -1, "r" },
                                            { false, 'b', 8, -1, "r" } };
        struct spec_resources r = { .n_devices = 1, .devices = rules };
        char want[512];
        struct fixture f;

        need_v1(&f, "devices");
        assert_ok(cgroup_apply(&f.cg, NULL, false, &f.err));
        assert_text(&f, "devices", "devices.list", builtin_list);
        /* An update without rules leaves them alone, one with rules writes what has changed. */
        assert_ok(cgroup_apply(&f.cg, &(struct spec_resources){}, true, &f.err));
        assert_text(&f, "devices", "devices.list", builtin_list);
        forget_fresh(&f);
        r.n_devices = 3;
        assert_ok(cgroup_apply(&f.cg, &r, true, &f.err));
        snprintf(want, sizeof want, "%s\nc 10:229 rw\nb 8:* r", builtin_list);
        assert_text(&f, "devices", "devices.list", want);
        r.n_devices = 4;
        assert_ok(cgroup_apply(&f.cg, &r, true, &f.err));
        snprintf(want, sizeof want, "%s\nc 10:229 rw", builtin_list);
        assert_text(&f, "devices", "devices.list", want);
        /* A part of what an earlier rule gave cannot be taken back on v1. */
        rules[3] = (struct spec_device_rule){ false, 'b', 8, 1, "r" };
        assert_int_equal(cgroup_apply(&f.cg, &r, true, &f.err), -EINVAL);
        assert_non_null(strstr(f.err.text, "rule 3"));
        rules[0].allow = true;
        r.n_devices = 1;
        assert_ok(cgroup_apply(&f.cg, &r, true, &f.err));
        assert_text(&f, "devices", "devices.list", "a *:* rwm");
        finish(&f);
}

static void test_devices_are_enforced(void **state)
{
        struct fixture f;
        int status;
        pid_t pid;

        need_v1(&f, "enforce");
        assert_ok(cgroup_apply(&f.cg, NULL, false, &f.err));
        pid = fork();
        if (pid == 0) {
                struct error err;

                if (cgroup_join(&f.cg, false, &err) < 0)
                        _exit(255);
                if (open("/dev/null", O_RDWR) < 0)
                        _exit(254);
                _exit(open("/dev/kmsg", O_RDONLY) < 0 ? errno : 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), access("/dev/kmsg", F_OK) == 0 ? EPERM : ENOENT);
        finish(&f);
}

static const struct json_object *member(struct json_object *o, const char *key, struct json_object **ret)
{
        struct error err;

        if (json_get_object(o, key, ret, &err) != 1)
                fail_msg("no object \"%s\"", key);
        return *ret;
}

static void test_stats(void **state)
{
        struct spec_resources r = { .pids_limit = { true, 50 }, .memory.limit = { true, 64 << 20 } };
        struct json_object *o, *sub, *list;
        own_json struct json_object *root = NULL;
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        struct cgroup_counters counters;
        struct fixture f;
        uint64_t v = 0;
        pid_t pid;

        need_v1(&f, "stats");
        assert_ok(cgroup_apply(&f.cg, &r, false, &f.err));
        pid = start_child(&f);
        json_begin_object(&w, NULL);
        assert_ok(cgroup_stats(&f.cg, &w, "data", &f.err));
        json_end_object(&w);
        assert_ok(json_parse(text.data, text.len, &root, &f.err));
        member(root, "data", &o);
        member(o, "pids", &sub);
        assert_int_equal(json_get_u64(sub, "current", &v, &f.err), 1);
        assert_int_equal(v, 1);
        assert_int_equal(json_get_u64(sub, "limit", &v, &f.err), 1);
        assert_int_equal(v, 50);
        member(o, "memory", &sub);
        member(sub, "raw", &list);
        assert_int_equal(json_get_u64(list, "hierarchical_memory_limit", &v, &f.err), 1);
        assert_int_equal(v, 64 << 20);
        member(sub, "usage", &sub);
        assert_int_equal(json_get_u64(sub, "limit", &v, &f.err), 1);
        assert_int_equal(v, 64 << 20);
        member(o, "cpu", &sub);
        member(sub, "usage", &sub);
        assert_int_equal(json_get_u64(sub, "total", &v, &f.err), 1);
        assert_true(v > 0);
        assert_int_equal(json_get_array(sub, "percpu", &list, &f.err), 1);
        assert_int_equal(json_array_size(list), sysconf(_SC_NPROCESSORS_CONF));
        assert_int_equal(json_get_array(sub, "percpu_kernel", &list, &f.err), 1);
        assert_int_equal(json_array_size(list), sysconf(_SC_NPROCESSORS_CONF));
        member(o, "cpuset", &sub);
        assert_int_equal(json_get_array(sub, "cpus", &list, &f.err), 1);
        assert_true(json_array_size(list) > 0);
        member(o, "blkio", &sub);
        assert_int_equal(json_get_array(sub, "ioServiceBytesRecursive", &list, &f.err), 1);
        member(o, "hugetlb", &sub);
        cgroup_count(&f.cg, &counters);
        assert_true(counters.cpu_ns > 0 && counters.cpu_ns < UINT64_C(60000000000));
        assert_true(counters.memory <= 64 << 20);
        assert_int_equal(counters.memory_limit, 64 << 20);
        assert_int_equal(counters.pids, 1);
        assert_int_equal(counters.pids_limit, 50);
        assert_true(counters.block_read < UINT64_MAX);
        assert_ok(cgroup_kill(&f.cg, SIGKILL, &f.err));
        assert_true(dies(pid));
        finish(&f);
}

static void test_stats_of_nothing(void **state)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        struct fixture f;

        need_v1(&f, "nostats");
        assert_ok(cgroup_destroy(&f.cg, &f.err));
        assert_int_equal(cgroup_stats(&f.cg, &w, "data", &f.err), -ENOENT);
        assert_int_equal(text.len, 0);
        cgroup_finish(&f.cg);
}

static int wait_oom(struct fixture *f, int fd, int timeout_ms)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };

        return poll(&p, 1, timeout_ms) == 1 ? cgroup_oom_seen(&f->cg, fd) : 0;
}

static void test_oom(void **state)
{
        struct spec_resources r = { .memory = { .limit = { true, 8 << 20 }, .swap = { true, 8 << 20 } } };
        own_fd int fd = -1;
        struct fixture f;
        int status;
        bool pri;
        pid_t pid;

        need_v1(&f, "oom");
        assert_ok(cgroup_apply(&f.cg, &r, false, &f.err));
        assert_ok(cgroup_oom_watch(&f.cg, &fd, &pri, &f.err));
        assert_int_equal(wait_oom(&f, fd, 0), 0);
        pid = fork();
        if (pid == 0) {
                struct error err;
                char *p;

                if (cgroup_join(&f.cg, false, &err) < 0)
                        _exit(255);
                p = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
                _exit(p == MAP_FAILED ? 254 : 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(wait_oom(&f, fd, 5000), 1);
        /* The end of the cgroup wakes the watcher too, and is no kill. */
        assert_ok(cgroup_destroy(&f.cg, &f.err));
        assert_int_equal(wait_oom(&f, fd, 5000), 0);
        cgroup_finish(&f.cg);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_usual_limits),
                cmocka_unit_test(test_memory_update_order),
                cmocka_unit_test(test_refusals_name_the_limit),
                cmocka_unit_test(test_quota_and_period_updates),
                cmocka_unit_test(test_throttles),
                cmocka_unit_test(test_devices),
                cmocka_unit_test(test_devices_are_enforced),
                cmocka_unit_test(test_stats),
                cmocka_unit_test(test_stats_of_nothing),
                cmocka_unit_test(test_oom),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
