/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a container's cgroups on the host that runs the test, whatever its layout is. Needs root. */
#include "cgroup_fixture.h"

/* /proc/PID/cgroup names the container in every hierarchy of the plan. */
static void assert_joined(struct fixture *f, pid_t pid)
{
        char path[64], text[8192], *rest = text, *line;
        size_t found = 0;
        ssize_t n;
        own_fd int fd = -1;

        snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
        fd = open(path, O_RDONLY);
        n = read(fd, text, sizeof text - 1);
        assert_true(n > 0);
        text[n] = '\0';
        while ((line = strsep(&rest, "\n")))
                found += strstr(line, f->id) != NULL;
        assert_int_equal(found, f->cg.n);
}

static void test_life(void **state)
{
        own_mem pid_t *pids = NULL;
        struct fixture f;
        size_t n;
        pid_t pid;

        need_cgroups();
        assert_ok(setup_names(&f, "life"));
        assert_true(f.cg.n > 0);
        assert_ok(cgroup_create(&f.cg, &f.spec, &f.err));
        assert_ok(cgroup_apply(&f.cg, NULL, false, &f.err));
        pid = start_child(&f);
        assert_joined(&f, pid);
        assert_ok(cgroup_pids(&f.cg, &pids, &n, &f.err));
        assert_int_equal(n, 1);
        assert_int_equal(pids[0], pid);
        assert_ok(cgroup_kill(&f.cg, SIGKILL, &f.err));
        assert_true(dies(pid));
        assert_ok(cgroup_destroy(&f.cg, &f.err));
        assert_int_equal(cgroup_open(&f.cg, &f.err), -ENOENT);
        cgroup_finish(&f.cg);
}

static void test_second_create_is_refused(void **state)
{
        struct fixture f, g;
        pid_t pid;

        need_cgroups();
        assert_ok(setup_names(&f, "twice"));
        assert_ok(cgroup_create(&f.cg, &f.spec, &f.err));
        pid = start_child(&f);
        assert_int_equal(setup_names(&g, "twice"), 0);
        assert_int_equal(cgroup_create(&g.cg, &g.spec, &g.err), -EBUSY);
        assert_non_null(strstr(g.err.text, "is not empty"));
        cgroup_finish(&g.cg);
        assert_ok(cgroup_kill(&f.cg, SIGKILL, &f.err));
        assert_true(dies(pid));
        /* Empty, it is used as it is. */
        assert_int_equal(setup_names(&g, "twice"), 0);
        assert_int_equal(cgroup_create(&g.cg, &g.spec, &g.err), 0);
        assert_int_equal(cgroup_apply(&g.cg, NULL, false, &g.err), 0);
        cgroup_finish(&g.cg);
        assert_ok(cgroup_destroy(&f.cg, &f.err));
        cgroup_finish(&f.cg);
}

static void test_freeze(void **state)
{
        struct fixture f, g;
        pid_t pid;

        need_cgroups();
        assert_ok(setup_names(&f, "freeze"));
        assert_ok(cgroup_create(&f.cg, &f.spec, &f.err));
        pid = start_child(&f);
        assert_int_equal(cgroup_is_frozen(&f.cg), 0);
        assert_ok(cgroup_freeze(&f.cg, true, &f.err));
        assert_int_equal(cgroup_is_frozen(&f.cg), 1);
        assert_int_equal(setup_names(&g, "freeze"), 0);
        assert_int_equal(cgroup_create(&g.cg, &g.spec, &g.err), -EBUSY);
        cgroup_finish(&g.cg);
        assert_ok(cgroup_freeze(&f.cg, false, &f.err));
        assert_int_equal(cgroup_is_frozen(&f.cg), 0);
        assert_ok(cgroup_freeze(&f.cg, true, &f.err));
        assert_ok(cgroup_kill(&f.cg, SIGKILL, &f.err));
        assert_true(dies(pid));
        assert_ok(cgroup_destroy(&f.cg, &f.err));
        cgroup_finish(&f.cg);
}

/* v1: somebody else has frozen it by the other freezer; the kill must get through, and a frozen parent is refused. */
static void test_v1_freezer(void **state)
{
        struct cgroup_hierarchy *freezer;
        struct fixture f, g;
        char path[128];
        pid_t pid;

        need_cgroups();
        assert_ok(setup_names(&f, "v1freezer"));
        freezer = cgroup_v1(&f.cg, "freezer");
        if (!freezer) {
                cgroup_finish(&f.cg);
                print_message("# skipped: this host has no v1 freezer\n");
                skip();
        }
        assert_ok(cgroup_create(&f.cg, &f.spec, &f.err));
        pid = start_child(&f);
        assert_int_equal(hierarchy_write(freezer, "freezer.state", "FROZEN"), 0);
        assert_int_equal(cgroup_is_frozen(&f.cg), 1);

        g = (struct fixture){};
        snprintf(path, sizeof path, "%s/sub", f.id);
        g.spec.linux_.cgroups_path = path;
        assert_int_equal(cgroup_plan(&g.cg, &g.spec, "sub", false, &g.err), 0);
        assert_int_equal(cgroup_create(&g.cg, &g.spec, &g.err), -EBUSY);
        assert_non_null(strstr(g.err.text, "frozen"));
        cgroup_finish(&g.cg);

        assert_ok(cgroup_kill(&f.cg, SIGKILL, &f.err));
        assert_true(dies(pid));
        assert_ok(cgroup_destroy(&f.cg, &f.err));
        cgroup_finish(&f.cg);
}

static void test_exec_joins_and_sub_cgroups(void **state)
{
        const char *subs[1];
        struct fixture f, g;
        char name[64];
        pid_t pid;

        need_cgroups();
        assert_ok(setup_names(&f, "exec"));
        assert_ok(cgroup_create(&f.cg, &f.spec, &f.err));
        assert_int_equal(setup_names(&g, "exec"), 0);
        assert_int_equal(cgroup_open_for_exec(&g.cg, NULL, 0, &g.err), 0);
        pid = start_child(&g);
        assert_joined(&f, pid);
        cgroup_finish(&g.cg);

        assert_int_equal(setup_names(&g, "exec"), 0);
        subs[0] = "../..";
        assert_int_equal(cgroup_open_for_exec(&g.cg, subs, 1, &g.err), -EINVAL);
        subs[0] = "missing";
        assert_int_equal(cgroup_open_for_exec(&g.cg, subs, 1, &g.err), -ENOENT);
        subs[0] = "nocontroller:/";
        assert_int_equal(cgroup_open_for_exec(&g.cg, subs, 1, &g.err), -EINVAL);
        cgroup_finish(&g.cg);

        if (cgroup_v1(&f.cg, "pids")) {
                char path[PATH_MAX];

                assert_int_equal(hierarchy_path(cgroup_v1(&f.cg, "pids"), "inner", path), 0);
                assert_int_equal(mkdir(path, 0755), 0);
                snprintf(name, sizeof name, "memory,pids:inner");
                subs[0] = "pids:inner";
                assert_int_equal(setup_names(&g, "exec"), 0);
                assert_int_equal(cgroup_open_for_exec(&g.cg, subs, 1, &g.err), 0);
                assert_non_null(strstr(cgroup_v1(&g.cg, "pids")->path, "/inner"));
                assert_null(strstr(g.cg.h[0].path, "/inner"));
                cgroup_finish(&g.cg);
        }
        assert_ok(cgroup_kill(&f.cg, SIGKILL, &f.err));
        assert_true(dies(pid));
        assert_ok(cgroup_destroy(&f.cg, &f.err));
        cgroup_finish(&f.cg);
}

static void test_missing_parents_are_made(void **state)
{
        char path[128], parent[PATH_MAX];
        struct fixture f = {};
        pid_t pid;

        need_cgroups();
        snprintf(f.id, sizeof f.id, "holt-test-parents-%d", (int)getpid());
        snprintf(path, sizeof path, "/%s//a/./b/", f.id);
        f.spec.linux_.cgroups_path = path;
        assert_ok(cgroup_plan(&f.cg, &f.spec, "b", false, &f.err));
        assert_ok(cgroup_create(&f.cg, &f.spec, &f.err));
        pid = start_child(&f);
        assert_joined(&f, pid);
        assert_ok(cgroup_kill(&f.cg, SIGKILL, &f.err));
        assert_true(dies(pid));
        assert_ok(cgroup_destroy(&f.cg, &f.err));
        for (size_t i = 0; i < f.cg.n; i++) {
                snprintf(parent, sizeof parent, "%s/%s/a", f.cg.h[i].root, f.id);
                assert_int_equal(rmdir(parent), 0);
                *strrchr(parent, '/') = '\0';
                assert_int_equal(rmdir(parent), 0);
        }
        cgroup_finish(&f.cg);
}

/* What the container made below is removed too, and the kernel's tail of dying processes is waited for. */
static void test_destroy_below(void **state)
{
        struct fixture f;
        char path[PATH_MAX];

        need_cgroups();
        assert_ok(setup_names(&f, "below"));
        assert_ok(cgroup_create(&f.cg, &f.spec, &f.err));
        assert_int_equal(hierarchy_path(&f.cg.h[0], "x", path), 0);
        assert_int_equal(mkdir(path, 0755), 0);
        assert_int_equal(hierarchy_path(&f.cg.h[0], "x/y", path), 0);
        assert_int_equal(mkdir(path, 0755), 0);
        assert_ok(cgroup_destroy(&f.cg, &f.err));
        assert_int_equal(hierarchy_path(&f.cg.h[0], NULL, path), 0);
        assert_int_equal(access(path, F_OK), -1);
        cgroup_finish(&f.cg);
}

static void test_save_and_load(void **state)
{
        own_json struct json_object *root = NULL;
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        struct json_object *obj;
        struct cgroup loaded;
        struct fixture f;

        need_cgroups();
        assert_ok(setup_names(&f, "save"));
        json_begin_object(&w, NULL);
        cgroup_save(&f.cg, &w, "cgroup");
        json_end_object(&w);
        assert_ok(json_parse(text.data, text.len, &root, &f.err));
        assert_int_equal(json_get_object(root, "cgroup", &obj, &f.err), 1);
        assert_ok(cgroup_load(&loaded, obj, &f.err));
        assert_int_equal(loaded.n, f.cg.n);
        assert_int_equal(loaded.unified, f.cg.unified);
        assert_false(loaded.systemd);
        for (size_t i = 0; i < loaded.n; i++) {
                assert_string_equal(loaded.h[i].name, f.cg.h[i].name);
                assert_string_equal(loaded.h[i].root, f.cg.h[i].root);
                assert_string_equal(loaded.h[i].path, f.cg.h[i].path);
                assert_int_equal(loaded.h[i].fd, -1);
        }
        cgroup_finish(&loaded);
        cgroup_finish(&f.cg);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_life),
                cmocka_unit_test(test_second_create_is_refused),
                cmocka_unit_test(test_freeze),
                cmocka_unit_test(test_v1_freezer),
                cmocka_unit_test(test_exec_joins_and_sub_cgroups),
                cmocka_unit_test(test_missing_parents_are_made),
                cmocka_unit_test(test_destroy_below),
                cmocka_unit_test(test_save_and_load),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
