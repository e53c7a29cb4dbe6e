/* SPDX-License-Identifier: Apache-2.0 */
#include "spec_fixture.h"

#define CAPS(members) PROCESS("'capabilities':{" members "}")
#define USER(members) PROCESS("'user':{" members "}")
#define RLIMITS(items) PROCESS("'rlimits':[" items "]")
#define SCHEDULER(members) PROCESS("'scheduler':{" members "}")

static void test_defaults(void **state)
{
        own_spec struct spec s = spec_accepted(DOC("'process':{'cwd':'/'}"));
        const struct spec_process *p = s.process;

        assert_string_equal(p->cwd, "/");
        assert_false(p->terminal || p->has_caps || p->no_new_privileges);
        assert_int_equal(p->uid, 0);
        assert_int_equal(p->gid, 0);
        assert_int_equal(p->n_additional_gids, 0);
        assert_int_equal(p->args.n, 0);
        assert_int_equal(p->env.n, 0);
        assert_int_equal(p->n_rlimits, 0);
        assert_null(p->apparmor_profile);
        assert_null(p->selinux_label);
        assert_null(p->scheduler);
        assert_null(p->cpu_affinity_initial);
        assert_null(p->cpu_affinity_final);
        assert_false(p->umask.set || p->oom_score_adj.set || p->io_priority.set);
        assert_non_null(p->json);
}

static void test_arguments(void **state)
{
        own_spec struct spec s = spec_accepted(PROCESS("'args':['sh','-c',''],'env':['A=1','B'],'noNewPrivileges':true,"
                                                       "'apparmorProfile':'p','selinuxLabel':'l','oomScoreAdj':-1000"));
        const struct spec_process *p = s.process;

        assert_int_equal(p->args.n, 3);
        assert_string_equal(p->args.v[1], "-c");
        assert_string_equal(p->args.v[2], "");
        assert_null(p->args.v[3]);
        assert_int_equal(p->env.n, 2);
        assert_string_equal(p->env.v[0], "A=1");
        assert_null(p->env.v[2]);
        assert_true(p->no_new_privileges);
        assert_string_equal(p->apparmor_profile, "p");
        assert_string_equal(p->selinux_label, "l");
        assert_true(p->oom_score_adj.set && p->oom_score_adj.v == -1000);
}

static void test_arguments_refused(void **state)
{
        spec_refused(PROCESS("'args':'sh'"), "process.args: expected an array");
        REFUSED_EACH(PROCESS("'args':['x',%]"), "process.args[1]: expected a string", "1", "null", "[]");
        spec_refused(PROCESS("'env':[{}]"), "process.env[0]: expected a string");
        spec_refused(PROCESS("'terminal':1"), "process.terminal: expected true or false");
        spec_refused(PROCESS("'noNewPrivileges':'yes'"), "process.noNewPrivileges: expected true or false");
        spec_refused(PROCESS("'apparmorProfile':1"), "process.apparmorProfile: expected a string");
        spec_refused(PROCESS("'selinuxLabel':[]"), "process.selinuxLabel: expected a string");
        REFUSED_EACH(PROCESS("'oomScoreAdj':%"), "process.oomScoreAdj: must be from -1000 to 1000", "-1001", "1001");
        spec_refused(PROCESS("'oomScoreAdj':'1'"), "process.oomScoreAdj: expected a whole number");
}

static void test_limits_of_numbers(void **state)
{
        own_spec struct spec s =
                spec_accepted(PROCESS("'oomScoreAdj':1000,'scheduler':{'policy':'SCHED_OTHER','nice':19}"));

        assert_int_equal(s.process->oom_score_adj.v, 1000);
        assert_int_equal(s.process->scheduler->nice, 19);
}

static void test_cwd(void **state)
{
        REFUSED_EACH(DOC("'process':{%}"), "process.cwd: Cwd must be an absolute path", "", "'cwd':''", "'cwd':'tmp'",
                     "'cwd':null");
        spec_refused(DOC("'process':{'cwd':1}"), "process.cwd: expected a string");
}

static void test_console_size(void **state)
{
        own_spec struct spec on = spec_accepted(PROCESS("'terminal':true,'consoleSize':{'width':80,'height':65535}"));
        own_spec struct spec off = spec_accepted(PROCESS("'consoleSize':{'width':-1}"));

        assert_int_equal(on.process->console_width, 80);
        assert_int_equal(on.process->console_height, 65535);
        assert_int_equal(off.process->console_width, 0);
        spec_refused(PROCESS("'terminal':true,'consoleSize':{'width':65536}"),
                     "process.consoleSize.width: 65536 is more than 65535");
        spec_refused(PROCESS("'terminal':true,'consoleSize':{'height':-1}"),
                     "process.consoleSize.height: expected a whole number of 0 or more");
}

static void test_user(void **state)
{
        own_spec struct spec s =
                spec_accepted(USER("'uid':4294967294,'gid':5,'umask':63,'additionalGids':[1,4294967295]"));
        const struct spec_process *p = s.process;

        assert_true(p->uid == UINT32_MAX - 1);
        assert_int_equal(p->gid, 5);
        assert_true(p->umask.set && p->umask.v == 077);
        assert_int_equal(p->n_additional_gids, 2);
        assert_int_equal(p->additional_gids[0], 1);
        assert_true(p->additional_gids[1] == UINT32_MAX);
}

static void test_user_refused(void **state)
{
        spec_refused(USER("'uid':-1"), "process.user.uid: expected a whole number of 0 or more");
        spec_refused(USER("'uid':4294967296"), "process.user.uid: expected a number below 2^32");
        spec_refused(USER("'uid':4294967295"), "process.user.uid: expected a number below 2^32 - 1");
        spec_refused(USER("'gid':4294967295"), "process.user.gid: expected a number below 2^32 - 1");
        spec_refused(USER("'uid':'0'"), "process.user.uid: expected a whole number of 0 or more");
        spec_refused(USER("'gid':1.0"), "process.user.gid: expected a whole number of 0 or more");
        spec_refused(USER("'umask':512"), "process.user.umask: 512 is more than 511");
        REFUSED_EACH(USER("'additionalGids':[0,%]"), "process.user.additionalGids[1]: expected a number below 2^32",
                     "-1", "4294967296", "'0'", "null", "1.5");
        spec_refused(USER("'additionalGids':5"), "process.user.additionalGids: expected an array");
}

static void test_capabilities(void **state)
{
        own_spec struct spec s =
                spec_accepted(CAPS("'bounding':['CAP_CHOWN','CAP_CHECKPOINT_RESTORE'],'effective':['CAP_DAC_OVERRIDE'],"
                                   "'inheritable':['CAP_KILL'],"
                                   "'permitted':['CAP_SYS_ADMIN','CAP_SYS_ADMIN'],'ambient':['CAP_BPF']"));
        const struct spec_caps *c = &s.process->caps;

        assert_true(s.process->has_caps);
        assert_true(c->bounding == (UINT64_C(1) << 40 | 1));
        assert_true(c->effective == 2);
        assert_true(c->inheritable == 32);
        assert_true(c->permitted == UINT64_C(1) << 21);
        assert_true(c->ambient == UINT64_C(1) << 39);
}

static void test_unknown_capabilities(void **state)
{
        own_spec struct spec s = spec_accepted(CAPS("'bounding':['CAP_OF_THE_FUTURE','CAP_KILL','CAP_X9']"));
        own_spec struct spec none = spec_accepted(CAPS(""));

        assert_true(s.process->caps.bounding == 32);
        assert_true(none.process->has_caps && !none.process->caps.bounding);
        REFUSED_EACH(CAPS("'ambient':['CAP_KILL',%]"),
                     "process.capabilities.ambient[1]: expected the name of a capability", "''", "'CAP_'", "'KILL'",
                     "'cap_kill'", "'CAP_kill'", "'CAP_KILL '", "'ALL'", "1", "null");
        spec_refused(CAPS("'permitted':{}"), "process.capabilities.permitted: expected an array");
}

static void test_rlimits(void **state)
{
        own_spec struct spec s =
                spec_accepted(RLIMITS("{'type':'RLIMIT_NOFILE','soft':1024,'hard':18446744073709551615},"
                                      "{'type':'RLIMIT_CORE','soft':0,'hard':0}"));

        assert_int_equal(s.process->n_rlimits, 2);
        assert_int_equal(s.process->rlimits[0].resource, 7);
        assert_int_equal(s.process->rlimits[0].soft, 1024);
        assert_true(s.process->rlimits[0].hard == UINT64_MAX);
        assert_int_equal(s.process->rlimits[1].resource, 4);
}

static void test_rlimits_refused(void **state)
{
        spec_refused(RLIMITS("{'type':'RLIMIT_CPU','soft':1,'hard':1},{'type':'RLIMIT_X','soft':1,'hard':1}"),
                     "process.rlimits[1].type: unknown value \"RLIMIT_X\"");
        spec_refused(RLIMITS("{'type':'RLIMIT_CPU','soft':1,'hard':1},{'type':'RLIMIT_CPU','soft':1,'hard':1}"),
                     "process.rlimits[1].type: given twice");
        spec_refused(RLIMITS("{'soft':1,'hard':1}"), "process.rlimits[0].type: must be given");
        spec_refused(RLIMITS("{'type':'RLIMIT_CPU','hard':1}"), "process.rlimits[0].soft: must be given");
        spec_refused(RLIMITS("{'type':'RLIMIT_CPU','soft':1}"), "process.rlimits[0].hard: must be given");
        spec_refused(RLIMITS("{'type':'RLIMIT_CPU','soft':2,'hard':1}"), "process.rlimits[0].soft: is more than hard");
        spec_refused(RLIMITS("{'type':'RLIMIT_CPU','soft':-1,'hard':1}"),
                     "process.rlimits[0].soft: expected a whole number of 0 or more");
        spec_refused(RLIMITS("{'type':'RLIMIT_CPU','soft':1,'hard':18446744073709551616}"),
                     "*does not fit into 64 bits");
}

static void test_scheduler(void **state)
{
        static const struct {
                const char *name;
                unsigned policy;
        } policies[] = { { "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 },
                         { "SCHED_BATCH", 3 }, { "SCHED_IDLE", 5 }, { "SCHED_DEADLINE", 6 } };

        for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
                own_mem char *text = spec_text(SCHEDULER("'policy':'%'"), policies[i].name);
                own_spec struct spec s = {};

                assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
                assert_int_equal(s.process->scheduler->policy, policies[i].policy);
        }
}

static void test_scheduler_values(void **state)
{
        own_spec struct spec rr = spec_accepted(SCHEDULER("'policy':'SCHED_RR','priority':99,'nice':-20"));
        own_spec struct spec deadline = spec_accepted(
                SCHEDULER("'policy':'SCHED_DEADLINE','runtime':1,'deadline':2,'period':18446744073709551615"));

        assert_int_equal(rr.process->scheduler->priority, 99);
        assert_int_equal(rr.process->scheduler->nice, -20);
        assert_int_equal(rr.process->scheduler->flags, 0);
        assert_int_equal(deadline.process->scheduler->runtime, 1);
        assert_int_equal(deadline.process->scheduler->deadline, 2);
        assert_true(deadline.process->scheduler->period == UINT64_MAX);
}

static void test_scheduler_flags(void **state)
{
        static const char *const names[] = { "RESET_ON_FORK", "RECLAIM",        "DL_OVERRUN",    "KEEP_POLICY",
                                             "KEEP_PARAMS",   "UTIL_CLAMP_MIN", "UTIL_CLAMP_MAX" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                own_mem char *text = spec_text(SCHEDULER("'policy':'SCHED_OTHER','flags':['SCHED_FLAG_%']"), names[i]);
                own_spec struct spec s = {};

                assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
                assert_int_equal(s.process->scheduler->flags, 1 << i);
        }
        spec_refused(SCHEDULER("'policy':'SCHED_OTHER','flags':['SCHED_FLAG_RECLAIM','x']"),
                     "process.scheduler.flags[1]: unknown value \"x\"");
        spec_refused(SCHEDULER("'policy':'SCHED_OTHER','flags':[1]"), "process.scheduler.flags[0]: expected a string");
}

static void test_scheduler_refused(void **state)
{
        spec_refused(SCHEDULER(""), "process.scheduler.policy: must be given");
        spec_refused(SCHEDULER("'policy':'SCHED_ISO'"), "process.scheduler.policy: unknown value \"SCHED_ISO\"");
        REFUSED_EACH(SCHEDULER("'policy':'SCHED_OTHER','nice':%"), "process.scheduler.nice: must be from -20 to 19",
                     "-21", "20");
        REFUSED_EACH(SCHEDULER("'policy':'SCHED_FIFO','priority':%"),
                     "process.scheduler.priority: must be from 0 to 99", "-1", "100");
        REFUSED_EACH(SCHEDULER("'policy':'SCHED_%','priority':1"),
                     "process.scheduler.priority: only for SCHED_FIFO and SCHED_RR", "OTHER", "BATCH", "IDLE",
                     "DEADLINE");
        REFUSED_EACH(SCHEDULER("'policy':'SCHED_FIFO','%':1"),
                     "process.scheduler.runtime, deadline and period: only for SCHED_DEADLINE", "runtime", "deadline",
                     "period");
}

static void test_io_priority(void **state)
{
        own_spec struct spec rt = spec_accepted(PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_RT','priority':7}"));
        own_spec struct spec be = spec_accepted(PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_BE'}"));
        own_spec struct spec idle = spec_accepted(PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_IDLE','priority':0}"));

        assert_true(rt.process->io_priority.set);
        assert_int_equal(rt.process->io_priority.v, 1 << 13 | 7);
        assert_int_equal(be.process->io_priority.v, 2 << 13);
        assert_int_equal(idle.process->io_priority.v, 3 << 13);
        spec_refused(PROCESS("'ioPriority':{'priority':1}"), "process.ioPriority.class: must be given");
        spec_refused(PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_NONE'}"),
                     "process.ioPriority.class: unknown value \"IOPRIO_CLASS_NONE\"");
        spec_refused(PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}"),
                     "process.ioPriority.priority: 8 is more than 7");
        spec_refused(PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':-1}"),
                     "process.ioPriority.priority: expected a whole number of 0 or more");
}

static void test_cpu_affinity(void **state)
{
        own_spec struct spec s = spec_accepted(PROCESS("'execCPUAffinity':{'initial':'0-3,7','final':'1, 2'}"));

        assert_string_equal(s.process->cpu_affinity_initial, "0-3,7");
        assert_string_equal(s.process->cpu_affinity_final, "1, 2");
        spec_refused(PROCESS("'execCPUAffinity':{'initial':'a'}"),
                     "process.execCPUAffinity.initial: expected a list of CPUs, not \"a\"");
        spec_refused(PROCESS("'execCPUAffinity':{'final':1}"), "process.execCPUAffinity.final: expected a string");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_arguments),
                cmocka_unit_test(test_arguments_refused),
                cmocka_unit_test(test_limits_of_numbers),
                cmocka_unit_test(test_cwd),
                cmocka_unit_test(test_console_size),
                cmocka_unit_test(test_user),
                cmocka_unit_test(test_user_refused),
                cmocka_unit_test(test_capabilities),
                cmocka_unit_test(test_unknown_capabilities),
                cmocka_unit_test(test_rlimits),
                cmocka_unit_test(test_rlimits_refused),
                cmocka_unit_test(test_scheduler),
                cmocka_unit_test(test_scheduler_values),
                cmocka_unit_test(test_scheduler_flags),
                cmocka_unit_test(test_scheduler_refused),
                cmocka_unit_test(test_io_priority),
                cmocka_unit_test(test_cpu_affinity),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
