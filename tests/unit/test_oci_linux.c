/* SPDX-License-Identifier: Apache-2.0 */
#include "spec_fixture.h"

#include <sched.h>

#define DEVICE(members) LINUX("'devices':[{" members "}]")
#define TIME(members) LINUX("'namespaces':[{'type':'time'}],'timeOffsets':{" members "}")
#define NET(members) LINUX("'namespaces':[{'type':'network'}],'netDevices':{" members "}")

static void test_namespaces(void **state)
{
        own_spec struct spec s = spec_accepted(LINUX(
                "'namespaces':[{'type':'pid'},{'type':'network','path':'/run/netns/x'},{'type':'ipc','path':''}]"));

        assert_int_equal(s.linux_.n_namespaces, 3);
        assert_non_null(spec_namespace(&s, CLONE_NEWPID));
        assert_null(spec_namespace(&s, CLONE_NEWPID)->path);
        assert_string_equal(spec_namespace(&s, CLONE_NEWNET)->path, "/run/netns/x");
        assert_null(spec_namespace(&s, CLONE_NEWIPC)->path);
        assert_null(spec_namespace(&s, CLONE_NEWUTS));
}

static void test_every_namespace(void **state)
{
        for (const struct name_value *n = oci_namespaces; n->name; n++) {
                own_mem char *text = spec_text(LINUX("'namespaces':[{'type':'%','path':'/x'}]"), n->name);
                own_spec struct spec s = {};

                assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
                assert_int_equal(s.linux_.namespaces[0].type, n->value);
        }
}

static void test_namespaces_refused(void **state)
{
        spec_refused(LINUX("'namespaces':[{'type':'pid'},{'type':'net'}]"),
                     "linux.namespaces[1].type: unknown value \"net\"");
        spec_refused(LINUX("'namespaces':[{'type':''}]"), "linux.namespaces[0].type: unknown value \"\"");
        spec_refused(LINUX("'namespaces':[{}]"), "linux.namespaces[0].type: must be given");
        spec_refused(LINUX("'namespaces':[{'type':'pid'},{'type':'uts'},{'type':'pid','path':'/x'}]"),
                     "linux.namespaces[2].type: given twice");
        spec_refused(LINUX("'namespaces':[{'type':'pid','path':'x'}]"),
                     "linux.namespaces[0].path: must be an absolute path, not \"x\"");
        spec_refused(LINUX("'namespaces':{}"), "linux.namespaces: expected an array");
        spec_refused(LINUX("'namespaces':['pid']"), "linux.namespaces[0]: expected an object");
}

static void test_id_mappings(void **state)
{
        own_spec struct spec s =
                spec_accepted(LINUX("'namespaces':[{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':1000,'"
                                    "size':1},{'containerID':1,'hostID':4294967294,'size':1}],"
                                    "'gidMappings':[{'containerID':0,'hostID':0,'size':4294967295}]"));

        assert_int_equal(s.linux_.uid_mappings.n, 2);
        assert_int_equal(s.linux_.uid_mappings.v[0].host_id, 1000);
        assert_int_equal(s.linux_.uid_mappings.v[1].container_id, 1);
        assert_true(s.linux_.gid_mappings.v[0].size == UINT32_MAX);
        REFUSED_EACH(LINUX("'uidMappings':[{%}]"), "*: must be given", "'hostID':0,'size':1",
                     "'containerID':0,'size':1", "'containerID':0,'hostID':0");
        spec_refused(LINUX("'gidMappings':[{'containerID':0,'hostID':0,'size':0}]"),
                     "linux.gidMappings[0].size: must not be 0");
        REFUSED_EACH(LINUX("'uidMappings':[{%}]"), "linux.uidMappings[0].size: the range ends after the last id",
                     "'containerID':1,'hostID':0,'size':4294967295", "'containerID':0,'hostID':4294967295,'size':1");
        spec_refused(LINUX("'uidMappings':[{'containerID':-1,'hostID':0,'size':1}]"),
                     "linux.uidMappings[0].containerID: expected a whole number of 0 or more");
}

static void test_devices(void **state)
{
        own_spec struct spec s = spec_accepted(LINUX(
                "'devices':[{'type':'c','path':'/dev/a','major':4095,'minor':1048575,'fileMode':8630,'uid':1,'gid':2},"
                "{'type':'u','path':'/dev/b','major':1,'minor':3},{'type':'b','path':'/"
                "c','major':0,'minor':0,'fileMode':0},"
                "{'type':'p','path':'/d'}]"));
        const struct spec_device *d = s.linux_.devices;

        assert_int_equal(s.linux_.n_devices, 4);
        assert_int_equal(d[0].type, 'c');
        assert_int_equal(d[0].major, 4095);
        assert_int_equal(d[0].minor, 1048575);
        assert_true(d[0].mode.set && d[0].mode.v == 0666);
        assert_int_equal(d[0].uid, 1);
        assert_int_equal(d[0].gid, 2);
        assert_int_equal(d[1].type, 'c');
        assert_false(d[1].mode.set);
        assert_int_equal(d[2].type, 'b');
        assert_true(d[2].mode.set && !d[2].mode.v);
        assert_int_equal(d[3].type, 'p');
}

static void test_devices_refused(void **state)
{
        REFUSED_EACH(DEVICE("'type':'%','path':'/x','major':1,'minor':1"), "*linux.devices[0].type: unknown value", "a",
                     "cc", "x", "C");
        spec_refused(DEVICE("'path':'/x'"), "linux.devices[0].type: must be given");
        spec_refused(DEVICE("'type':'p'"), "linux.devices[0].path: must be given");
        spec_refused(DEVICE("'type':'p','path':'x'"), "linux.devices[0].path: must be an absolute path, not \"x\"");
        spec_refused(DEVICE("'type':'c','path':'/x','minor':1"), "linux.devices[0].major: must be given");
        spec_refused(DEVICE("'type':'b','path':'/x','major':1"), "linux.devices[0].minor: must be given");
        spec_refused(DEVICE("'type':'c','path':'/x','major':4096,'minor':1"),
                     "linux.devices[0].major: 4096 is more than 4095");
        spec_refused(DEVICE("'type':'c','path':'/x','major':1,'minor':1048576"),
                     "linux.devices[0].minor: 1048576 is more than 1048575");
        spec_refused(DEVICE("'type':'c','path':'/x','major':-1,'minor':1"),
                     "linux.devices[0].major: expected a whole number of 0 or more");
        spec_refused(DEVICE("'type':'p','path':'/x','fileMode':65536"),
                     "linux.devices[0].fileMode: 65536 is more than 65535");
}

static void test_net_devices(void **state)
{
        own_spec struct spec s = spec_accepted(NET("'eth0':{},'wlan0':{'name':'eth%d'},'x':{'name':''}"));
        const struct spec_net_device *d = s.linux_.net_devices;

        assert_int_equal(s.linux_.n_net_devices, 3);
        assert_string_equal(d[0].host_name, "eth0");
        assert_null(d[0].name);
        assert_string_equal(d[1].name, "eth%d");
        assert_null(d[2].name);
        REFUSED_EACH(NET("'%':{}"), "*expected an interface's name and an object", "", ".", "..", "a/b", "a:b", "a b",
                     "0123456789abcdef");
        spec_refused(NET("'a':1"), "linux.netDevices[\"a\"]: expected an interface's name and an object");
        spec_refused(NET("'a':{'name':1}"), "linux.netDevices.a.name: expected a string");
        spec_refused(NET("'a':{'name':'a/b'}"), "linux.netDevices.a.name: \"a/b\" is no interface's name");
}

static void test_rootfs_propagation(void **state)
{
        static const struct {
                const char *name;
                unsigned long flags;
        } cases[] = {
                { "", 0 },
                { "private", 1 << 18 },
                { "rprivate", 1 << 18 | 16384 },
                { "slave", 1 << 19 },
                { "rslave", 1 << 19 | 16384 },
                { "shared", 1 << 20 },
                { "rshared", 1 << 20 | 16384 },
                { "unbindable", 1 << 17 },
                { "runbindable", 1 << 17 | 16384 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                own_mem char *text = spec_text(LINUX("'rootfsPropagation':'%'"), cases[i].name);
                own_spec struct spec s = {};

                assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
                assert_int_equal(s.linux_.rootfs_propagation, cases[i].flags);
        }
        spec_refused(LINUX("'rootfsPropagation':'public'"), "linux.rootfsPropagation: unknown value \"public\"");
}

static void test_paths(void **state)
{
        own_spec struct spec s =
                spec_accepted(LINUX("'namespaces':[{'type':'mount'}],'maskedPaths':['/a','/b'],'readonlyPaths':['/c'],"
                                    "'mountLabel':'l','cgroupsPath':'/x/y'"));

        assert_int_equal(s.linux_.masked_paths.n, 2);
        assert_string_equal(s.linux_.masked_paths.v[1], "/b");
        assert_string_equal(s.linux_.readonly_paths.v[0], "/c");
        assert_string_equal(s.linux_.mount_label, "l");
        assert_string_equal(s.linux_.cgroups_path, "/x/y");
        spec_refused(LINUX("'maskedPaths':[1]"), "linux.maskedPaths[0]: expected a string");
        spec_refused(LINUX("'readonlyPaths':'/x'"), "linux.readonlyPaths: expected an array");
        spec_refused(LINUX("'cgroupsPath':1"), "linux.cgroupsPath: expected a string");
        spec_refused(LINUX("'mountLabel':1"), "linux.mountLabel: expected a string");
}

static void test_sysctl(void **state)
{
        own_spec struct spec s =
                spec_accepted(LINUX("'sysctl':{'net.ipv4.ip_forward':'1','kernel.shm_rmid_forced':'0'}"));

        assert_int_equal(s.linux_.sysctl.n, 2);
        assert_string_equal(s.linux_.sysctl.v[0].key, "net.ipv4.ip_forward");
        assert_string_equal(s.linux_.sysctl.v[1].value, "0");
        spec_refused(LINUX("'sysctl':{'a':1}"), "linux.sysctl[\"a\"]: expected a string");
}

static void test_personality(void **state)
{
        own_spec struct spec s64 = spec_accepted(LINUX("'personality':{'domain':'LINUX'}"));
        own_spec struct spec s32 = spec_accepted(LINUX("'personality':{'domain':'LINUX32','flags':[]}"));
        own_spec struct spec none = spec_accepted(LINUX(""));

        assert_true(s64.linux_.has_personality && s64.linux_.personality == 0);
        assert_true(s32.linux_.has_personality && s32.linux_.personality == 8);
        assert_false(none.linux_.has_personality);
        spec_refused(LINUX("'personality':{}"), "linux.personality.domain: must be given");
        spec_refused(LINUX("'personality':{'domain':'BSD'}"), "linux.personality.domain: unknown value \"BSD\"");
        spec_refused(LINUX("'personality':{'domain':'LINUX','flags':['ADDR_NO_RANDOMIZE']}"),
                     "linux.personality.flags[0]: unknown value \"ADDR_NO_RANDOMIZE\"");
}

static void test_time_offsets(void **state)
{
        own_spec struct spec s = spec_accepted(TIME("'monotonic':{'secs':-5,'nanosecs':999999999},'boottime':{}"));

        assert_true(s.linux_.monotonic.set && s.linux_.boottime.set);
        assert_int_equal(s.linux_.monotonic.secs, -5);
        assert_int_equal(s.linux_.monotonic.nanosecs, 999999999);
        assert_int_equal(s.linux_.boottime.secs, 0);
        spec_refused(TIME("'realtime':{'secs':1}"), "linux.timeOffsets.realtime: is no clock of a time namespace");
        spec_refused(TIME("'boottime':{'nanosecs':1000000000}"),
                     "linux.timeOffsets.boottime.nanosecs: 1000000000 is more than 999999999");
        spec_refused(TIME("'monotonic':{'secs':1.5}"), "linux.timeOffsets.monotonic.secs: expected a whole number");
        spec_refused(TIME("'monotonic':1"), "linux.timeOffsets.monotonic: expected an object");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_every_namespace),
                cmocka_unit_test(test_namespaces_refused),
                cmocka_unit_test(test_id_mappings),
                cmocka_unit_test(test_devices),
                cmocka_unit_test(test_devices_refused),
                cmocka_unit_test(test_net_devices),
                cmocka_unit_test(test_rootfs_propagation),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_sysctl),
                cmocka_unit_test(test_personality),
                cmocka_unit_test(test_time_offsets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
