/* SPDX-License-Identifier: Apache-2.0 */
#include "spec_fixture.h"

#define RULE(members) RESOURCES("'devices':[{" members "}]")
#define MEMORY(members) RESOURCES("'memory':{" members "}")
#define CPU(members) RESOURCES("'cpu':{" members "}")
#define BLKIO(members) RESOURCES("'blockIO':{" members "}")
#define HUGEPAGE(members) RESOURCES("'hugepageLimits':[{" members "}]")

static void test_empty(void **state)
{
        own_spec struct spec s = spec_accepted(RESOURCES(""));
        const struct spec_resources none = {};

        assert_true(s.linux_.has_resources);
        assert_memory_equal(&s.linux_.resources, &none, sizeof none);
}

static void assert_rule(const char *members, struct spec_device_rule want)
{
        own_mem char *text = spec_text(RULE("%"), members);
        own_spec struct spec s = {};
        const struct spec_device_rule *d;

        assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
        d = s.linux_.resources.devices;
        assert_int_equal(s.linux_.resources.n_devices, 1);
        assert_int_equal(d->allow, want.allow);
        assert_int_equal(d->type, want.type);
        assert_int_equal(d->major, want.major);
        assert_int_equal(d->minor, want.minor);
        assert_string_equal(d->access, want.access);
}

static void test_device_rules(void **state)
{
        assert_rule("", (struct spec_device_rule){ false, 'a', -1, -1, "rwm" });
        assert_rule("'allow':false,'access':'rwm'", (struct spec_device_rule){ false, 'a', -1, -1, "rwm" });
        assert_rule("'allow':true,'type':'c','major':1,'minor':3,'access':'r'",
                    (struct spec_device_rule){ true, 'c', 1, 3, "r" });
        assert_rule("'allow':true,'type':'b','major':-1,'minor':0,'access':'mw'",
                    (struct spec_device_rule){ true, 'b', -1, 0, "mw" });
        assert_rule("'type':'c','major':4294967295", (struct spec_device_rule){ false, 'c', UINT32_MAX, -1, "rwm" });
        assert_rule("'type':'','access':''", (struct spec_device_rule){ false, 'a', -1, -1, "rwm" });
}

static void test_device_rules_refused(void **state)
{
        REFUSED_EACH(RULE("'type':'%'"), "*linux.resources.devices[0].type: unknown value", "u", "p", "ab", "x");
        REFUSED_EACH(RULE("'access':'%'"), "*linux.resources.devices[0].access: unknown value", "x", "rwx", "r w", "R");
        spec_refused(RULE("'major':-2"), "linux.resources.devices[0].major: -2 is no device number");
        spec_refused(RULE("'minor':4294967296"), "linux.resources.devices[0].minor: 4294967296 is no device number");
        spec_refused(RULE("'allow':1"), "linux.resources.devices[0].allow: expected true or false");
}

static void test_memory(void **state)
{
        own_spec struct spec s =
                spec_accepted(MEMORY("'limit':1,'reservation':2,'swap':-1,'kernel':4,'kernelTCP':5,'swappiness':60,"
                                     "'disableOOMKiller':false,'useHierarchy':true,'checkBeforeUpdate':true"));
        const struct spec_memory *m = &s.linux_.resources.memory;

        assert_true(m->limit.set && m->limit.v == 1);
        assert_true(m->reservation.set && m->reservation.v == 2);
        assert_true(m->swap.set && m->swap.v == -1);
        assert_true(m->kernel.set && m->kernel.v == 4);
        assert_true(m->kernel_tcp.set && m->kernel_tcp.v == 5);
        assert_true(m->swappiness.set && m->swappiness.v == 60);
        assert_true(m->disable_oom_killer.set && !m->disable_oom_killer.v);
        assert_true(m->use_hierarchy.set && m->use_hierarchy.v);
        assert_true(m->check_before_update.set && m->check_before_update.v);
        REFUSED_EACH(MEMORY("'%':-2"), "*: must be -1 or more", "limit", "reservation", "swap", "kernel", "kernelTCP");
        spec_refused(MEMORY("'limit':9223372036854775808"),
                     "linux.resources.memory.limit: expected a number below 2^63");
        spec_refused(MEMORY("'limit':'1g'"), "linux.resources.memory.limit: expected a whole number");
        spec_refused(MEMORY("'swappiness':-1"),
                     "linux.resources.memory.swappiness: expected a whole number of 0 or more");
        spec_refused(MEMORY("'disableOOMKiller':0"), "linux.resources.memory.disableOOMKiller: expected true or false");
}

static void test_cpu(void **state)
{
        own_spec struct spec s =
                spec_accepted(CPU("'shares':1024,'quota':-1,'burst':3,'period':100000,'realtimeRuntime':5,"
                                  "'realtimePeriod':6,'idle':1,'cpus':'0-3','mems':'0'"));
        const struct spec_cpu *c = &s.linux_.resources.cpu;

        assert_true(c->shares.set && c->shares.v == 1024);
        assert_true(c->quota.set && c->quota.v == -1);
        assert_true(c->burst.set && c->burst.v == 3);
        assert_true(c->period.set && c->period.v == 100000);
        assert_true(c->realtime_runtime.set && c->realtime_runtime.v == 5);
        assert_true(c->realtime_period.set && c->realtime_period.v == 6);
        assert_true(c->idle.set && c->idle.v == 1);
        assert_string_equal(c->cpus, "0-3");
        assert_string_equal(c->mems, "0");
        spec_refused(CPU("'cpus':'all'"), "linux.resources.cpu.cpus: unknown value \"all\"");
        spec_refused(CPU("'mems':'0/1'"), "linux.resources.cpu.mems: unknown value \"0/1\"");
        spec_refused(CPU("'shares':-1"), "linux.resources.cpu.shares: expected a whole number of 0 or more");
        spec_refused(CPU("'quota':0.5"), "linux.resources.cpu.quota: expected a whole number");
}

static void test_pids(void **state)
{
        own_spec struct spec s = spec_accepted(RESOURCES("'pids':{'limit':-1}"));
        own_spec struct spec none = spec_accepted(RESOURCES("'pids':{}"));

        assert_true(s.linux_.resources.pids_limit.set && s.linux_.resources.pids_limit.v == -1);
        assert_false(none.linux_.resources.pids_limit.set);
        spec_refused(RESOURCES("'pids':{'limit':'max'}"), "linux.resources.pids.limit: expected a whole number");
        spec_refused(RESOURCES("'pids':5"), "linux.resources.pids: expected an object");
}

static void test_blkio(void **state)
{
        own_spec struct spec s =
                spec_accepted(BLKIO("'weight':10,'leafWeight':65535,'weightDevice':[{'major':8,'minor':0,'weight':500},"
                                    "{'major':8,'minor':1,'leafWeight':300}],"
                                    "'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':1}],'throttleWriteBpsDevice':"
                                    "[{'major':8,'minor':0,'rate':2}],"
                                    "'throttleReadIOPSDevice':[{'major':8,'minor':0,'rate':3}],'"
                                    "throttleWriteIOPSDevice':[{'major':8,'minor':0,'rate':18446744073709551615}]"));
        const struct spec_blkio *b = &s.linux_.resources.blkio;

        assert_true(b->weight.set && b->weight.v == 10 && b->leaf_weight.v == 65535);
        assert_int_equal(b->n_weight_devices, 2);
        assert_int_equal(b->weight_devices[0].major, 8);
        assert_true(b->weight_devices[0].weight.v == 500 && !b->weight_devices[0].leaf_weight.set);
        assert_true(b->weight_devices[1].minor == 1 && b->weight_devices[1].leaf_weight.v == 300);
        assert_int_equal(b->read_bps.v[0].rate, 1);
        assert_int_equal(b->write_bps.v[0].rate, 2);
        assert_int_equal(b->read_iops.v[0].rate, 3);
        assert_true(b->write_iops.n == 1 && b->write_iops.v[0].rate == UINT64_MAX);
}

static void test_blkio_refused(void **state)
{
        spec_refused(BLKIO("'weight':65536"), "linux.resources.blockIO.weight: 65536 is more than 65535");
        spec_refused(BLKIO("'weightDevice':[{'major':8,'minor':0}]"),
                     "linux.resources.blockIO.weightDevice[0].weight: weight or leafWeight must be given");
        spec_refused(BLKIO("'weightDevice':[{'minor':0,'weight':1}]"),
                     "linux.resources.blockIO.weightDevice[0].major: must be given");
        REFUSED_EACH(BLKIO("'%':[{'major':8,'rate':1}]"), "*[0].minor: must be given", "throttleReadBpsDevice",
                     "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice");
        spec_refused(BLKIO("'throttleReadBpsDevice':[{'major':-8,'minor':0,'rate':1}]"),
                     "linux.resources.blockIO.throttleReadBpsDevice[0].major: expected a whole number of 0 or more");
        spec_refused(BLKIO("'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':-1}]"),
                     "linux.resources.blockIO.throttleReadBpsDevice[0].rate: expected a whole number of 0 or more");
}

static void test_hugepages(void **state)
{
        own_spec struct spec s =
                spec_accepted(RESOURCES("'hugepageLimits':[{'pageSize':'2MB','limit':0},{'pageSize':'64KB','limit':5},{"
                                        "'pageSize':'1GB','limit':18446744073709551615}]"));

        assert_int_equal(s.linux_.resources.n_hugepages, 3);
        assert_string_equal(s.linux_.resources.hugepages[0].page_size, "2MB");
        assert_true(s.linux_.resources.hugepages[2].limit == UINT64_MAX);
        REFUSED_EACH(HUGEPAGE("'pageSize':'%','limit':1"), "*is no page size such as 2MB", "MB", "2", "2M", "02MB",
                     "0KB", "2TB", "2mb", "2MBx", "../2MB", "2MB/..", " 2MB");
        spec_refused(HUGEPAGE("'limit':1"), "linux.resources.hugepageLimits[0].pageSize: must be given");
        spec_refused(HUGEPAGE("'pageSize':'2MB'"), "linux.resources.hugepageLimits[0].limit: must be given");
}

static void test_network(void **state)
{
        own_spec struct spec s = spec_accepted(
                RESOURCES("'network':{'classID':4294967295,'priorities':[{'name':'eth0','priority':5}]}"));

        assert_true(s.linux_.resources.net_class_id.set && s.linux_.resources.net_class_id.v == UINT32_MAX);
        assert_int_equal(s.linux_.resources.n_net_priorities, 1);
        assert_string_equal(s.linux_.resources.net_priorities[0].name, "eth0");
        assert_int_equal(s.linux_.resources.net_priorities[0].priority, 5);
        spec_refused(RESOURCES("'network':{'classID':4294967296}"),
                     "linux.resources.network.classID: 4294967296 is more than 4294967295");
        spec_refused(RESOURCES("'network':{'priorities':[{'priority':5}]}"),
                     "linux.resources.network.priorities[0].name: must be given");
        REFUSED_EACH(RESOURCES("'network':{'priorities':[{'name':'%'}]}"), "*priorities[0].name: unknown value", "a b",
                     "a\\nb", "a\\tb");
}

static void test_rdma(void **state)
{
        own_spec struct spec s = spec_accepted(
                RESOURCES("'rdma':{'mlx5_1':{'hcaHandles':3,'hcaObjects':10000},'rxe3':{'hcaObjects':1}}"));
        const struct spec_rdma *r = s.linux_.resources.rdma;

        assert_int_equal(s.linux_.resources.n_rdma, 2);
        assert_string_equal(r[0].device, "mlx5_1");
        assert_true(r[0].hca_handles.v == 3 && r[0].hca_objects.v == 10000);
        assert_true(!r[1].hca_handles.set && r[1].hca_objects.set);
        REFUSED_EACH(RESOURCES("'rdma':{'%':{}}"), "*expected a device's name and an object", "", "a b", "a\\nb",
                     "a=b");
        spec_refused(RESOURCES("'rdma':{'a':1}"),
                     "linux.resources.rdma[\"a\"]: expected a device's name and an object");
        spec_refused(RESOURCES("'rdma':{'a':{'hcaHandles':4294967296}}"),
                     "linux.resources.rdma.a.hcaHandles: 4294967296 is more than 4294967295");
}

static void test_unified(void **state)
{
        own_spec struct spec s =
                spec_accepted(RESOURCES("'unified':{'memory.high':'1073741824','hugetlb.1GB.max':'0'}"));

        assert_int_equal(s.linux_.resources.unified.n, 2);
        assert_string_equal(s.linux_.resources.unified.v[0].key, "memory.high");
        assert_string_equal(s.linux_.resources.unified.v[1].value, "0");
        REFUSED_EACH(RESOURCES("'unified':{'%':'1'}"), "*is no file of a cgroup", "memory", "../memory.max",
                     "a/memory.max", ".", "..", ".x.y", "/memory.max", "memory.max/");
        spec_refused(RESOURCES("'unified':{'':'1'}"), "linux.resources.unified: a key is empty");
        spec_refused(RESOURCES("'unified':{'a.b':1}"), "linux.resources.unified[\"a.b\"]: expected a string");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_device_rules),
                cmocka_unit_test(test_device_rules_refused),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_cpu),
                cmocka_unit_test(test_pids),
                cmocka_unit_test(test_blkio),
                cmocka_unit_test(test_blkio_refused),
                cmocka_unit_test(test_hugepages),
                cmocka_unit_test(test_network),
                cmocka_unit_test(test_rdma),
                cmocka_unit_test(test_unified),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
