/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup2's limits and statistics, written to and read from a directory that only looks like one. */
#include "cgroup_fixture.h"

#include "container/cgroup/controllers.h"
#include "container/cgroup/limits.h"
#include "sys/fd.h"

struct tree {
        char root[128];
        struct cgroup cg;
        struct error err;
};

static void put(struct tree *t, const char *path, const char *text)
{
        char full[512];
        own_fd int fd = -1;

        snprintf(full, sizeof full, "%s/%s", t->root, path);
        fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void assert_file(struct tree *t, const char *path, const char *want)
{
        char full[512], text[512];

        snprintf(full, sizeof full, "%s/%s", t->root, path);
        assert_true(fd_read_file_at(AT_FDCWD, full, text, sizeof text) >= 0);
        assert_string_equal(text, want);
        put(t, path, "");
}

static void make_directory(struct tree *t, const char *path)
{
        char full[512];

        snprintf(full, sizeof full, "%s/%s", t->root, path);
        assert_int_equal(mkdir(full, 0755), 0);
}

static int setup(void **state)
{
        static const char *const files[] = {
                "cpu.weight", "cpu.max",         "cpu.max.burst",        "cpu.idle",    "cpuset.cpus",   "cpuset.mems",
                "memory.max", "memory.low",      "memory.swap.max",      "pids.max",    "io.max",        "io.weight",
                "rdma.max",   "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max", "memory.high", "cgroup.freeze",
        };
        struct tree *t = calloc(1, sizeof *t);
        char path[64];

        snprintf(t->root, sizeof t->root, "%s/holt-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
        if (!mkdtemp(t->root))
                return -1;
        t->cg = (struct cgroup){ .unified = true, .n = 1 };
        t->cg.h[0] = (struct cgroup_hierarchy){
                .name = "", .root = t->root, .path = "/a/c", .fd = -1, .tasks_fd = -1, .payload_fd = -1
        };
        make_directory(t, "a");
        make_directory(t, "a/c");
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                snprintf(path, sizeof path, "a/c/%s", files[i]);
                put(t, path, "");
        }
        *state = t;
        return 0;
}

static int teardown(void **state)
{
        struct tree *t = *state;

        fd_remove_tree_at(AT_FDCWD, t->root);
        cgroup_finish(&t->cg);
        free(t);
        return 0;
}

typedef int (*writer)(struct limits *l);

static int apply(struct tree *t, writer set, const struct spec_resources *r, bool update)
{
        struct limits l = { .cg = &t->cg, .h = &t->cg.h[0], .res = r, .update = update, .err = &t->err };

        return set(&l);
}

static void apply_ok(struct tree *t, writer set, const struct spec_resources *r)
{
        if (apply(t, set, r, false) < 0)
                fail_msg("%s", t->err.text);
}

static void apply_refused(struct tree *t, writer set, const struct spec_resources *r, int code, const char *text)
{
        assert_int_equal(apply(t, set, r, false), -code);
        if (!strstr(t->err.text, text))
                fail_msg("\"%s\" does not say \"%s\"", t->err.text, text);
}

static void test_cpu(void **state)
{
        struct spec_resources r = {};
        struct tree *t = *state;

        r.cpu.shares = (struct opt_u64){ true, 1024 };
        r.cpu.quota = (struct opt_i64){ true, 50000 };
        r.cpu.burst = (struct opt_u64){ true, 7000 };
        apply_ok(t, limits_v2_cpu, &r);
        assert_file(t, "a/c/cpu.weight", "39");
        assert_file(t, "a/c/cpu.max", "50000 100000");
        assert_file(t, "a/c/cpu.max.burst", "7000");

        r = (struct spec_resources){ .cpu = { .period = { true, 20000 } } };
        apply_ok(t, limits_v2_cpu, &r);
        assert_file(t, "a/c/cpu.max", "max 20000");
        r = (struct spec_resources){ .cpu = { .period = { true, 20000 }, .quota = { true, -1 } } };
        apply_ok(t, limits_v2_cpu, &r);
        assert_file(t, "a/c/cpu.max", "max 20000");

        /* An idle cgroup takes no weight. */
        r = (struct spec_resources){ .cpu = { .idle = { true, 1 }, .shares = { true, 1024 } } };
        apply_ok(t, limits_v2_cpu, &r);
        assert_file(t, "a/c/cpu.idle", "1");
        assert_file(t, "a/c/cpu.weight", "");

        r = (struct spec_resources){ .cpu = { .realtime_runtime = { true, 1000 } } };
        apply_refused(t, limits_v2_cpu, &r, EOPNOTSUPP, "linux.resources.cpu.realtimeRuntime");
        r = (struct spec_resources){ .cpu = { .realtime_period = { true, 1000 } } };
        apply_refused(t, limits_v2_cpu, &r, EOPNOTSUPP, "linux.resources.cpu.realtimePeriod");
}

static void test_cpuset_and_pids(void **state)
{
        struct spec_resources r = { .cpu = { .cpus = "0-1,3", .mems = "0" }, .pids_limit = { true, 77 } };
        struct tree *t = *state;

        apply_ok(t, limits_v2_cpuset, &r);
        assert_file(t, "a/c/cpuset.cpus", "0-1,3");
        assert_file(t, "a/c/cpuset.mems", "0");
        apply_ok(t, limits_v2_pids, &r);
        assert_file(t, "a/c/pids.max", "77");
        r.pids_limit.v = -1;
        apply_ok(t, limits_v2_pids, &r);
        assert_file(t, "a/c/pids.max", "max");
}

static void test_memory(void **state)
{
        struct spec_resources r = {};
        struct tree *t = *state;
        char path[512];

        r.memory =
                (struct spec_memory){ .limit = { true, 1000 }, .swap = { true, 1500 }, .reservation = { true, 600 } };
        apply_ok(t, limits_v2_memory, &r);
        assert_file(t, "a/c/memory.max", "1000");
        assert_file(t, "a/c/memory.swap.max", "500");
        assert_file(t, "a/c/memory.low", "600");

        r.memory = (struct spec_memory){ .limit = { true, 1000 }, .swap = { true, 1000 } };
        apply_ok(t, limits_v2_memory, &r);
        assert_file(t, "a/c/memory.swap.max", "0");
        assert_file(t, "a/c/memory.max", "1000");
        r.memory = (struct spec_memory){ .limit = { true, -1 }, .reservation = { true, -1 } };
        apply_ok(t, limits_v2_memory, &r);
        assert_file(t, "a/c/memory.max", "max");
        assert_file(t, "a/c/memory.swap.max", "max");
        assert_file(t, "a/c/memory.low", "max");

        r.memory = (struct spec_memory){ .swap = { true, 1500 } };
        apply_refused(t, limits_v2_memory, &r, EINVAL, "a swap limit needs a memory limit");
        put(t, "a/c/memory.max", "1200\n");
        assert_int_equal(apply(t, limits_v2_memory, &r, true), 0);
        assert_file(t, "a/c/memory.swap.max", "300");
        put(t, "a/c/memory.max", "max\n");
        assert_int_equal(apply(t, limits_v2_memory, &r, true), -EINVAL);
        r.memory = (struct spec_memory){ .limit = { true, 1000 }, .swap = { true, 900 } };
        apply_refused(t, limits_v2_memory, &r, EINVAL, "cannot be less than memory");

        put(t, "a/c/memory.current", "2000\n");
        r.memory = (struct spec_memory){ .limit = { true, 1000 }, .check_before_update = { true, true } };
        apply_refused(t, limits_v2_memory, &r, EBUSY, "rejecting memory limit 1000 <= usage 2000");

        /* A kernel that counts no swap: nothing to forbid, but a limit cannot be kept. */
        snprintf(path, sizeof path, "%s/a/c/memory.swap.max", t->root);
        assert_int_equal(unlink(path), 0);
        r.memory = (struct spec_memory){ .limit = { true, 3000 }, .swap = { true, 3000 } };
        apply_ok(t, limits_v2_memory, &r);
        r.memory.swap.v = 4000;
        apply_refused(t, limits_v2_memory, &r, EOPNOTSUPP, "linux.resources.memory.swap: this host has no memory.swap");
}

static void test_io(void **state)
{
        struct spec_blkio_throttle rate = { 8, 0, 1048576 };
        struct spec_blkio_weight_device device = { .major = 8, .minor = 16, .weight = { true, 1000 } };
        struct spec_resources r = {};
        struct tree *t = *state;

        r.blkio.weight = (struct opt_u64){ true, 10 };
        apply_ok(t, limits_v2_io, &r);
        assert_file(t, "a/c/io.weight", "default 1");
        put(t, "a/c/io.bfq.weight", "");
        apply_ok(t, limits_v2_io, &r);
        assert_file(t, "a/c/io.bfq.weight", "10");
        r = (struct spec_resources){ .blkio = { .n_weight_devices = 1, .weight_devices = &device } };
        apply_ok(t, limits_v2_io, &r);
        assert_file(t, "a/c/io.bfq.weight", "8:16 1000");

        r = (struct spec_resources){ .blkio = { .read_bps = { 1, &rate } } };
        apply_ok(t, limits_v2_io, &r);
        assert_file(t, "a/c/io.max", "8:0 rbps=1048576");
        r = (struct spec_resources){ .blkio = { .write_iops = { 1, &rate } } };
        rate.rate = 0;
        apply_ok(t, limits_v2_io, &r);
        assert_file(t, "a/c/io.max", "8:0 wiops=max");
        r = (struct spec_resources){ .blkio = { .leaf_weight = { true, 10 } } };
        apply_refused(t, limits_v2_io, &r, EOPNOTSUPP, "linux.resources.blockIO.leafWeight");
}

static void test_hugetlb_and_rdma(void **state)
{
        struct spec_hugepage_limit pages[] = { { "2MB", 4 << 20 }, { "1GB", 1 << 30 } };
        struct spec_rdma rdma = { "mlx5_1", { true, 3 }, { true, 10000 } };
        struct spec_resources r = { .n_hugepages = 1, .hugepages = pages, .n_rdma = 1, .rdma = &rdma };
        struct tree *t = *state;

        apply_ok(t, limits_v2_hugetlb, &r);
        assert_file(t, "a/c/hugetlb.2MB.max", "4194304");
        assert_file(t, "a/c/hugetlb.2MB.rsvd.max", "4194304");
        r.n_hugepages = 2;
        apply_refused(t, limits_v2_hugetlb, &r, EOPNOTSUPP, "this host has no hugetlb.1GB.max");
        apply_ok(t, limits_v2_rdma, &r);
        assert_file(t, "a/c/rdma.max", "mlx5_1 hca_handle=3 hca_object=10000");
}

static void test_unified(void **state)
{
        struct str_pair pairs[] = { { "memory.high", "12345" }, { "memory.max", "max" } };
        struct spec_resources r = { .unified = { 2, pairs } };
        struct tree *t = *state;

        apply_ok(t, limits_v2_unified, &r);
        assert_file(t, "a/c/memory.high", "12345");
        assert_file(t, "a/c/memory.max", "max");
        pairs[1].key = "../cgroup.procs";
        apply_refused(t, limits_v2_unified, &r, EINVAL, "not of the form CONTROLLER.PARAMETER");
        pairs[1].key = "memory";
        apply_refused(t, limits_v2_unified, &r, EINVAL, "not of the form CONTROLLER.PARAMETER");
        pairs[1].key = "mem.none";
        put(t, "a/c/cgroup.controllers", "cpu pids\n");
        apply_refused(t, limits_v2_unified, &r, EOPNOTSUPP, "its controllers: cpu pids");
}

/* The whole table: what v2 has no controller for is refused by name. */
static void test_apply_without_controller(void **state)
{
        struct spec_resources r = { .net_class_id = { true, 7 } };
        struct tree *t = *state;

        t->cg.rootless = true; /* the device filter needs a real cgroup */
        assert_int_equal(cgroup_apply(&t->cg, &r, false, &t->err), -EOPNOTSUPP);
        assert_string_equal(t->err.text, "linux.resources.network.classID: cgroup v2 has no controller net_cls");
        r = (struct spec_resources){ .pids_limit = { true, 5 } };
        assert_int_equal(cgroup_apply(&t->cg, &r, false, &t->err), 0);
        assert_file(t, "a/c/pids.max", "5");
        r = (struct spec_resources){ .pids_limit = { true, 0 }, .memory = { .limit = { true, 0 } } };
        assert_int_equal(cgroup_apply(&t->cg, &r, false, &t->err), 0);
        assert_file(t, "a/c/pids.max", "");
}

static void test_enable_controllers(void **state)
{
        struct spec_resources r = {};
        struct tree *t = *state;

        assert_int_equal(hierarchy_open(&t->cg.h[0]), 0);
        put(t, "cgroup.controllers", "cpuset cpu io memory pids net_strange\n");
        put(t, "cgroup.subtree_control", "cpu\n");
        put(t, "a/cgroup.controllers", "cpu memory\n");
        put(t, "a/cgroup.subtree_control", "");
        put(t, "a/c/cgroup.controllers", "");
        put(t, "a/c/cgroup.subtree_control", "");
        controllers_enable(&t->cg, &t->cg.h[0], &r);
        assert_file(t, "cgroup.subtree_control", "+cpuset +io +memory +pids");
        assert_file(t, "a/cgroup.subtree_control", "+cpu +memory");
        assert_file(t, "a/c/cgroup.subtree_control", "");

        /* Nothing is written when the container has what it needs. */
        put(t, "a/c/cgroup.controllers", "cpu io memory pids\n");
        controllers_enable(&t->cg, &t->cg.h[0], &r);
        assert_file(t, "cgroup.subtree_control", "");
        r.cpu.cpus = "0";
        controllers_enable(&t->cg, &t->cg.h[0], &r);
        assert_file(t, "a/cgroup.subtree_control", "+cpu +memory");
}

static void test_payload(void **state)
{
        struct spec spec = { .linux_.cgroups_path = "/a/c" };
        struct tree *t = *state;
        char path[PATH_MAX];
        struct stat st;

        t->cg.split = true;
        put(t, "a/c/cgroup.events", "populated 0\nfrozen 0\n");
        put(t, "a/c/cgroup.controllers", "cpu memory\n");
        put(t, "a/c/cgroup.subtree_control", "");
        assert_int_equal(cgroup_create(&t->cg, &spec, &t->err), 0);
        assert_string_equal(cgroup_visible_path(&t->cg, &t->cg.h[0], path), "/a/c/payload");
        assert_int_not_equal(cgroup_clone_fd(&t->cg), t->cg.h[0].fd);
        assert_file(t, "a/c/cgroup.subtree_control", "+cpu +memory");
        snprintf(path, sizeof path, "%s/a/c/payload", t->root);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(rmdir(path), 0);
}

static void test_frozen_is_refused(void **state)
{
        struct spec spec = { .linux_.cgroups_path = "/a/c" };
        struct tree *t = *state;

        put(t, "a/c/cgroup.events", "populated 0\nfrozen 1\n");
        assert_int_equal(cgroup_create(&t->cg, &spec, &t->err), -EBUSY);
        assert_non_null(strstr(t->err.text, "unexpectedly frozen"));
        put(t, "a/c/cgroup.events", "populated 1\nfrozen 0\n");
        assert_int_equal(cgroup_create(&t->cg, &spec, &t->err), -EBUSY);
        assert_non_null(strstr(t->err.text, "is not empty"));
        put(t, "a/c/cgroup.events", "populated 0\nfrozen 0\n");
        assert_int_equal(cgroup_create(&t->cg, &spec, &t->err), 0);
        assert_true(cgroup_clone_fd(&t->cg) >= 0);
}

static void test_is_frozen(void **state)
{
        struct tree *t = *state;

        put(t, "a/c/cgroup.freeze", "0\n");
        put(t, "a/c/cgroup.events", "populated 1\nfrozen 1\n");
        assert_int_equal(cgroup_is_frozen(&t->cg), 0); /* a parent's doing */
        put(t, "a/c/cgroup.freeze", "1\n");
        assert_int_equal(cgroup_is_frozen(&t->cg), 1);
        put(t, "a/c/cgroup.events", "populated 1\nfrozen 0\n");
        assert_int_equal(cgroup_is_frozen(&t->cg), 0); /* freezing */
}

static void test_stats(void **state)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        struct tree *t = *state;

        put(t, "a/c/cgroup.procs", "");
        put(t, "a/c/cpu.stat",
            "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 4\nnr_throttled 1\n"
            "throttled_usec 9\n");
        put(t, "a/c/cpu.pressure",
            "some avg10=0.10 avg60=0.00 avg300=0.00 total=7\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
        put(t, "a/c/memory.stat", "anon 1\nfile 4096\n");
        put(t, "a/c/memory.current", "5000\n");
        put(t, "a/c/memory.peak", "6000\n");
        put(t, "a/c/memory.max", "9000\n");
        put(t, "a/c/memory.swap.current", "10\n");
        put(t, "a/c/memory.swap.max", "max\n");
        put(t, "a/c/pids.current", "2\n");
        put(t, "a/c/pids.max", "max\n");
        put(t, "a/c/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n253:1 \n");
        assert_int_equal(cgroup_stats(&t->cg, &w, NULL, &t->err), 0);
        assert_non_null(strstr(text.data,
                               "{\"cpu\":{\"usage\":{\"total\":5000,\"kernel\":2000,\"user\":3000},\"throttling\":"
                               "{\"periods\":4,\"throttledPeriods\":1,\"throttledTime\":9000},\"psi\":{\"some\":"
                               "{\"avg10\":0.10,\"avg60\":0.00,\"avg300\":0.00,\"total\":7},\"full\":"
                               "{\"avg10\":0.00,\"avg60\":0.00,\"avg300\":0.00,\"total\":0}}},"));
        assert_non_null(strstr(text.data, "\"memory\":{\"cache\":4096,\"usage\":{\"limit\":9000,\"usage\":5000,"
                                          "\"max\":6000,\"failcnt\":0},\"swap\":{\"limit\":18446744073709551615,"
                                          "\"usage\":5010,\"failcnt\":0},"));
        assert_non_null(strstr(text.data, "\"raw\":{\"anon\":1,\"file\":4096}"));
        assert_non_null(strstr(text.data, "\"pids\":{\"current\":2}"));
        assert_non_null(strstr(text.data, "\"blkio\":{\"ioServiceBytesRecursive\":[{\"major\":8,\"op\":\"Read\","
                                          "\"value\":1},{\"major\":8,\"op\":\"Write\",\"value\":2}],"
                                          "\"ioServicedRecursive\":[{\"major\":8,\"op\":\"Read\",\"value\":3},"
                                          "{\"major\":8,\"op\":\"Write\",\"value\":4}]}"));
}

static void test_count(void **state)
{
        struct cgroup_counters c;
        struct tree *t = *state;

        put(t, "a/c/cgroup.procs", "");
        cgroup_count(&t->cg, &c);
        assert_true(c.cpu_ns == UINT64_MAX && c.memory == UINT64_MAX && c.memory_limit == UINT64_MAX);
        assert_true(c.block_read == UINT64_MAX && c.psi_io_us == UINT64_MAX && c.pids == 0);
        put(t, "a/c/cpu.stat", "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_throttled 1\nthrottled_usec 9\n");
        put(t, "a/c/cpu.pressure", "some avg10=0.10 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 total=1\n");
        put(t, "a/c/memory.pressure", "");
        put(t, "a/c/memory.stat", "anon 1\ninactive_file 4000\nfile 4096\n");
        put(t, "a/c/memory.current", "5000\n");
        put(t, "a/c/memory.max", "9000\n");
        put(t, "a/c/pids.current", "2\n");
        put(t, "a/c/pids.max", "max\n");
        put(t, "a/c/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4\n253:1 \n8:16 rbytes=10 wbytes=20 rios=3 wios=4\n");
        cgroup_count(&t->cg, &c);
        assert_int_equal(c.cpu_ns, 5000);
        assert_int_equal(c.cpu_user_ns, 3000);
        assert_int_equal(c.cpu_system_ns, 2000);
        assert_int_equal(c.throttled_ns, 9000);
        assert_int_equal(c.memory, 1000);
        assert_int_equal(c.memory_limit, 9000);
        assert_int_equal(c.pids, 2);
        assert_true(c.pids_limit == UINT64_MAX);
        assert_int_equal(c.block_read, 11);
        assert_int_equal(c.block_write, 22);
        assert_int_equal(c.psi_cpu_us, 7);
        assert_true(c.psi_memory_us == UINT64_MAX && c.psi_io_us == UINT64_MAX);
}

static void test_oom(void **state)
{
        struct tree *t = *state;
        own_fd int fd = -1;
        bool pri;

        put(t, "a/c/memory.events", "low 0\noom 2\noom_kill 3\n");
        assert_int_equal(cgroup_oom_watch(&t->cg, &fd, &pri, &t->err), 0);
        assert_int_equal(cgroup_oom_seen(&t->cg, fd), 0);
        put(t, "a/c/memory.events", "low 1\noom 2\noom_kill 3\n");
        assert_int_equal(cgroup_oom_seen(&t->cg, fd), 0);
        put(t, "a/c/memory.events", "low 1\noom 3\noom_kill 4\n");
        assert_int_equal(cgroup_oom_seen(&t->cg, fd), 1);
        assert_int_equal(cgroup_oom_seen(&t->cg, fd), 0);
}

#define tree_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                tree_test(test_cpu),
                tree_test(test_cpuset_and_pids),
                tree_test(test_memory),
                tree_test(test_io),
                tree_test(test_hugetlb_and_rdma),
                tree_test(test_unified),
                tree_test(test_apply_without_controller),
                tree_test(test_enable_controllers),
                tree_test(test_payload),
                tree_test(test_frozen_is_refused),
                tree_test(test_is_frozen),
                tree_test(test_stats),
                tree_test(test_count),
                tree_test(test_oom),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
