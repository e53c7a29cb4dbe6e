/* SPDX-License-Identifier: Apache-2.0 */
#include "image_spec_fixture.h"

#include <errno.h>
#include <linux/seccomp.h>

static void test_capabilities(void **state)
{
        own_spec struct spec plain = spec_of((struct instance_options){});
        own_spec struct spec none = spec_of((struct instance_options){ .cap_drop = LIST("ALL") });
        own_spec struct spec one =
                spec_of((struct instance_options){ .cap_drop = LIST("all"), .cap_add = LIST("net_admin") });
        own_spec struct spec but =
                spec_of((struct instance_options){ .cap_add = LIST("ALL"), .cap_drop = LIST("CAP_SYS_ADMIN") });
        own_spec struct spec less = spec_of((struct instance_options){ .cap_drop = LIST("chown") });

        assert_int_equal(plain.process->caps.bounding, 0xa80425fb);
        assert_int_equal(plain.process->caps.inheritable, 0);
        /* The process is no root's. */
        assert_int_equal(plain.process->caps.effective, 0);
        assert_int_equal(none.process->caps.bounding, 0);
        assert_int_equal(one.process->caps.bounding, 1 << 12);
        assert_true(but.process->caps.bounding & 1ULL << 40);
        assert_false(but.process->caps.bounding & 1ULL << 21);
        assert_int_equal(less.process->caps.bounding, 0xa80425fa);
        refused((struct instance_options){ .cap_add = LIST("nonsense") }, "nonsense");
        refused((struct instance_options){ .cap_add = LIST("") }, "capability");
        refused((struct instance_options){ .cap_add = LIST("a_name_that_is_far_too_long_for_any_capability_that_is") },
                "capability");
}

static void test_options(void **state)
{
        own_spec struct spec s =
                spec_of((struct instance_options){ .security_opt = LIST("no-new-privileges", "seccomp=unconfined",
                                                                        "apparmor=mine", "proc-opts=hidepid=2") });
        own_spec struct spec old =
                spec_of((struct instance_options){ .security_opt = LIST("no-new-privileges:false", "label:disable") });

        assert_true(s.process->no_new_privileges);
        assert_null(s.linux_.seccomp);
        assert_string_equal(s.process->apparmor_profile, "mine");
        same(&mount_at(&s, "/proc")->data, LIST("hidepid=2"));
        assert_false(old.process->no_new_privileges);
        assert_null(old.process->apparmor_profile);
        refused((struct instance_options){ .security_opt = LIST("nonsense") }, "nonsense");
        refused((struct instance_options){ .security_opt = LIST("no-new-privileges=maybe") }, "maybe");
        refused((struct instance_options){ .security_opt = LIST("seccomp=/no/such/profile") }, "/no/such/profile");
        refused((struct instance_options){ .security_opt = LIST("systempaths=confined") }, "systempaths");
        refused((struct instance_options){ .security_opt = LIST("mask=relative") }, "mask");
}

static bool has(const struct str_list *list, const char *word)
{
        for (size_t i = 0; i < list->n; i++) {
                if (strcmp(list->v[i], word) == 0)
                        return true;
        }
        return false;
}

static void test_paths(void **state)
{
        own_spec struct spec plain = spec_of((struct instance_options){});
        own_spec struct spec open =
                spec_of((struct instance_options){ .security_opt = LIST("systempaths=unconfined") });
        own_spec struct spec all = spec_of((struct instance_options){ .security_opt = LIST("unmask=ALL", "mask=/x") });
        own_spec struct spec some = spec_of((struct instance_options){
                .security_opt = LIST("unmask=/proc/kc*:/proc/sys", "mask=/a:/b/c", "mask=/d") });

        assert_true(has(&plain.linux_.masked_paths, "/proc/kcore") && has(&plain.linux_.readonly_paths, "/proc/sys"));
        assert_int_equal(open.linux_.masked_paths.n + open.linux_.readonly_paths.n, 0);
        same(&all.linux_.masked_paths, LIST("/x"));
        assert_false(has(&some.linux_.masked_paths, "/proc/kcore") || has(&some.linux_.readonly_paths, "/proc/sys"));
        assert_true(has(&some.linux_.masked_paths, "/proc/keys") && has(&some.linux_.masked_paths, "/b/c") &&
                    has(&some.linux_.masked_paths, "/d"));
}

static void test_privileged(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){ .privileged = true });
        own_spec struct spec kept = spec_of((struct instance_options){
                .privileged = true, .cap_drop = LIST("sys_module"), .security_opt = LIST("apparmor=mine") });

        assert_true(s.process->caps.bounding & 1ULL << 21);
        assert_null(s.linux_.seccomp);
        assert_int_equal(s.linux_.masked_paths.n + s.linux_.readonly_paths.n, 0);
        assert_int_equal(s.linux_.resources.n_devices, 1);
        assert_true(s.linux_.resources.devices[0].allow);
        assert_true(s.linux_.n_devices > 3);
        assert_int_equal(mount_at(&s, "/sys")->attr_set & 1, 0);
        assert_int_equal(mount_at(&s, "/sys/fs/cgroup")->attr_set & 1, 0);
        assert_false(kept.process->caps.bounding & 1ULL << 16);
        assert_string_equal(kept.process->apparmor_profile, "mine");
}

/* How the profile answers to a call by its name alone. */
static uint32_t answer(const struct spec *s, const char *name)
{
        const struct spec_seccomp *p = s->linux_.seccomp;

        for (size_t i = 0; i < p->n_rules; i++) {
                if (!p->rules[i].n_args && has(&p->rules[i].names, name))
                        return p->rules[i].action;
        }
        return p->default_action;
}

static void test_default_profile(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){});
        own_spec struct spec admin = spec_of((struct instance_options){ .cap_add = LIST("sys_admin") });

        assert_int_equal(s.linux_.seccomp->default_errno_ret.v, EPERM);
        assert_true(s.linux_.seccomp->architectures.n > 0);
        assert_int_equal(answer(&s, "read"), SECCOMP_RET_ALLOW);
        assert_int_equal(answer(&s, "writev"), SECCOMP_RET_ALLOW);
        assert_int_equal(answer(&s, "chroot"), SECCOMP_RET_ALLOW);
        assert_int_equal(answer(&s, "mount"), SECCOMP_RET_ERRNO);
        assert_int_equal(answer(&s, "bpf"), SECCOMP_RET_ERRNO);
        assert_int_equal(answer(&s, "clone"), SECCOMP_RET_ERRNO);
        assert_int_equal(answer(&s, "clone3"), SECCOMP_RET_ERRNO);
        assert_int_equal(answer(&s, "io_uring_setup"), SECCOMP_RET_ERRNO);
        assert_int_equal(answer(&s, "reboot"), SECCOMP_RET_ERRNO);
        assert_int_equal(answer(&admin, "mount"), SECCOMP_RET_ALLOW);
        assert_int_equal(answer(&admin, "clone"), SECCOMP_RET_ALLOW);
        assert_int_equal(answer(&admin, "clone3"), SECCOMP_RET_ALLOW);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_capabilities),    cmocka_unit_test(test_options),
                cmocka_unit_test(test_paths),           cmocka_unit_test(test_privileged),
                cmocka_unit_test(test_default_profile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
