/* SPDX-License-Identifier: Apache-2.0 */
#include "spec_fixture.h"

#define PROFILE(members) LINUX("'seccomp':{" members "}")
#define RULE(members) SECCOMP("'syscalls':[{" members "}]")
#define ARG(members) RULE("'names':['x'],'action':'SCMP_ACT_ALLOW','args':[{" members "}]")

static void test_profile(void **state)
{
        own_spec struct spec s = spec_accepted(
                PROFILE("'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,'architectures':['SCMP_ARCH_X86_64','"
                        "SCMP_ARCH_X86'],"
                        "'listenerPath':'/run/"
                        "s','listenerMetadata':'m','flags':['SECCOMP_FILTER_FLAG_LOG','SECCOMP_FILTER_FLAG_TSYNC'],"
                        "'syscalls':[{'names':['read','write'],'action':'SCMP_ACT_ALLOW'},"
                        "{'names':['clone'],'action':'SCMP_ACT_ERRNO','errnoRet':1,"
                        "'args':[{'index':5,'value':18446744073709551615,'valueTwo':7,'op':'SCMP_CMP_MASKED_EQ'}]}]"));
        const struct spec_seccomp *p = s.linux_.seccomp;

        assert_int_equal(p->default_action, 0x50000);
        assert_true(p->default_errno_ret.set && p->default_errno_ret.v == 38);
        assert_int_equal(p->architectures.n, 2);
        assert_string_equal(p->architectures.v[1], "SCMP_ARCH_X86");
        assert_int_equal(p->flags, 3);
        assert_string_equal(p->listener_path, "/run/s");
        assert_string_equal(p->listener_metadata, "m");
        assert_int_equal(p->n_rules, 2);
        assert_string_equal(p->rules[0].names.v[1], "write");
        assert_int_equal(p->rules[0].action, 0x7fff0000);
        assert_false(p->rules[0].errno_ret.set);
        assert_true(p->rules[1].errno_ret.set && p->rules[1].errno_ret.v == 1);
        assert_int_equal(p->rules[1].n_args, 1);
        assert_int_equal(p->rules[1].args[0].index, 5);
        assert_true(p->rules[1].args[0].value == UINT64_MAX && p->rules[1].args[0].value_two == 7);
        assert_int_equal(p->rules[1].args[0].op, 7);
        assert_non_null(p->json);
}

static void test_every_action(void **state)
{
        for (const struct name_value *a = oci_seccomp_actions; a->name; a++) {
                own_mem char *text = spec_text(RULE("'names':['x'],'action':'%'"), a->name);
                own_spec struct spec s = {};

                assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
                assert_true(s.linux_.seccomp->rules[0].action == a->value);
        }
        spec_refused(PROFILE("'defaultAction':'SCMP_ACT_NOTIFY'"),
                     "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY is only for syscalls[]");
        spec_refused(PROFILE("'defaultAction':'SCMP_ACT_X'"),
                     "linux.seccomp.defaultAction: unknown value \"SCMP_ACT_X\"");
        spec_refused(PROFILE(""), "linux.seccomp.defaultAction: must be given");
        spec_refused(RULE("'names':['x'],'action':'ALLOW'"),
                     "linux.seccomp.syscalls[0].action: unknown value \"ALLOW\"");
        spec_refused(RULE("'names':['x']"), "linux.seccomp.syscalls[0].action: must be given");
}

static void test_every_operator(void **state)
{
        for (const struct name_value *o = oci_seccomp_ops; o->name; o++) {
                own_mem char *text = spec_text(ARG("'index':0,'value':1,'op':'%'"), o->name);
                own_spec struct spec s = {};

                assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
                assert_int_equal(s.linux_.seccomp->rules[0].args[0].op, o->value);
        }
}

static void test_every_architecture(void **state)
{
        for (const struct name_value *a = oci_seccomp_archs; a->name; a++) {
                own_mem char *text = spec_text(SECCOMP("'architectures':['%']"), a->name);
                own_spec struct spec s = {};

                assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
                assert_string_equal(s.linux_.seccomp->architectures.v[0], a->name);
        }
        spec_refused(SECCOMP("'architectures':['SCMP_ARCH_X86','SCMP_ARCH_VAX']"),
                     "linux.seccomp.architectures[1]: unknown value \"SCMP_ARCH_VAX\"");
}

static void test_flags(void **state)
{
        own_spec struct spec absent = spec_accepted(SECCOMP("'flags':null"));
        own_spec struct spec empty = spec_accepted(SECCOMP("'flags':[]"));
        own_spec struct spec all =
                spec_accepted(SECCOMP("'flags':['SECCOMP_FILTER_FLAG_TSYNC','SECCOMP_FILTER_FLAG_LOG',"
                                      "'SECCOMP_FILTER_FLAG_SPEC_ALLOW','SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']"));

        assert_int_equal(absent.linux_.seccomp->flags, 4);
        assert_int_equal(empty.linux_.seccomp->flags, 0);
        assert_int_equal(all.linux_.seccomp->flags, 1 | 2 | 4 | 32);
        REFUSED_EACH(SECCOMP("'flags':['%']"), "*linux.seccomp.flags[0]: unknown value",
                     "SECCOMP_FILTER_FLAG_NEW_LISTENER", "LOG", "");
}

static void test_errno(void **state)
{
        own_spec struct spec trace = spec_accepted(RULE("'names':['x'],'action':'SCMP_ACT_TRACE','errnoRet':65535"));

        assert_int_equal(trace.linux_.seccomp->rules[0].errno_ret.v, 65535);
        spec_refused(RULE("'names':['x'],'action':'SCMP_ACT_ERRNO','errnoRet':4096"),
                     "linux.seccomp.syscalls[0].errnoRet: 4096 is more than 4095");
        REFUSED_EACH(RULE("'names':['x'],'action':'SCMP_ACT_%','errnoRet':1"),
                     "linux.seccomp.syscalls[0].errnoRet: only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE", "ALLOW", "KILL",
                     "KILL_PROCESS", "TRAP", "LOG", "NOTIFY");
        spec_refused(PROFILE("'defaultAction':'SCMP_ACT_ALLOW','defaultErrnoRet':1"),
                     "linux.seccomp.defaultErrnoRet: only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE");
}

static void test_rules_refused(void **state)
{
        spec_refused(RULE("'action':'SCMP_ACT_ALLOW'"), "linux.seccomp.syscalls[0].names: must not be empty");
        spec_refused(RULE("'names':[],'action':'SCMP_ACT_ALLOW'"),
                     "linux.seccomp.syscalls[0].names: must not be empty");
        spec_refused(RULE("'names':[1],'action':'SCMP_ACT_ALLOW'"),
                     "linux.seccomp.syscalls[0].names[0]: expected a string");
        spec_refused(SECCOMP("'syscalls':{}"), "linux.seccomp.syscalls: expected an array");
}

static void test_args_refused(void **state)
{
        spec_refused(ARG("'value':1,'op':'SCMP_CMP_EQ'"), "linux.seccomp.syscalls[0].args[0].index: must be given");
        spec_refused(ARG("'index':1,'op':'SCMP_CMP_EQ'"), "linux.seccomp.syscalls[0].args[0].value: must be given");
        spec_refused(ARG("'index':1,'value':1"), "linux.seccomp.syscalls[0].args[0].op: must be given");
        spec_refused(ARG("'index':6,'value':1,'op':'SCMP_CMP_EQ'"),
                     "linux.seccomp.syscalls[0].args[0].index: must be from 0 to 5");
        spec_refused(ARG("'index':-1,'value':1,'op':'SCMP_CMP_EQ'"),
                     "linux.seccomp.syscalls[0].args[0].index: expected a whole number of 0 or more");
        spec_refused(ARG("'index':0,'value':1,'op':'=='"),
                     "linux.seccomp.syscalls[0].args[0].op: unknown value \"==\"");
        spec_refused(ARG("'index':0,'value':1,'valueTwo':-1,'op':'SCMP_CMP_EQ'"),
                     "linux.seccomp.syscalls[0].args[0].valueTwo: expected a whole number of 0 or more");
}

static void test_listener(void **state)
{
        own_spec struct spec s = spec_accepted(SECCOMP("'listenerPath':'/run/s'"));

        assert_string_equal(s.linux_.seccomp->listener_path, "/run/s");
        assert_null(s.linux_.seccomp->listener_metadata);
        spec_refused(SECCOMP("'listenerMetadata':'m'"), "linux.seccomp.listenerMetadata: needs listenerPath");
        spec_refused(SECCOMP("'listenerPath':1"), "linux.seccomp.listenerPath: expected a string");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_profile),        cmocka_unit_test(test_every_action),
                cmocka_unit_test(test_every_operator), cmocka_unit_test(test_every_architecture),
                cmocka_unit_test(test_flags),          cmocka_unit_test(test_errno),
                cmocka_unit_test(test_rules_refused),  cmocka_unit_test(test_args_refused),
                cmocka_unit_test(test_listener),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
