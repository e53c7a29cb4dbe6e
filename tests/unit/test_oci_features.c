/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "oci/features.h"
#include "oci/runtime_spec.h"

static struct json_object *features(void)
{
        own_buf struct buf out = {};
        struct json_object *root = NULL;

        assert_int_equal(features_write(&out, NULL), 0);
        assert_int_equal(out.data[out.len - 1], '\n');
        assert_int_equal(json_parse(buf_str(&out), out.len, &root, NULL), 0);
        return root;
}

/* The value at "a.b.c". */
static struct json_object *at(struct json_object *o, const char *path)
{
        own_mem char *copy = strdup(path);
        char *rest = copy, *key = strsep(&rest, ".");

        for (; rest; key = strsep(&rest, "."))
                assert_int_equal(json_get_object(o, key, &o, NULL), 1);
        if (json_get_object(o, key, &o, NULL) < 0)
                assert_int_equal(json_get_array(o, key, &o, NULL), 1);
        return o;
}

static bool has(struct json_object *array, const char *name)
{
        for (size_t i = 0; i < json_array_size(array); i++) {
                if (strcmp(json_string_value(json_array_item(array, i)), name) == 0)
                        return true;
        }
        return false;
}

static void assert_names(struct json_object *root, const char *path, const struct name_value *table)
{
        struct json_object *array = at(root, path);
        size_t n = 0;

        for (; table->name; table++, n++)
                assert_true(has(array, table->name));
        assert_int_equal(json_array_size(array), n);
}

static void test_versions(void **state)
{
        own_json struct json_object *root = features();
        const char *min = NULL, *max = NULL;

        assert_int_equal(json_get_string(root, "ociVersionMin", &min, NULL), 1);
        assert_int_equal(json_get_string(root, "ociVersionMax", &max, NULL), 1);
        assert_string_equal(min, "1.0.0");
        assert_string_equal(max, OCI_SPEC_VERSION);
}

/* What is announced must be accepted in a config.json: the tables are the parser's own. */
static void test_names(void **state)
{
        own_json struct json_object *root = features();
        struct json_object *options = at(root, "mountOptions");
        size_t n = 0;

        assert_names(root, "linux.namespaces", oci_namespaces);
        assert_names(root, "linux.capabilities", oci_capabilities);
        assert_names(root, "linux.seccomp.actions", oci_seccomp_actions);
        assert_names(root, "linux.seccomp.operators", oci_seccomp_ops);
        assert_names(root, "linux.seccomp.archs", oci_seccomp_archs);
        assert_names(root, "linux.seccomp.knownFlags", oci_seccomp_flags);
        while (oci_mount_options[n])
                assert_true(has(options, oci_mount_options[n++]));
        assert_int_equal(json_array_size(options), n);
        assert_int_equal(json_array_size(at(root, "hooks")), 6);
}

static void test_supported_flags(void **state)
{
        own_json struct json_object *root = features();
        struct json_object *known = at(root, "linux.seccomp.knownFlags"),
                           *supported = at(root, "linux.seccomp.supportedFlags");

        for (size_t i = 0; i < json_array_size(supported); i++)
                assert_true(has(known, json_string_value(json_array_item(supported, i))));
        /* Since Linux 3.17 */
        assert_true(has(supported, "SECCOMP_FILTER_FLAG_TSYNC"));
}

static void test_enabled(void **state)
{
        static const struct {
                const char *path;
                bool enabled;
        } cases[] = {
                { "linux.seccomp", true },   { "linux.apparmor", true },
                { "linux.selinux", true },   { "linux.mountExtensions.idmap", true },
                { "linux.intelRdt", false },
        };
        own_json struct json_object *root = features();

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                bool enabled = !cases[i].enabled;

                assert_int_equal(json_get_bool(at(root, cases[i].path), "enabled", &enabled, NULL), 1);
                assert_int_equal(enabled, cases[i].enabled);
        }
}

static void test_cgroup(void **state)
{
        static const char *const keys[] = { "v1", "v2", "systemd", "systemdUser", "rdma" };
        own_json struct json_object *root = features();
        struct json_object *cgroup = at(root, "linux.cgroup");

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                bool given;

                assert_int_equal(json_get_bool(cgroup, keys[i], &given, NULL), 1);
        }
        assert_int_equal(json_member_count(cgroup), ARRAY_SIZE(keys));
}

static void test_annotations(void **state)
{
        own_json struct json_object *root = features();
        struct json_object *annotations = at(root, "annotations"),
                           *unsafe = at(root, "potentiallyUnsafeConfigAnnotations");
        const char *version = NULL;

        assert_int_equal(json_get_string(annotations, "io.holt.oci.version", &version, NULL), 1);
        assert_int_equal(json_get_string(annotations, "io.github.seccomp.libseccomp.version", &version, NULL), 1);
        assert_true(has(unsafe, "org.systemd.property."));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_versions), cmocka_unit_test(test_names),  cmocka_unit_test(test_supported_flags),
                cmocka_unit_test(test_enabled),  cmocka_unit_test(test_cgroup), cmocka_unit_test(test_annotations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
