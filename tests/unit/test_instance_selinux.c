/* SPDX-License-Identifier: Apache-2.0 */
#include "image_spec_fixture.h"

#include <errno.h>

#include "instance/selinux.h"

static const struct selinux_contexts contexts = { .process = "system_u:system_r:container_t:s0",
                                                  .init = "system_u:system_r:container_init_t:s0",
                                                  .file = "system_u:object_r:container_file_t:s0" };

static struct selinux_labels labels_of(const struct selinux_contexts *c, struct instance_options o)
{
        struct selinux_labels l = {};
        struct error err = {};

        if (selinux_labels_make(c, &o, "s0:c1,c2", &l, &err) < 0)
                fail_msg("%s", err.text);
        return l;
}

static void are(const struct selinux_labels *l, const char *process, const char *mount)
{
        assert_string_equal(l->process, process);
        assert_string_equal(l->mount, mount);
}

static void test_contexts(void **state)
{
        struct selinux_contexts c;

        selinux_contexts_parse("# what\nprocess = \"a:b:c:s0\"\n file=\td:e:f \ninit_process = \"g:h:i\"\n"
                               "ro_file=\"x\"\nkvm_process = \"y\"\nprocess\nfile",
                               &c);
        assert_string_equal(c.process, "a:b:c:s0");
        assert_string_equal(c.file, "d:e:f");
        assert_string_equal(c.init, "g:h:i");
        assert_string_equal(c.layer, "x");
        selinux_contexts_parse("", &c);
        assert_string_equal(c.process, "");
        selinux_contexts_parse("process=\nfile=\"\nprocess", &c);
        assert_string_equal(c.process, "");
        assert_string_equal(c.file, "");
}

static void test_labels(void **state)
{
        static const struct selinux_contexts plain = { .process = "u:r:p", .file = "u:r:f" }, none = {};
        struct selinux_labels l = labels_of(&contexts, (struct instance_options){});

        are(&l, "system_u:system_r:container_t:s0:c1,c2", "system_u:object_r:container_file_t:s0:c1,c2");
        assert_string_equal(l.init, "system_u:system_r:container_init_t:s0:c1,c2");
        /* A policy without levels. */
        l = labels_of(&plain, (struct instance_options){});
        are(&l, "u:r:p", "u:r:f");
        assert_string_equal(l.init, "u:r:p");
        l = labels_of(&none, (struct instance_options){ .security_opt = LIST("label=type:x") });
        are(&l, "", "");
}

static void test_options(void **state)
{
        struct selinux_labels l = labels_of(
                &contexts,
                (struct instance_options){ .security_opt = LIST("label=type:mine_t", "label:user:me", "label=role:r",
                                                                "label=level:s0:c5.c9", "label=filetype:file_t") });

        are(&l, "me:r:mine_t:s0:c5.c9", "me:object_r:file_t:s0:c5.c9");
        assert_string_equal(l.init, "me:r:mine_t:s0:c5.c9");
}

static void test_unconfined(void **state)
{
        static const char mount[] = "system_u:object_r:container_file_t:s0:c1022,c1023";
        struct selinux_labels l =
                labels_of(&contexts, (struct instance_options){ .security_opt = LIST("label=disable") });

        are(&l, "", mount);
        l = labels_of(&contexts, (struct instance_options){ .privileged = true });
        are(&l, "", mount);
        l = labels_of(&contexts, (struct instance_options){ .pid = "host" });
        are(&l, "", mount);
        l = labels_of(&contexts, (struct instance_options){ .ipc = "host" });
        are(&l, "", mount);
        l = labels_of(&contexts,
                      (struct instance_options){ .privileged = true, .security_opt = LIST("label=type:x_t") });
        assert_string_equal(l.process, "system_u:system_r:x_t:s0:c1,c2");
}

static void test_refusals(void **state)
{
        static const char *const bad[] = { "label=type", "label=type:", "label=colour:red", "label=filetype:" };
        static const struct selinux_contexts damaged = { .process = "u:r", .file = "u:r:f" };
        struct instance_options o = {};
        struct selinux_labels l;
        struct error err = {};
        char shared[SELINUX_LABEL_SIZE];

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                o.security_opt = LIST(bad[i]);
                assert_int_equal(selinux_labels_make(&contexts, &o, "s0", &l, &err), -EINVAL);
                assert_non_null(strstr(err.text, bad[i]));
        }
        o.security_opt = NULL;
        assert_int_equal(selinux_labels_make(&damaged, &o, "s0", &l, &err), -EINVAL);
        assert_int_equal(selinux_label_share("nonsense", shared, &err), -EINVAL);
}

static void test_shared(void **state)
{
        char shared[SELINUX_LABEL_SIZE];
        struct error err = {};

        assert_int_equal(selinux_label_share("u:r:t:s0:c1,c2", shared, &err), 0);
        assert_string_equal(shared, "u:r:t:s0");
        assert_int_equal(selinux_label_share("u:r:t", shared, &err), 0);
        assert_string_equal(shared, "u:r:t");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_contexts),   cmocka_unit_test(test_labels),   cmocka_unit_test(test_options),
                cmocka_unit_test(test_unconfined), cmocka_unit_test(test_refusals), cmocka_unit_test(test_shared),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
