/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/own.h"
#include "instance/image_spec.h"
#include "oci/runtime_spec.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct image_config image(void)
{
        static const char *const env[] = { "A=image", "PATH=/image", NULL }, *const entry[] = { "entry", NULL },
                                 *const cmd[] = { "cmd", "arg", NULL };

        return (struct image_config){ .user = "",
                                      .working_dir = "",
                                      .env = { 2, (const char **)env },
                                      .entrypoint = { 1, (const char **)entry },
                                      .cmd = { 2, (const char **)cmd } };
}

static void ignore(const char *text)
{
}

static int make(const struct image_config *c, struct instance_options *o, struct spec *ret, struct error *err)
{
        static uint32_t groups[] = { 7, 8 };
        const struct image_user user = { 1000, 7, groups, 2 };
        const struct image_spec s = { .image = c,
                                      .options = o,
                                      .user = &user,
                                      .warn = ignore,
                                      .id = "id",
                                      .hostname = "host",
                                      .files = "/instance" };
        own_buf struct buf text = {};
        int r;

        r = image_spec_write(&s, &text, err);

        return r == 0 ? spec_parse(text.data, text.len, ret, err) : r;
}

/* The spec of the options with the image above; fails the test when there is none. */
static struct spec spec_of(struct instance_options o)
{
        const struct image_config c = image();
        struct error err = {};
        struct spec s = {};

        if (make(&c, &o, &s, &err) < 0)
                fail_msg("%s", err.text);
        return s;
}

static void refused(struct instance_options o, const char *words)
{
        const struct image_config c = image();
        own_spec struct spec s = {};
        struct error err = {};

        assert_true(make(&c, &o, &s, &err) < 0);
        if (!strstr(err.text, words))
                fail_msg("%s", err.text);
}

static void same(const struct str_list *list, const char *const *expected)
{
        size_t n = 0;

        for (; expected[n]; n++) {
                assert_true(n < list->n);
                assert_string_equal(list->v[n], expected[n]);
        }
        assert_int_equal(list->n, n);
}

static const struct spec_mount *mount_at(const struct spec *s, const char *destination)
{
        for (size_t i = 0; i < s->n_mounts; i++) {
                if (strcmp(s->mounts[i].destination, destination) == 0)
                        return &s->mounts[i];
        }
        fail_msg("nothing at %s", destination);
        return NULL;
}

static void test_defaults(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){});
        static const int types[] = { CLONE_NEWNS,  CLONE_NEWPID, CLONE_NEWNET,
                                     CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP };

        same(&s.process->args, LIST("entry", "cmd", "arg"));
        same(&s.process->env, LIST("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=host",
                                   "A=image", "PATH=/image"));
        assert_string_equal(s.process->cwd, "/");
        assert_int_equal(s.process->uid, 1000);
        assert_int_equal(s.process->gid, 7);
        assert_int_equal(s.process->n_additional_gids, 2);
        assert_int_equal(s.process->caps.effective, 0xa80425fb);
        assert_int_equal(s.process->caps.inheritable, 0);
        assert_false(s.process->terminal);
        assert_false(s.process->no_new_privileges);
        assert_string_equal(s.hostname, "host");
        assert_string_equal(s.linux_.cgroups_path, "/holt/id");
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                assert_non_null(spec_namespace(&s, types[i]));
        assert_string_equal(mount_at(&s, "/etc/hosts")->source, "/instance/hosts");
        assert_true(s.linux_.masked_paths.n > 5 && s.linux_.readonly_paths.n > 3);
        assert_int_equal(s.linux_.resources.n_devices, 1);
        assert_false(s.linux_.resources.devices[0].allow);
}

static void test_arguments(void **state)
{
        own_spec struct spec a = spec_of((struct instance_options){ .command = LIST("x", "y") });
        own_spec struct spec b = spec_of((struct instance_options){ .entrypoint = "other" });
        own_spec struct spec c = spec_of((struct instance_options){ .entrypoint = "other", .command = LIST("x") });
        own_spec struct spec d = spec_of((struct instance_options){ .entrypoint = "", .command = LIST("x") });

        same(&a.process->args, LIST("entry", "x", "y"));
        same(&b.process->args, LIST("other"));
        same(&c.process->args, LIST("other", "x"));
        same(&d.process->args, LIST("x"));
        refused((struct instance_options){ .entrypoint = "" }, "no command");
}

static void test_environment(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){ .tty = true, .env = LIST("A=mine", "E=") });

        assert_true(s.process->terminal);
        assert_string_equal(s.process->env.v[2], "TERM=xterm");
        assert_int_equal(s.process->env.n, 7);
        assert_string_equal(s.process->env.v[5], "A=mine");
        assert_string_equal(s.process->env.v[6], "E=");
}

static void test_capabilities(void **state)
{
        own_spec struct spec none = spec_of((struct instance_options){ .cap_drop = LIST("ALL") });
        own_spec struct spec one =
                spec_of((struct instance_options){ .cap_drop = LIST("all"), .cap_add = LIST("net_admin") });
        own_spec struct spec but =
                spec_of((struct instance_options){ .cap_add = LIST("ALL"), .cap_drop = LIST("CAP_SYS_ADMIN") });
        own_spec struct spec less = spec_of((struct instance_options){ .cap_drop = LIST("chown") });

        assert_int_equal(none.process->caps.bounding, 0);
        assert_int_equal(one.process->caps.effective, 1 << 12);
        assert_true(but.process->caps.effective & 1ULL << 40);
        assert_false(but.process->caps.effective & 1ULL << 21);
        assert_int_equal(less.process->caps.bounding, 0xa80425fa);
        refused((struct instance_options){ .cap_add = LIST("nonsense") }, "nonsense");
        refused((struct instance_options){ .cap_add = LIST("") }, "capability");
        refused((struct instance_options){ .cap_add = LIST("a_name_that_is_far_too_long_for_any_capability_that_is") },
                "capability");
}

static void test_limits(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){ .memory = "64m",
                                                                    .memory_swap = "1g",
                                                                    .cpus = "1.25",
                                                                    .cpu_shares = "512",
                                                                    .cpuset_cpus = "0-1",
                                                                    .pids_limit = "0",
                                                                    .ulimit = LIST("nofile=10:20", "core=-1") });
        const struct spec_resources *r = &s.linux_.resources;

        assert_int_equal(r->memory.limit.v, 64 << 20);
        assert_int_equal(r->memory.swap.v, 1 << 30);
        assert_int_equal(r->cpu.quota.v, 125000);
        assert_int_equal(r->cpu.period.v, 100000);
        assert_int_equal(r->cpu.shares.v, 512);
        assert_string_equal(r->cpu.cpus, "0-1");
        assert_int_equal(r->pids_limit.v, -1);
        assert_int_equal(s.process->n_rlimits, 2);
        assert_int_equal(s.process->rlimits[0].resource, RLIMIT_NOFILE);
        assert_int_equal(s.process->rlimits[0].soft, 10);
        assert_int_equal(s.process->rlimits[0].hard, 20);
        assert_true(s.process->rlimits[1].hard == UINT64_MAX);
        refused((struct instance_options){ .memory = "much" }, "memory");
        refused((struct instance_options){ .memory_swap = "1g" }, "memory");
        refused((struct instance_options){ .cpus = "0" }, "cpus");
        refused((struct instance_options){ .cpus = "1.5x" }, "cpus");
        refused((struct instance_options){ .cpus = "99999999999999999999" }, "cpus");
        refused((struct instance_options){ .pids_limit = "x" }, "pids-limit");
        refused((struct instance_options){ .ulimit = LIST("nofile") }, "ulimit");
        refused((struct instance_options){ .ulimit = LIST("nonsense=1") }, "RLIMIT_NONSENSE");
}

static void test_mounts(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){
                .volume = LIST("/tmp:/z/y/x:ro", "/proc/version:/etc/hosts", "/:/z"),
                .mount = LIST("type=bind,src=/usr,dst=/usr/", "type=tmpfs,target=/t,tmpfs-size=5m"),
                .tmpfs = LIST("/dev/shm:size=1m") });
        size_t inner = 0, outer = 0;

        for (size_t i = 0; i < s.n_mounts; i++) {
                inner = strcmp(s.mounts[i].destination, "/z/y/x") == 0 ? i : inner;
                outer = strcmp(s.mounts[i].destination, "/z") == 0 ? i : outer;
        }
        assert_true(outer < inner);
        assert_string_equal(mount_at(&s, "/etc/hosts")->source, "/proc/version");
        assert_true(mount_at(&s, "/z/y/x")->bind_recursive);
        assert_string_equal(mount_at(&s, "/usr")->source, "/usr");
        assert_string_equal(mount_at(&s, "/dev/shm")->data.v[0], "size=1m");
        assert_int_equal(mount_at(&s, "/dev/shm")->data.n, 1);
        refused((struct instance_options){ .volume = LIST("/tmp:relative") }, "relative");
        refused((struct instance_options){ .volume = LIST("/tmp:/") }, "/");
        refused((struct instance_options){ .volume = LIST("/tmp:/a", "/tmp:/a/") }, "two mounts");
        refused((struct instance_options){ .volume = LIST("name:/a") }, "names");
        refused((struct instance_options){ .volume = LIST("/tmp:/a:nonsense") }, "nonsense");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/none/there,target=/a") }, "/none/there");
        refused((struct instance_options){ .mount = LIST("type=bind,target=/a") }, "source");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/tmp") }, "target");
        refused((struct instance_options){ .mount = LIST("type=volume,target=/a") }, "volume");
        refused((struct instance_options){ .mount = LIST("type=tmpfs,target=/a,colour=red") }, "colour");
        refused((struct instance_options){ .tmpfs = LIST("relative") }, "relative");
}

static void test_security(void **state)
{
        own_spec struct spec s =
                spec_of((struct instance_options){ .security_opt = LIST("no-new-privileges", "seccomp=unconfined") });

        assert_true(s.process->no_new_privileges);
        assert_null(s.linux_.seccomp);
        refused((struct instance_options){ .security_opt = LIST("nonsense") }, "nonsense");
        refused((struct instance_options){ .security_opt = LIST("seccomp=/no/such/profile") }, "/no/such/profile");
}

static void test_devices(void **state)
{
        own_spec struct spec s =
                spec_of((struct instance_options){ .device = LIST("/dev/null:/dev/mine:r", "/dev/zero") });

        assert_int_equal(s.linux_.n_devices, 2);
        assert_string_equal(s.linux_.devices[0].path, "/dev/mine");
        assert_int_equal(s.linux_.devices[0].minor, 3);
        assert_int_equal(s.linux_.resources.n_devices, 3);
        assert_string_equal(s.linux_.resources.devices[1].access, "r");
        assert_string_equal(s.linux_.resources.devices[2].access, "rwm");
        refused((struct instance_options){ .device = LIST("/tmp") }, "no device");
        refused((struct instance_options){ .device = LIST("/dev/null:x") }, "device");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),    cmocka_unit_test(test_arguments),
                cmocka_unit_test(test_environment), cmocka_unit_test(test_capabilities),
                cmocka_unit_test(test_limits),      cmocka_unit_test(test_mounts),
                cmocka_unit_test(test_security),    cmocka_unit_test(test_devices),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
