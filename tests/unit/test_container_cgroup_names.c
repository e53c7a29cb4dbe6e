/* SPDX-License-Identifier: Apache-2.0 */
/* Names, layouts and conversions: what needs no cgroup filesystem. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "container/cgroup.h"
#include "container/cgroup/controllers.h"
#include "container/cgroup/convert.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/layout.h"
#include "container/cgroup/path.h"
#include "container/cgroup/unit.h"

static void test_path_clean(void **state)
{
        char out[64];

        assert_int_equal(cgroup_path_clean("/a//b/./c/", out), 0);
        assert_string_equal(out, "/a/b/c");
        assert_int_equal(cgroup_path_clean("///", out), 0);
        assert_string_equal(out, "/");
        assert_int_equal(cgroup_path_clean("/.../..a", out), 0);
        assert_string_equal(out, "/.../..a");
        assert_int_equal(cgroup_path_clean("/a/../b", out), -EINVAL);
        assert_int_equal(cgroup_path_clean("/..", out), -EINVAL);
        strcpy(out, "//x/.//y");
        assert_int_equal(cgroup_path_clean(out, out), 0);
        assert_string_equal(out, "/x/y");
}

static void test_slice_path(void **state)
{
        char out[256];

        assert_int_equal(unit_slice_path("machine.slice", out, sizeof out), 0);
        assert_string_equal(out, "/machine.slice");
        assert_int_equal(unit_slice_path("test-a-b.slice", out, sizeof out), 0);
        assert_string_equal(out, "/test.slice/test-a.slice/test-a-b.slice");
        assert_int_equal(unit_slice_path("-.slice", out, sizeof out), 0);
        assert_string_equal(out, "");
        assert_int_equal(unit_slice_path(".slice", out, sizeof out), -EINVAL);
        assert_int_equal(unit_slice_path("a--b.slice", out, sizeof out), -EINVAL);
        assert_int_equal(unit_slice_path("-a.slice", out, sizeof out), -EINVAL);
        assert_int_equal(unit_slice_path("a-.slice", out, sizeof out), -EINVAL);
        assert_int_equal(unit_slice_path("a/b.slice", out, sizeof out), -EINVAL);
        assert_int_equal(unit_slice_path("a.scope", out, sizeof out), -EINVAL);
        assert_int_equal(unit_slice_path("test-a-b.slice", out, 20), -ENAMETOOLONG);
}

static struct cgroup one_hierarchy(void)
{
        struct cgroup cg = { .unified = true, .systemd = true, .n = 1 };

        cg.h[0] = (struct cgroup_hierarchy){
                .name = "", .root = "/sys/fs/cgroup", .fd = -1, .tasks_fd = -1, .payload_fd = -1
        };
        return cg;
}

static void check_unit(const char *path, const char *id, bool rootless, const char *slice, const char *scope,
                       const char *cgroup)
{
        struct cgroup cg = one_hierarchy();
        struct error err;

        cg.rootless = rootless;
        assert_int_equal(unit_plan(&cg, path, id, &err), 0);
        assert_string_equal(cg.slice, slice);
        assert_string_equal(cg.scope, scope);
        if (cgroup)
                assert_string_equal(cg.h[0].path, cgroup);
        else
                assert_null(cg.h[0].path);
        cgroup_finish(&cg);
}

static void test_unit_plan(void **state)
{
        struct cgroup cg;
        struct error err;

        check_unit(NULL, "web", false, "system.slice", "runc-web.scope", "/system.slice/runc-web.scope");
        check_unit("machine.slice:libpod:0af1", "web", false, "machine.slice", "libpod-0af1.scope",
                   "/machine.slice/libpod-0af1.scope");
        check_unit("a-b.slice::x", "web", false, "a-b.slice", "x.scope", "/a.slice/a-b.slice/x.scope");
        check_unit(":docker:x", "web", false, "system.slice", "docker-x.scope", "/system.slice/docker-x.scope");
        check_unit("-.slice:p:x", "web", false, "-.slice", "p-x.scope", "/p-x.scope");
        check_unit("user.slice:p:pod.slice", "web", false, "user.slice", "pod.slice", "/user.slice/pod.slice");
        check_unit(NULL, "web", true, "user.slice", "runc-web.scope", NULL);

        for (const char *const *bad = (const char *[]){ "/absolute", "a.slice:b", "a.slice:b:c:d", "a:b:c",
                                                        "a.slice:b:c/d", "a.slice:b:..x y", NULL };
             *bad; bad++) {
                cg = one_hierarchy();
                assert_int_equal(unit_plan(&cg, *bad, "web", &err), -EINVAL);
                cgroup_finish(&cg);
        }
}

static int mounted_hybrid(const char *path, bool v2)
{
        static const char *const v1[] = { "/none/cpu,cpuacct", "/none/memory", "/none/net_cls", "/none/systemd" };

        if (v2)
                return strcmp(path, "/none/unified") == 0;
        for (size_t i = 0; i < sizeof v1 / sizeof *v1; i++) {
                if (strcmp(path, v1[i]) == 0)
                        return true;
        }
        return false;
}

static void test_layout_hybrid(void **state)
{
        char text[] = "12:cpu,cpuacct:/\n11:memory:/user\n10:net_prio,net_cls:/\n9:perf_event:/\n"
                      "3:name=elogind:/x\n2:name=systemd:/../up\n0::/\n";
        struct cgroup cg = {};
        struct error err;

        assert_int_equal(layout_parse(&cg, text, "/none", mounted_hybrid, &err), 0);
        assert_false(cg.unified);
        assert_int_equal(cg.n, 5);
        assert_string_equal(cgroup_v1(&cg, "cpu")->root, "/none/cpu,cpuacct");
        assert_ptr_equal(cgroup_v1(&cg, "cpuacct"), cgroup_v1(&cg, "cpu"));
        assert_string_equal(cgroup_v1(&cg, "net_prio")->root, "/none/net_cls");
        assert_null(cgroup_v1(&cg, "perf_event"));
        assert_null(cgroup_v1(&cg, "cpuset"));
        assert_string_equal(cgroup_v1(&cg, "name=systemd")->path, "/");
        assert_string_equal(cgroup_v2(&cg)->root, "/none/unified");
        cgroup_finish(&cg);
}

static int mounted_unified(const char *path, bool v2)
{
        return v2 && strcmp(path, "/none") == 0;
}

static void test_layout_unified(void **state)
{
        char text[] = "1:name=systemd:/x\n0::/user.slice\n";
        struct cgroup cg = {};
        struct error err;

        assert_int_equal(layout_parse(&cg, text, "/none", mounted_unified, &err), 0);
        assert_true(cg.unified);
        assert_int_equal(cg.n, 1);
        assert_string_equal(cg.h[0].name, "");
        assert_string_equal(cg.h[0].root, "/none");
        cgroup_finish(&cg);
}

static int mounted_unknown(const char *path, bool v2)
{
        return strcmp(path, "/none/memory") == 0 ? -EIO : !v2;
}

/* A hierarchy that cannot be looked at is not taken for one that is not there. */
static void test_layout_unknown(void **state)
{
        char text[] = "12:cpu,cpuacct:/\n11:memory:/user\n";
        struct cgroup cg = {};
        struct error err;

        assert_int_equal(layout_parse(&cg, text, "/none", mounted_unknown, &err), -EIO);
        cgroup_finish(&cg);
}

static int mounted_nothing(const char *path, bool v2)
{
        return false;
}

static void test_layout_malformed(void **state)
{
        char text[] = "nonsense\n1:cpu\n2:memory:relative\n0::\n\n:::\n5:blkio:/\n";
        struct cgroup cg = {};
        struct error err;

        assert_int_equal(layout_parse(&cg, text, "/none", mounted_nothing, &err), 0);
        assert_int_equal(cg.n, 0);
        cgroup_finish(&cg);
}

static void test_refused_paths(void **state)
{
        struct spec spec = {};
        struct cgroup cg;
        struct error err;

        for (const char *const *bad = (const char *[]){ "/a/../../b", "../x", "/", "/..", NULL }; *bad; bad++) {
                spec.linux_.cgroups_path = *bad;
                if (cgroup_plan(&cg, &spec, "id", false, &err) == 0) {
                        assert_int_equal(cg.n, 0); /* a host without cgroups has nothing to refuse */
                        cgroup_finish(&cg);
                        continue;
                }
                assert_int_equal(err.code, EINVAL);
        }
}

static void test_conversions(void **state)
{
        int64_t swap = 7;
        char text[64];

        assert_int_equal(convert_shares(2), 1);
        assert_int_equal(convert_shares(1024), 39);
        assert_int_equal(convert_shares(262144), 10000);
        assert_int_equal(convert_shares(1), 1);
        assert_int_equal(convert_shares(UINT64_MAX), 10000);
        assert_int_equal(convert_io_weight(10), 1);
        assert_int_equal(convert_io_weight(1000), 10000);
        assert_int_equal(convert_io_weight(500), 4950);

        convert_cpu_max(50000, 100000, text, sizeof text);
        assert_string_equal(text, "50000 100000");
        convert_cpu_max(-1, 20000, text, sizeof text);
        assert_string_equal(text, "max 20000");

        assert_int_equal(convert_swap(0, 100, &swap), -ERANGE);
        assert_int_equal(convert_swap(300, 0, &swap), -EINVAL);
        assert_int_equal(convert_swap(300, -1, &swap), -EINVAL);
        assert_int_equal(convert_swap(50, 100, &swap), -ERANGE);
        assert_int_equal(swap, 7);
        assert_int_equal(convert_swap(300, 100, &swap), 0);
        assert_int_equal(swap, 200);
        assert_int_equal(convert_swap(100, 100, &swap), 0);
        assert_int_equal(swap, 0);
        assert_int_equal(convert_swap(-1, 100, &swap), 0);
        assert_int_equal(swap, -1);
        swap = 0;
        assert_int_equal(convert_swap(0, -1, &swap), 0);
        assert_int_equal(swap, -1);
}

static void test_needed_controllers(void **state)
{
        struct str_pair unified[] = { { "rdma.max", "x" }, { "cgroup.freeze", "1" } };
        struct spec_resources res = {};

        assert_int_equal(controllers_needed(&res), 0);
        res.memory.limit = (struct opt_i64){ true, 1 };
        res.cpu.shares = (struct opt_u64){ true, 1 };
        assert_int_equal(controllers_needed(&res), CONTROLLER_MEMORY | CONTROLLER_CPU);
        res.cpu.cpus = "0";
        res.unified = (struct str_map){ 2, unified };
        assert_int_equal(controllers_needed(&res),
                         CONTROLLER_MEMORY | CONTROLLER_CPU | CONTROLLER_CPUSET | CONTROLLER_RDMA);
}

/* A state file that was tampered with must not name what gets removed. */
static void test_load_refuses(void **state)
{
        static const char *const bad[] = {
                "{\"hierarchies\":[{\"name\":\"cpu\",\"root\":\"/r\",\"path\":\"/a/../b\"}]}",
                "{\"hierarchies\":[{\"name\":\"cpu\",\"root\":\"/r\",\"path\":\"a\"}]}",
                "{\"hierarchies\":[{\"name\":\"cpu\",\"root\":\"/r\",\"path\":\"/\"}]}",
                "{\"hierarchies\":[{\"name\":\"cpu\",\"root\":\"r\",\"path\":\"/a\"}]}",
                "{\"hierarchies\":[{\"name\":\"cpu\",\"path\":\"/a\"}]}",
                "{\"hierarchies\":[7]}",
                "{\"hierarchies\":7}",
                "{\"unified\":7}",
        };
        struct cgroup cg;
        struct error err;

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                own_json struct json_object *root = NULL;

                assert_int_equal(json_parse(bad[i], strlen(bad[i]), &root, &err), 0);
                assert_int_equal(cgroup_load(&cg, root, &err), -EINVAL);
                assert_non_null(strstr(err.text, "cgroups: "));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_path_clean),       cmocka_unit_test(test_slice_path),
                cmocka_unit_test(test_unit_plan),        cmocka_unit_test(test_layout_hybrid),
                cmocka_unit_test(test_layout_unified),   cmocka_unit_test(test_layout_unknown),
                cmocka_unit_test(test_layout_malformed), cmocka_unit_test(test_refused_paths),
                cmocka_unit_test(test_conversions),      cmocka_unit_test(test_needed_controllers),
                cmocka_unit_test(test_load_refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
