/* SPDX-License-Identifier: Apache-2.0 */
#include "image_spec_fixture.h"

#include <sys/resource.h>
#include <unistd.h>

static void test_defaults(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){});
        own_spec struct spec none = spec_of((struct instance_options){ .memory = "0", .pids_limit = "-1" });
        const struct spec_resources *r = &s.linux_.resources;
        int64_t all = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

        assert_int_equal(r->pids_limit.v, 4096);
        assert_true(r->memory.limit.v < 0 || (r->memory.limit.v > all / 2 && r->memory.limit.v < all));
        assert_false(r->memory.swap.set);
        assert_false(r->cpu.quota.set || r->cpu.shares.set || r->blkio.weight.set);
        assert_int_equal(r->n_devices, 1);
        assert_false(r->devices[0].allow);
        assert_int_equal(none.linux_.resources.pids_limit.v, -1);
        assert_false(none.linux_.resources.memory.limit.set);
}

static void test_memory(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){
                .memory = "64m", .memory_swap = "1g", .memory_reservation = "32m", .oom_score_adj = "-500" });
        own_spec struct spec twice = spec_of((struct instance_options){ .memory = "1.5g" });
        own_spec struct spec unlimited = spec_of((struct instance_options){ .memory = "8m", .memory_swap = "-1" });
        const struct spec_memory *m = &s.linux_.resources.memory;

        assert_int_equal(m->limit.v, 64 << 20);
        assert_int_equal(m->swap.v, 1 << 30);
        assert_int_equal(m->reservation.v, 32 << 20);
        assert_int_equal(s.process->oom_score_adj.v, -500);
        assert_true(twice.linux_.resources.memory.swap.v == 3LL << 30);
        assert_int_equal(unlimited.linux_.resources.memory.swap.v, -1);
        refused((struct instance_options){ .memory = "much" }, "--memory");
        refused((struct instance_options){ .memory = "1m" }, "6m");
        refused((struct instance_options){ .memory_swap = "1g" }, "--memory-swap");
        refused((struct instance_options){ .memory = "64m", .memory_swap = "32m" }, "--memory-swap");
        refused((struct instance_options){ .memory = "64m", .memory_reservation = "65m" }, "--memory-reservation");
        refused((struct instance_options){ .memory_swappiness = "101" }, "from -1 to 100");
        refused((struct instance_options){ .oom_score_adj = "1001" }, "from -1000 to 1000");
        refused((struct instance_options){ .oom_score_adj = "x" }, "--oom-score-adj");
}

static void test_cpu(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){
                .cpus = "0.25", .cpu_shares = "512", .cpuset_cpus = "0-1", .cpuset_mems = "0", .pids_limit = "33" });
        own_spec struct spec raw = spec_of((struct instance_options){ .cpu_period = "50000", .cpu_quota = "25000" });
        own_spec struct spec none = spec_of((struct instance_options){ .cpus = "0", .cpu_shares = "0" });
        const struct spec_resources *r = &s.linux_.resources;

        assert_int_equal(r->cpu.quota.v, 25000);
        assert_int_equal(r->cpu.period.v, 100000);
        assert_int_equal(r->cpu.shares.v, 512);
        assert_string_equal(r->cpu.cpus, "0-1");
        assert_string_equal(r->cpu.mems, "0");
        assert_int_equal(r->pids_limit.v, 33);
        assert_int_equal(raw.linux_.resources.cpu.quota.v, 25000);
        assert_int_equal(raw.linux_.resources.cpu.period.v, 50000);
        assert_false(none.linux_.resources.cpu.quota.set || none.linux_.resources.cpu.shares.set);
        refused((struct instance_options){ .cpus = "0.001" }, "--cpus");
        refused((struct instance_options){ .cpus = "1.5x" }, "--cpus");
        refused((struct instance_options){ .cpus = "" }, "--cpus");
        refused((struct instance_options){ .cpus = "999999" }, "as many as there are");
        refused((struct instance_options){ .cpus = "99999999999999999999" }, "--cpus");
        refused((struct instance_options){ .cpus = "1", .cpu_quota = "5000" }, "--cpu-quota");
        refused((struct instance_options){ .cpu_period = "999" }, "from 1000 to 1000000");
        refused((struct instance_options){ .cpu_quota = "999" }, "--cpu-quota");
        refused((struct instance_options){ .cpu_shares = "1" }, "--cpu-shares");
        refused((struct instance_options){ .cpuset_cpus = "a" }, "--cpuset-cpus");
        refused((struct instance_options){ .cpuset_mems = "-" }, "--cpuset-mems");
        refused((struct instance_options){ .pids_limit = "x" }, "--pids-limit");
}

static void test_blkio(void **state)
{
        refused((struct instance_options){ .blkio_weight = "5" }, "from 10 to 1000");
        refused((struct instance_options){ .blkio_weight_device = LIST("sda:100") }, "/dev/DEVICE");
        refused((struct instance_options){ .device_read_bps = LIST("/dev/none/there:1mb") }, "/dev/none/there");
        refused((struct instance_options){ .device_write_bps = LIST("/dev/null:1mb") }, "no block device");
        refused((struct instance_options){ .device_read_iops = LIST("/dev/null") }, "--device-read-iops");
}

static void test_ulimits(void **state)
{
        own_spec struct spec s = spec_of(
                (struct instance_options){ .ulimit = LIST("nofile=1", "core=-1", "nofile=10:20", "nproc=5:-1") });

        assert_int_equal(s.process->n_rlimits, 3);
        assert_true(s.process->rlimits[0].hard == UINT64_MAX);
        assert_int_equal(s.process->rlimits[1].resource, RLIMIT_NOFILE);
        assert_int_equal(s.process->rlimits[1].soft, 10);
        assert_int_equal(s.process->rlimits[1].hard, 20);
        assert_int_equal(s.process->rlimits[2].soft, 5);
        refused((struct instance_options){ .ulimit = LIST("nofile") }, "--ulimit");
        refused((struct instance_options){ .ulimit = LIST("nofile=") }, "--ulimit");
        refused((struct instance_options){ .ulimit = LIST("nofile=20:10") }, "above");
        refused((struct instance_options){ .ulimit = LIST("nonsense=1") }, "no such limit");
}

static void test_devices(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){
                .device = LIST("/dev/null:/dev/mine:r", "/dev/zero", "/dev/full:w", "/dev/zero:r"),
                .device_cgroup_rule = LIST("c 10:* rw", "a *:* m") });
        const struct spec_resources *r = &s.linux_.resources;

        assert_int_equal(s.linux_.n_devices, 3);
        assert_string_equal(s.linux_.devices[0].path, "/dev/mine");
        assert_int_equal(s.linux_.devices[0].minor, 3);
        assert_int_equal(r->n_devices, 6);
        assert_string_equal(r->devices[1].access, "r");
        assert_string_equal(r->devices[2].access, "r");
        assert_string_equal(r->devices[3].access, "w");
        assert_int_equal(r->devices[4].major, 10);
        assert_int_equal(r->devices[4].minor, -1);
        assert_int_equal(r->devices[5].type, 'a');
        refused((struct instance_options){ .device = LIST("/etc/passwd") }, "no device");
        refused((struct instance_options){ .device = LIST("/dev/null:x") }, "--device");
        refused((struct instance_options){ .device = LIST("/dev/null:/dev/x:z") }, "--device");
        refused((struct instance_options){ .device = LIST("vendor.com/class=name") }, "CDI");
        refused((struct instance_options){ .device = LIST("/no/such/device") }, "/no/such/device");
        refused((struct instance_options){ .device_cgroup_rule = LIST("c 10:200") }, "--device-cgroup-rule");
        refused((struct instance_options){ .device_cgroup_rule = LIST("x 1:1 r") }, "--device-cgroup-rule");
        refused((struct instance_options){ .device_cgroup_rule = LIST("c 1:-1 r") }, "--device-cgroup-rule");
        refused((struct instance_options){ .device_cgroup_rule = LIST("c 1:1 rwmr") }, "--device-cgroup-rule");
        refused((struct instance_options){ .device_cgroup_rule = LIST("") }, "--device-cgroup-rule");
}

static void test_device_directories(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){ .device = LIST("/dev:/dev/all:r") });
        bool found = false;

        for (size_t i = 0; i < s.linux_.n_devices; i++)
                found |= strcmp(s.linux_.devices[i].path, "/dev/all/null") == 0;
        assert_true(found);
        assert_int_equal(s.linux_.resources.n_devices, s.linux_.n_devices + 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_cpu),
                cmocka_unit_test(test_blkio),
                cmocka_unit_test(test_ulimits),
                cmocka_unit_test(test_devices),
                cmocka_unit_test(test_device_directories),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
