/* SPDX-License-Identifier: Apache-2.0 */
#include "image_spec_fixture.h"

#include <sched.h>
#include <stdlib.h>

#include "instance/image_command.h"
#include "instance/namespace_flags.h"

#define CGROUP "/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_defaults(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){});
        static const int types[] = { CLONE_NEWNS,  CLONE_NEWPID, CLONE_NEWNET,
                                     CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP };

        same(&s.process->args, LIST("entry", "cmd", "arg"));
        same(&s.process->env, LIST("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=host",
                                   "container=holt", "A=image", "PATH=/image"));
        assert_string_equal(s.process->cwd, "/");
        assert_int_equal(s.process->uid, 1000);
        assert_int_equal(s.process->gid, 7);
        assert_int_equal(s.process->n_additional_gids, 2);
        assert_false(s.process->terminal);
        assert_false(s.process->oom_score_adj.set);
        assert_string_equal(s.hostname, "host");
        assert_null(s.domainname);
        assert_string_equal(s.linux_.cgroups_path, "/holt" CGROUP);
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                assert_non_null(spec_namespace(&s, types[i]));
        assert_string_equal(mount_at(&s, "/etc/hosts")->source, "/tmp/hosts");
        assert_int_equal(s.annotations.n, 0);
}

static void test_arguments(void **state)
{
        own_spec struct spec a = spec_of((struct instance_options){ .command = LIST("x", "y") });
        own_spec struct spec b = spec_of((struct instance_options){ .entrypoint = "other" });
        own_spec struct spec c = spec_of((struct instance_options){ .entrypoint = "other", .command = LIST("x") });
        own_spec struct spec d = spec_of((struct instance_options){ .entrypoint = "", .command = LIST("x") });
        own_spec struct spec e = spec_of((struct instance_options){ .init = true });

        same(&a.process->args, LIST("entry", "x", "y"));
        same(&b.process->args, LIST("other"));
        same(&c.process->args, LIST("other", "x"));
        same(&d.process->args, LIST("x"));
        same(&e.process->args, LIST("/dev/init", "--", "entry", "cmd", "arg"));
        assert_string_equal(mount_at(&e, "/dev/init")->source, "/init");
        refused((struct instance_options){ .entrypoint = "" }, "no command");
}

static void test_environment(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){ .tty = true, .env = LIST("A=mine", "E=") });

        assert_true(s.process->terminal);
        assert_string_equal(s.process->env.v[3], "TERM=xterm");
        assert_int_equal(s.process->env.n, 8);
        assert_string_equal(s.process->env.v[6], "A=mine");
        assert_string_equal(s.process->env.v[7], "E=");
}

static const char *sysctl_of(const struct spec *s, const char *key)
{
        for (size_t i = 0; i < s->linux_.sysctl.n; i++) {
                if (strcmp(s->linux_.sysctl.v[i].key, key) == 0)
                        return s->linux_.sysctl.v[i].value;
        }
        return "";
}

static void test_names(void **state)
{
        own_spec struct spec s = spec_of(
                (struct instance_options){ .domainname = "example.org",
                                           .cgroup_parent = "mine/",
                                           .workdir = "/w",
                                           .annotation = LIST("a.b=c=d", "e="),
                                           .sysctl = LIST("net.ipv4.ip_forward=1", "net.ipv4.ip_unprivileged_port_"
                                                                                   "start=80") });

        assert_string_equal(s.domainname, "example.org");
        assert_string_equal(s.linux_.cgroups_path, "/mine/" CGROUP);
        assert_string_equal(s.process->cwd, "/w");
        assert_string_equal(spec_annotation(&s, "a.b"), "c=d");
        assert_string_equal(spec_annotation(&s, "e"), "");
        assert_string_equal(sysctl_of(&s, "net.ipv4.ip_forward"), "1");
        assert_string_equal(sysctl_of(&s, "net.ipv4.ip_unprivileged_port_start"), "80");
        assert_string_equal(sysctl_of(&s, "net.ipv4.ping_group_range"), "0 2147483647");
        refused((struct instance_options){ .workdir = "w" }, "working directory");
        refused((struct instance_options){ .annotation = LIST("x") }, "--annotation");
        refused((struct instance_options){ .sysctl = LIST("=1") }, "--sysctl");
        refused(
                (struct instance_options){
                        .domainname = "0123456789012345678901234567890123456789012345678901234567890123456789" },
                "--domainname");
}

static void test_host_namespaces(void **state)
{
        own_spec struct spec s =
                spec_of((struct instance_options){ .pid = "host", .ipc = "host", .uts = "host", .cgroupns = "host" });

        assert_null(spec_namespace(&s, CLONE_NEWPID));
        assert_null(spec_namespace(&s, CLONE_NEWIPC));
        assert_null(spec_namespace(&s, CLONE_NEWUTS));
        assert_null(spec_namespace(&s, CLONE_NEWCGROUP));
        assert_non_null(spec_namespace(&s, CLONE_NEWNET));
        assert_null(s.hostname);
        assert_string_equal(mount_at(&s, "/dev/shm")->source, "/dev/shm");
        refused((struct instance_options){ .uts = "host", .hostname = "x" }, "contradict");
        refused((struct instance_options){ .pid = "shareable" }, "--pid");
        refused((struct instance_options){ .ipc = "x" }, "--ipc");
        refused((struct instance_options){ .uts = "container:x" }, "--uts");
        refused((struct instance_options){ .cgroupns = "x" }, "--cgroupns");
        refused((struct instance_options){ .userns = "nomap" }, "--userns");
        refused((struct instance_options){ .pid = "container:" }, "--pid");
        refused((struct instance_options){ .pid = "container:x" }, "container:x");
        refused((struct instance_options){ .ipc = "container:x" }, "--ipc");
}

static void test_joined_namespaces(void **state)
{
        const struct image_config c = image();
        const struct instance_options o = { .pid = "container:a", .ipc = "container:a" };
        const struct image_user user = {};
        const struct image_spec s = { .image = &c,
                                      .options = &o,
                                      .user = &user,
                                      .warn = ignore,
                                      .id = "id",
                                      .hostname = "host",
                                      .directory = "/tmp",
                                      .files = "/tmp",
                                      .netns_path = "/n",
                                      .pid_path = "/p",
                                      .ipc_path = "/i",
                                      .ipc_shm = "/s" };
        own_buf struct buf text = {};
        own_spec struct spec parsed = {};
        struct error err;

        assert_int_equal(image_spec_write(&s, &text, &err), 0);
        assert_int_equal(spec_parse(text.data, text.len, &parsed, &err), 0);
        assert_string_equal(spec_namespace(&parsed, CLONE_NEWNET)->path, "/n");
        assert_string_equal(spec_namespace(&parsed, CLONE_NEWPID)->path, "/p");
        assert_string_equal(spec_namespace(&parsed, CLONE_NEWIPC)->path, "/i");
        assert_string_equal(mount_at(&parsed, "/dev/shm")->source, "/s");
        assert_string_equal(namespace_flag_instance("container:a"), "a");
        assert_null(namespace_flag_instance("host"));
        assert_null(namespace_flag_instance(NULL));
}

static bool has_mount(const struct spec *s, const char *destination)
{
        for (size_t i = 0; i < s->n_mounts; i++) {
                if (strcmp(s->mounts[i].destination, destination) == 0)
                        return true;
        }
        return false;
}

static void test_shm(void **state)
{
        own_spec struct spec plain = spec_of((struct instance_options){});
        own_spec struct spec sized = spec_of((struct instance_options){ .shm_size = "1.5g", .ipc = "shareable" });
        own_spec struct spec none = spec_of((struct instance_options){ .ipc = "none" });
        own_spec struct spec dev = spec_of((struct instance_options){ .volume = LIST("/dev:/dev") });

        same(&mount_at(&plain, "/dev/shm")->data, LIST("mode=1777", "size=67108864"));
        same(&mount_at(&sized, "/dev/shm")->data, LIST("mode=1777", "size=1610612736"));
        assert_false(has_mount(&none, "/dev/shm"));
        assert_true(has_mount(&none, "/dev/mqueue"));
        assert_false(has_mount(&dev, "/dev/shm"));
        assert_false(has_mount(&dev, "/dev/pts"));
        refused((struct instance_options){ .shm_size = "x" }, "--shm-size");
        refused((struct instance_options){ .shm_size = "-1" }, "--shm-size");
}

static void test_system_container(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){ .entrypoint = "/sbin/init" });
        own_spec struct spec d = spec_of((struct instance_options){ .entrypoint = "/lib/systemd/systemd" });
        own_spec struct spec always = spec_of((struct instance_options){ .systemd = "always" });
        own_spec struct spec never =
                spec_of((struct instance_options){ .systemd = "false", .entrypoint = "/sbin/init" });
        own_spec struct spec init = spec_of((struct instance_options){ .init = true, .entrypoint = "/sbin/init" });

        same(&mount_at(&s, "/run/lock")->data, LIST("mode=1777"));
        assert_true(mount_at(&s, "/run")->tmpcopyup);
        assert_true(has_mount(&d, "/var/log/journal"));
        assert_true(has_mount(&always, "/run"));
        assert_false(has_mount(&never, "/run"));
        assert_false(has_mount(&init, "/run"));
        assert_string_equal(s.process->env.v[3], "container_uuid=0123456789abcdef0123456789abcdef");
        assert_int_equal(never.process->env.n, 5);
        assert_non_null(spec_annotation(&always, SPEC_CGROUP_PAYLOAD));
        assert_null(spec_annotation(&never, SPEC_CGROUP_PAYLOAD));
        refused((struct instance_options){ .systemd = "x" }, "--systemd");
        refused((struct instance_options){ .systemd = "always", .init = true }, "--init");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_arguments),
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_host_namespaces),
                cmocka_unit_test(test_joined_namespaces),
                cmocka_unit_test(test_shm),
                cmocka_unit_test(test_system_container),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
