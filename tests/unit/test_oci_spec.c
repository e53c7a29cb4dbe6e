/* SPDX-License-Identifier: Apache-2.0 */
/* The document as a whole, hooks, and what must fit together. */
#include "spec_fixture.h"

#include <sched.h>
#include <stdio.h>

#include "base/buf.h"

static void test_smallest(void **state)
{
        own_spec struct spec s = spec_accepted("{'ociVersion':'1.0.0'}");

        assert_string_equal(s.oci_version, "1.0.0");
        assert_null(s.process);
        assert_null(s.root_path);
        assert_null(s.hostname);
        assert_int_equal(s.n_mounts, 0);
        assert_int_equal(s.linux_.n_namespaces, 0);
        assert_false(s.linux_.has_resources);
        assert_null(s.linux_.seccomp);
}

static void test_null_is_absent(void **state)
{
        own_spec struct spec s =
                spec_accepted(DOC("'process':null,'root':null,'hostname':null,'mounts':null,'hooks':null,"
                                  "'annotations':null,'linux':null"));

        assert_null(s.process);
        assert_null(s.root_path);
}

static void test_versions(void **state)
{
        static const char *const accepted[] = { "1.0.0",      "1.2.0",       "1.0.2-dev",   "1.99.0",
                                                "1.1.0-rc.2", "1.0.0+build", "1.3.0-rc.1+x" };

        for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
                own_mem char *text = spec_text("{'ociVersion':'%'}", accepted[i]);
                own_spec struct spec s = {};

                assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
        }
        REFUSED_EACH("{'ociVersion':'%'}", "* is not supported, only 1.x.y", "0.9.0", "2.0.0", "1", "1.", "1.0", "1.0.",
                     "1..0", "10.0.0", "1.0.0-", "1.0.0x", "1.0.0.0", "v1.0.0", " 1.0.0", "1.0.0 ", "1.0.0-a b",
                     "1.a.0", "1.-1.0", "1.0.0-\\n");
        spec_refused("{'ociVersion':''}", "ociVersion: must be given");
        spec_refused("{}", "ociVersion: must be given");
        spec_refused("{'ociVersion':null}", "ociVersion: must be given");
        spec_refused("{'ociVersion':1}", "ociVersion: expected a string");
}

static void test_not_an_object(void **state)
{
        REFUSED_EACH("%", "the document is not an object", "[]", "1", "null", "true", "'x'");
        spec_refused("", "invalid JSON at byte 0: unexpected end");
        spec_refused("{'ociVersion':'1.0.0'", "invalid JSON at byte 21: unexpected end");
        spec_refused(DOC("'process':{'cwd':'/'}") "x", "*trailing bytes");
}

static void test_wrong_types(void **state)
{
        REFUSED_EACH(DOC("'process':%"), "process: expected an object", "[]", "1", "'x'", "true");
        REFUSED_EACH(DOC("'root':%"), "root: expected an object", "[]", "1", "'x'");
        REFUSED_EACH(DOC("'mounts':%"), "mounts: expected an array", "{}", "1", "'x'");
        REFUSED_EACH(DOC("'mounts':[%]"), "mounts[0]: expected an object", "[]", "1", "'x'", "null");
        REFUSED_EACH(DOC("'linux':%"), "linux: expected an object", "[]", "1");
        REFUSED_EACH(DOC("'hooks':%"), "hooks: expected an object", "[]", "1");
        REFUSED_EACH(DOC("'annotations':%"), "annotations: expected an object", "[]", "1");
        REFUSED_EACH(DOC("'hostname':%"), "hostname: expected a string", "[]", "1", "{}");
        REFUSED_EACH(DOC("'domainname':%"), "domainname: expected a string", "[]", "1", "{}");
}

static void test_unknown_members_are_ignored(void **state)
{
        own_spec struct spec s = spec_accepted("{'x':1,'ociVersion':'1.0.0','windows':{'layerFolders':7},'vm':[],'"
                                               "process':{'cwd':'/','x':{}},'linux':{'x':null}}");

        assert_non_null(s.process);
}

static void test_nul_in_strings(void **state)
{
        spec_refused(PROCESS("'env':['A=1\\u0000B=2']"), "*NUL");
        spec_refused(DOC("'hostname':'a\\u0000'"), "*NUL");
        spec_refused(DOC("'annotations':{'a\\u0000':''}"), "*NUL");
}

static void test_last_of_equal_members_counts(void **state)
{
        own_spec struct spec s =
                spec_accepted(DOC("'annotations':{'a':'1','b':'x','a':'2'},'root':{'path':'a'},'root':{'path':'b'}"));

        assert_string_equal(s.root_path, "b");
        assert_int_equal(s.annotations.n, 2);
        assert_string_equal(spec_annotation(&s, "a"), "2");
}

static void test_root(void **state)
{
        own_spec struct spec s = spec_accepted(DOC("'root':{'path':'rootfs','readonly':true}"));

        assert_string_equal(s.root_path, "rootfs");
        assert_true(s.root_readonly);
        spec_refused(DOC("'root':{}"), "root.path: must be given");
        spec_refused(DOC("'root':{'path':''}"), "root.path: must be given");
        spec_refused(DOC("'root':{'path':1}"), "root.path: expected a string");
        spec_refused(DOC("'root':{'path':'x','readonly':'true'}"), "root.readonly: expected true or false");
}

static void test_annotations(void **state)
{
        own_spec struct spec s = spec_accepted(DOC("'annotations':{'a':'1','b':''}"));

        assert_string_equal(spec_annotation(&s, "a"), "1");
        assert_string_equal(spec_annotation(&s, "b"), "");
        assert_null(spec_annotation(&s, "c"));
        spec_refused(DOC("'annotations':{'':'x'}"), "annotations: a key is empty");
        REFUSED_EACH(DOC("'annotations':{'a':%}"), "annotations[\"a\"]: expected a string", "1", "null", "{}", "true");
}

static void test_hooks(void **state)
{
        own_spec struct spec s = spec_accepted(DOC(
                "'hooks':{'prestart':[{'path':'/1'}],'createRuntime':[{'path':'/2'}],'createContainer':[{'path':'/3'}],"
                "'startContainer':[{'path':'/4'}],'poststart':[{'path':'/5'}],"
                "'poststop':[{'path':'/6','args':['six','x'],'env':['A=b'],'timeout':9223372036854775807},{'path':'/"
                "7'}]}"));
        const struct spec_hook_list *lists[] = { &s.hooks.prestart,         &s.hooks.create_runtime,
                                                 &s.hooks.create_container, &s.hooks.start_container,
                                                 &s.hooks.poststart,        &s.hooks.poststop };

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                char path[3] = { '/', (char)('1' + i), '\0' };

                assert_int_equal(lists[i]->n, i == 5 ? 2 : 1);
                assert_string_equal(lists[i]->v[0].path, path);
        }
        assert_int_equal(s.hooks.poststop.v[0].args.n, 2);
        assert_string_equal(s.hooks.poststop.v[0].args.v[1], "x");
        assert_null(s.hooks.poststop.v[0].args.v[2]);
        assert_string_equal(s.hooks.poststop.v[0].env.v[0], "A=b");
        assert_true(s.hooks.poststop.v[0].timeout.set && s.hooks.poststop.v[0].timeout.v == INT64_MAX);
        assert_false(s.hooks.poststop.v[1].timeout.set);
}

static void test_hooks_refused(void **state)
{
        spec_refused(DOC("'hooks':{'prestart':[{}]}"), "hooks.prestart[0].path: must be given");
        spec_refused(DOC("'hooks':{'poststop':[{'path':'/x'},{'path':'x'}]}"),
                     "hooks.poststop[1].path: must be an absolute path, not \"x\"");
        REFUSED_EACH(HOOK("'timeout':%"), "hooks.poststop[0].timeout: must be more than 0", "0", "-1");
        spec_refused(HOOK("'timeout':1.5"), "hooks.poststop[0].timeout: expected a whole number");
        spec_refused(HOOK("'args':['a',1]"), "hooks.poststop[0].args[1]: expected a string");
        spec_refused(HOOK("'env':{}"), "hooks.poststop[0].env: expected an array");
}

static void test_members_that_need_a_namespace(void **state)
{
        static const struct {
                const char *type, *doc, *member;
        } cases[] = {
                { "uts", "'hostname':'h','linux':{'namespaces':[%]}", "hostname" },
                { "uts", "'domainname':'d','linux':{'namespaces':[%]}", "domainname" },
                { "mount", "'linux':{'maskedPaths':['/x'],'namespaces':[%]}", "linux.maskedPaths" },
                { "mount", "'linux':{'readonlyPaths':['/x'],'namespaces':[%]}", "linux.readonlyPaths" },
                { "time", "'linux':{'timeOffsets':{'monotonic':{'secs':1}},'namespaces':[%]}", "linux.timeOffsets" },
                { "time", "'linux':{'timeOffsets':{'boottime':{'secs':1}},'namespaces':[%]}", "linux.timeOffsets" },
                { "network", "'linux':{'netDevices':{'eth0':{}},'namespaces':[%]}", "linux.netDevices" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char doc[256], ns[32], want[64];

                snprintf(doc, sizeof doc, "{'ociVersion':'1.0.0',%s}", cases[i].doc);
                snprintf(want, sizeof want, "%s: needs a %s namespace", cases[i].member, cases[i].type);
                spec_refused_with(doc, "", want);
                snprintf(ns, sizeof ns, "{'type':'%s'}", cases[i].type);
                {
                        own_mem char *text = spec_text(doc, ns);
                        own_spec struct spec s = {};

                        assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
                }
        }
}

#define MAPPINGS "[{'containerID':0,'hostID':1000,'size':1}]"

static void test_user_namespace(void **state)
{
        own_spec struct spec made = spec_accepted(
                LINUX("'namespaces':[{'type':'user'}],'uidMappings':" MAPPINGS ",'gidMappings':" MAPPINGS));
        own_spec struct spec joined = spec_accepted(LINUX("'namespaces':[{'type':'user','path':'/proc/1/ns/user'}]"));

        assert_null(spec_namespace(&made, CLONE_NEWUSER)->path);
        assert_string_equal(spec_namespace(&joined, CLONE_NEWUSER)->path, "/proc/1/ns/user");
        spec_refused(LINUX("'namespaces':[{'type':'user'}]"), "linux.uidMappings: a new user namespace needs them");
        spec_refused(LINUX("'namespaces':[{'type':'user'}],'uidMappings':" MAPPINGS),
                     "linux.gidMappings: a new user namespace needs them");
        spec_refused(LINUX("'uidMappings':" MAPPINGS), "linux.uidMappings: needs a user namespace");
        spec_refused(LINUX("'gidMappings':" MAPPINGS), "linux.gidMappings: needs a user namespace");
}

static void test_joined_time_namespace(void **state)
{
        spec_refused(LINUX("'namespaces':[{'type':'time','path':'/x'}],'timeOffsets':{'boottime':{'secs':1}}"),
                     "linux.timeOffsets: a time namespace that is joined has its own");
}

static void test_idmap_needs_mappings(void **state)
{
        own_spec struct spec own = spec_accepted(
                MOUNT("'type':'bind','options':['idmap'],'uidMappings':" MAPPINGS ",'gidMappings':" MAPPINGS));
        own_spec struct spec user = spec_accepted(
                DOC("'mounts':[{'destination':'/"
                    "x','options':['bind','ridmap']}],'linux':{'namespaces':[{'type':'user','path':'/x'}]}"));

        assert_true(own.mounts[0].idmap && user.mounts[0].idmap);
        spec_refused(MOUNT("'options':['bind','idmap']"),
                     "mounts[0].options: idmap needs mappings or a user namespace");
}

static void test_what_is_not_supported(void **state)
{
        spec_refused(LINUX("'intelRdt':{'closID':'x'}"), "linux.intelRdt: not supported");
        spec_refused(LINUX("'memoryPolicy':{'mode':'MPOL_LOCAL'}"), "linux.memoryPolicy: not supported");
}

static void test_process_alone(void **state)
{
        static const char text[] = "{\"cwd\":\"/tmp\",\"args\":[\"sh\"]}";
        own_spec struct spec owner = {};
        struct error err;

        assert_int_equal(spec_parse_process(text, strlen(text), &owner, &err), 0);
        assert_string_equal(owner.process->cwd, "/tmp");
        assert_string_equal(owner.process->args.v[0], "sh");
        spec_finish(&owner);
        assert_int_equal(spec_parse_process("{}", 2, &owner, &err), -EINVAL);
        assert_string_equal(err.text, "cwd: Cwd must be an absolute path");
        assert_null(owner.process);
        assert_null(owner.json);
        assert_int_equal(spec_parse_process("[]", 2, &owner, &err), -EINVAL);
        assert_int_equal(spec_parse_process("", 0, &owner, NULL), -EINVAL);
}

static void test_resources_alone(void **state)
{
        static const char text[] = "{\"pids\":{\"limit\":5}}", wrong[] = "{\"pids\":{\"limit\":\"5\"}}";
        own_spec struct spec owner = {};
        struct error err;

        assert_int_equal(spec_parse_resources(text, strlen(text), &owner, &err), 0);
        assert_true(owner.linux_.has_resources);
        assert_int_equal(owner.linux_.resources.pids_limit.v, 5);
        spec_finish(&owner);
        assert_int_equal(spec_parse_resources(wrong, strlen(wrong), &owner, &err), -EINVAL);
        assert_string_equal(err.text, "pids.limit: expected a whole number");
        assert_false(owner.linux_.has_resources);
}

/* A path of names that is longer than the error's text is cut, not written behind its end. */
static void test_long_names_in_errors(void **state)
{
        for (size_t len = 380; len < 600; len++) {
                struct {
                        struct error err;
                        char behind;
                } e = { .behind = 'x' };
                char key[600] = {}, text[2000];
                struct spec s;

                memset(key, 'k', len);
                snprintf(text, sizeof text,
                         "{\"ociVersion\":\"1.0.0\",\"linux\":{\"resources\":{\"unified\":{\"%s\":\"\"}}}}", key);
                assert_int_equal(spec_parse(text, strlen(text), &s, &e.err), -EINVAL);
                assert_int_equal(strncmp(e.err.text, "linux.resources.unified: \"kkk", 29), 0);
                assert_true(strlen(e.err.text) < sizeof e.err.text);
                assert_int_equal(e.behind, 'x');
        }
}

static void test_finish_twice(void **state)
{
        struct spec s = spec_accepted(PROCESS("'args':['x']"));

        spec_finish(&s);
        spec_finish(&s);
        assert_null(s.process);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_smallest),
                cmocka_unit_test(test_null_is_absent),
                cmocka_unit_test(test_versions),
                cmocka_unit_test(test_not_an_object),
                cmocka_unit_test(test_wrong_types),
                cmocka_unit_test(test_unknown_members_are_ignored),
                cmocka_unit_test(test_nul_in_strings),
                cmocka_unit_test(test_last_of_equal_members_counts),
                cmocka_unit_test(test_root),
                cmocka_unit_test(test_annotations),
                cmocka_unit_test(test_hooks),
                cmocka_unit_test(test_hooks_refused),
                cmocka_unit_test(test_members_that_need_a_namespace),
                cmocka_unit_test(test_user_namespace),
                cmocka_unit_test(test_joined_time_namespace),
                cmocka_unit_test(test_idmap_needs_mappings),
                cmocka_unit_test(test_what_is_not_supported),
                cmocka_unit_test(test_process_alone),
                cmocka_unit_test(test_resources_alone),
                cmocka_unit_test(test_long_names_in_errors),
                cmocka_unit_test(test_finish_twice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
