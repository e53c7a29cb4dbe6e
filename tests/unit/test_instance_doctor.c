/* SPDX-License-Identifier: Apache-2.0 */
/* The checks, on a host made of a directory. */
#include "check.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/doctor/checks.h"
#include "instance/doctor/place.h"
#include "sys/fd.h"

static struct {
        int attempts[DOCTOR_TRIALS];
        const char *nft, *legacy; /* what the commands say; NULL: not installed */
        char commands[512];
} fake;

static int fake_attempt(const struct doctor_host *h, enum doctor_trial trial)
{
        return fake.attempts[trial];
}

static int fake_command(const struct doctor_host *h, const char *const *argv, struct buf *out)
{
        const char *text = strcmp(argv[0], "nft") == 0 ? fake.nft : strcmp(argv[0], "sh") == 0 ? "" : fake.legacy;

        if (strcmp(argv[0], "sh") == 0)
                snprintf(fake.commands + strlen(fake.commands), sizeof fake.commands - strlen(fake.commands), "%s;",
                         argv[2]);
        buf_add_str(out, text ? text : "");
        return text ? strstr(argv[2] ? argv[2] : "", "fails") != NULL : -ENOENT;
}

struct test {
        char top[32];
        struct doctor_host host;
        struct doctor_findings found;
};

static int setup(void **state)
{
        struct test *t = calloc(1, sizeof *t);

        memset(&fake, 0, sizeof fake);
        strcpy(t->top, "/tmp/holt-doctor-XXXXXX");
        assert_non_null(mkdtemp(t->top));
        t->host = (struct doctor_host){ .top = t->top,
                                        .root = t->top,
                                        .run = t->top,
                                        .user = "root",
                                        .attempt = fake_attempt,
                                        .command = fake_command };
        *state = t;
        return 0;
}

static int teardown(void **state)
{
        struct test *t = *state;

        doctor_findings_finish(&t->found);
        assert_int_equal(fd_remove_tree_at(-1, t->top), 0);
        free(t);
        return 0;
}

static void put(struct test *t, const char *path, const char *text)
{
        char full[512], directory[512];
        FILE *f;

        snprintf(full, sizeof full, "%s/%s", t->top, path);
        strcpy(directory, full);
        *strrchr(directory, '/') = '\0';
        assert_int_equal(fd_mkdir_all(directory, 0755), 0);
        f = fopen(full, "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

static void run(struct test *t, void (*check)(const struct doctor_host *h, struct doctor_findings *f))
{
        doctor_findings_finish(&t->found);
        check(&t->host, &t->found);
        assert_false(t->found.failed);
        /* What is not well says why it matters. */
        for (size_t i = 0; i < t->found.n; i++)
                assert_int_equal(t->found.items[i].why != NULL, t->found.items[i].level != DOCTOR_OK);
}

static const struct doctor_finding *find(const struct test *t, const char *check)
{
        for (size_t i = 0; i < t->found.n; i++)
                if (strcmp(t->found.items[i].check, check) == 0)
                        return &t->found.items[i];
        fail_msg("no finding \"%s\"", check);
        return NULL;
}

static void is(const struct test *t, const char *check, enum doctor_level level, const char *text, const char *mend)
{
        const struct doctor_finding *f = find(t, check);

        assert_int_equal(f->level, level);
        if (!strstr(f->text, text))
                fail_msg("%s: %s", check, f->text);
        if (mend ? !f->mend || !strstr(f->mend, mend) : f->mend != NULL)
                fail_msg("%s: mend: %s", check, f->mend ? f->mend : "(none)");
}

static void test_kernel(void **state)
{
        static const char *const kinds[] = { "mnt", "pid", "ipc", "uts", "net", "cgroup", "user" };
        struct test *t = *state;
        char path[64];

        put(t, "proc/sys/kernel/osrelease", "5.10.0-19-amd64\n");
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                snprintf(path, sizeof path, "proc/self/ns/%s", kinds[i]);
                put(t, path, "");
        }
        run(t, doctor_check_kernel);
        is(t, "version", DOCTOR_PROBLEM, "5.10.0", NULL);
        is(t, "namespaces", DOCTOR_OK, "all", NULL);
        put(t, "proc/sys/kernel/osrelease", "6.1.0\n");
        snprintf(path, sizeof path, "%s/proc/self/ns/user", t->top);
        unlink(path);
        run(t, doctor_check_kernel);
        is(t, "version", DOCTOR_OK, "6.1.0", NULL);
        is(t, "namespaces", DOCTOR_WARNING, "no user", NULL);
}

static void test_cgroups_unified(void **state)
{
        struct test *t = *state;

        put(t, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids misc\n");
        run(t, doctor_check_cgroups);
        is(t, "layout", DOCTOR_OK, "cgroup v2", NULL);
        is(t, "memory", DOCTOR_WARNING, "no memory controller", "cgroup_enable=memory");
        is(t, "pressure", DOCTOR_WARNING, "not", "psi=1");
        assert_int_equal(t->found.n, 4);
        put(t, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
        put(t, "proc/pressure/memory", "");
        fake.attempts[TRIAL_CGROUP] = -EROFS;
        run(t, doctor_check_cgroups);
        is(t, "make", DOCTOR_PROBLEM, "Read-only", "remount,rw");
        t->host.uid = 1000;
        run(t, doctor_check_cgroups);
        is(t, "make", DOCTOR_WARNING, "Read-only", "Delegate=");
        fake.attempts[TRIAL_CGROUP] = 0;
        put(t, "sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers", "memory pids\n");
        run(t, doctor_check_cgroups);
        is(t, "cpu", DOCTOR_WARNING, "for user", "Delegate=");
}

static void test_cgroups_v1(void **state)
{
        struct test *t = *state;

        run(t, doctor_check_cgroups);
        is(t, "layout", DOCTOR_PROBLEM, "no cgroups", "mount");
        put(t, "sys/fs/cgroup/unified/cgroup.controllers", "\n");
        put(t, "sys/fs/cgroup/memory/x", "");
        put(t, "sys/fs/cgroup/blkio/x", "");
        put(t, "sys/fs/cgroup/cpu/x", "");
        put(t, "sys/fs/cgroup/cpuset/x", "");
        run(t, doctor_check_cgroups);
        is(t, "layout", DOCTOR_OK, "hybrid", NULL);
        is(t, "pids", DOCTOR_WARNING, "no pids controller", NULL);
}

static void test_storage(void **state)
{
        struct test *t = *state;

        run(t, doctor_check_storage);
        is(t, "erofs", DOCTOR_OK, "from their files", NULL);
        is(t, "overlay", DOCTOR_OK, "", NULL);
        fake.attempts[TRIAL_EROFS_FILE] = -ENOTBLK;
        run(t, doctor_check_storage);
        is(t, "erofs", DOCTOR_OK, "loop devices", NULL);
        fake.attempts[TRIAL_EROFS_LOOP] = -ENODEV;
        fake.attempts[TRIAL_OVERLAY] = -ENODEV;
        run(t, doctor_check_storage);
        is(t, "erofs", DOCTOR_WARNING, "no EROFS", NULL);
        is(t, "overlay", DOCTOR_PROBLEM, "No such device", "modprobe overlay");
        put(t, "proc/sys/kernel/osrelease", "6.1.0\n");
        put(t, "lib/modules/6.1.0/modules.dep", "kernel/fs/erofs/erofs.ko: kernel/lib/lz4.ko\n");
        run(t, doctor_check_storage);
        is(t, "erofs", DOCTOR_WARNING, "cannot be mounted", "modprobe erofs");
        assert_null(doctor_judge_file_system(EXT4_SUPER_MAGIC));
        assert_non_null(doctor_judge_file_system(NFS_SUPER_MAGIC));
        assert_int_equal(doctor_judge_space(UINT64_C(10) << 20, UINT64_C(100) << 30), DOCTOR_PROBLEM);
        assert_int_equal(doctor_judge_space(UINT64_C(1) << 30, UINT64_C(100) << 30), DOCTOR_WARNING);
        assert_int_equal(doctor_judge_space(UINT64_C(1) << 30, UINT64_C(2) << 30), DOCTOR_OK);
        assert_int_equal(doctor_judge_space(UINT64_C(3) << 30, UINT64_C(100) << 30), DOCTOR_OK);
}

static void test_users(void **state)
{
        struct test *t = *state;

        put(t, "etc/os-release", "NAME=\"X\"\nID=rocky\nID_LIKE=\"rhel centos fedora\"\n");
        put(t, "proc/sys/kernel/unprivileged_userns_clone", "0\n");
        put(t, "etc/subuid", "other:100000:65536\nme:165536:1000\n");
        fake.attempts[TRIAL_USER_NAMESPACE] = -EPERM;
        run(t, doctor_check_users);
        is(t, "namespaces", DOCTOR_WARNING, "no user namespaces", "unprivileged_userns_clone=1");
        is(t, "newuidmap", DOCTOR_WARNING, "not installed", "dnf install shadow-utils");
        is(t, "pasta", DOCTOR_WARNING, "not installed", "dnf install passt");
        t->host.uid = 1000;
        t->host.user = "me";
        put(t, "run/systemd/system/x", "");
        run(t, doctor_check_users);
        is(t, "namespaces", DOCTOR_PROBLEM, "", "unprivileged_userns_clone=1");
        is(t, "subuid", DOCTOR_WARNING, "me has too few",
           "usermod --add-subuids 166536-232071 --add-subgids 166536-232071 me");
        is(t, "linger", DOCTOR_WARNING, "", "loginctl enable-linger me");
        put(t, "etc/subuid", "me:100000:65536\n");
        put(t, "etc/subgid", "1000:100000:65536\n");
        put(t, "usr/bin/newuidmap", "");
        put(t, "usr/bin/newgidmap", "");
        put(t, "usr/bin/pasta", "");
        put(t, "var/lib/systemd/linger/me", "");
        fake.attempts[TRIAL_USER_NAMESPACE] = 0;
        run(t, doctor_check_users);
        for (size_t i = 0; i < t->found.n; i++)
                assert_int_equal(t->found.items[i].level, DOCTOR_OK);
}

static void test_network(void **state)
{
        struct test *t = *state;

        fake.attempts[TRIAL_VETH] = -EOPNOTSUPP;
        fake.attempts[TRIAL_BRIDGE] = -EPERM;
        put(t, "proc/sys/net/ipv4/ip_forward", "0\n");
        run(t, doctor_check_network);
        is(t, "veth", DOCTOR_WARNING, "no veth", NULL);
        is(t, "ip_forward", DOCTOR_OK, "not forwarded", NULL);
        is(t, "ipv6", DOCTOR_WARNING, "off", "disable_ipv6=0");
        put(t, "proc/sys/net/ipv4/ip_forward", "1\n");
        put(t, "proc/net/if_inet6", "");
        fake.attempts[TRIAL_VETH] = 0;
        run(t, doctor_check_network);
        for (size_t i = 0; i < t->found.n; i++)
                assert_int_equal(t->found.items[i].level, DOCTOR_OK);
}

static void test_firewall(void **state)
{
        struct test *t = *state;

        run(t, doctor_check_firewall);
        is(t, "nft", DOCTOR_WARNING, "not installed", "apt install nftables");
        put(t, "usr/sbin/nft", "");
        fake.nft = "{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}},{\"chain\":{\"family\":\"ip\",\"table\":"
                   "\"filter\","
                   "\"name\":\"FORWARD\",\"handle\":1,\"type\":\"filter\",\"hook\":\"forward\",\"prio\":0,\"policy\":"
                   "\"drop\"}}"
                   ",{\"chain\":{\"family\":\"ip\",\"table\":\"filter\",\"name\":\"DOCKER-USER\",\"handle\":4}}]}";
        run(t, doctor_check_firewall);
        is(t, "docker", DOCTOR_WARNING, "iptables is not installed", "apt install iptables");
        put(t, "usr/sbin/iptables", "");
        run(t, doctor_check_firewall);
        is(t, "docker", DOCTOR_OK, "Docker drops", NULL);
        fake.nft = "{\"nftables\":[{\"chain\":{\"family\":\"ip\",\"table\":\"filter\",\"name\":\"FORWARD\",\"hook\":"
                   "\"forward\",\"policy\":\"drop\"}},{\"chain\":{\"family\":\"ip\",\"table\":\"filter\",\"name\":"
                   "\"ufw-before-forward\"}}]}";
        run(t, doctor_check_firewall);
        is(t, "forward", DOCTOR_WARNING, "ufw drops", "ufw route allow");
        fake.nft = "{\"nftables\":[{\"chain\":{\"family\":\"inet\",\"table\":\"firewalld\",\"name\":\"filter_FORWARD\","
                   "\"hook\":\"forward\",\"policy\":\"accept\"}},{\"chain\":{\"family\":\"ip\",\"table\":\"mine\","
                   "\"name\":"
                   "\"all\",\"hook\":\"forward\",\"policy\":\"drop\"}}]}";
        run(t, doctor_check_firewall);
        is(t, "forward", DOCTOR_WARNING, "ip mine all drops", "iptables -I FORWARD -i holt+");
        is(t, "firewalld", DOCTOR_OK, "runs", NULL);
        fake.nft = "{\"nftables\":[]}";
        run(t, doctor_check_firewall);
        is(t, "forward", DOCTOR_OK, "nobody", NULL);
        put(t, "proc/net/ip_tables_names", "nat\nfilter\n");
        fake.legacy = "-P INPUT ACCEPT\n-P FORWARD DROP\n-N DOCKER\n";
        run(t, doctor_check_firewall);
        is(t, "docker", DOCTOR_OK, "Docker drops", NULL);
        fake.nft = "nonsense";
        fake.legacy = "";
        run(t, doctor_check_firewall);
        is(t, "forward", DOCTOR_OK, "nobody", NULL);
}

static void test_machines(void **state)
{
        struct test *t = *state;

        fake.attempts[TRIAL_KVM] = -ENOENT;
        put(t, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme svm\nbugs\t\t: vmx\n");
        run(t, doctor_check_machines);
        is(t, "kvm", DOCTOR_WARNING, "no /dev/kvm", "modprobe kvm_amd");
        put(t, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme\nbugs\t\t: vmx\n");
        run(t, doctor_check_machines);
        is(t, "kvm", DOCTOR_WARNING, "no virtualization", "firmware");
        fake.attempts[TRIAL_KVM] = 0;
        run(t, doctor_check_machines);
        is(t, "kvm", DOCTOR_WARNING, "without virtualization", NULL);
        put(t, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vmx\n");
        run(t, doctor_check_machines);
        is(t, "kvm", DOCTOR_OK, "runs guests", NULL);
        fake.attempts[TRIAL_KVM] = -ETIMEDOUT;
        run(t, doctor_check_machines);
        is(t, "kvm", DOCTOR_WARNING, "runs no guest", NULL);
        fake.attempts[TRIAL_KVM] = -EACCES;
        t->host.user = "me";
        run(t, doctor_check_machines);
        is(t, "kvm", DOCTOR_WARNING, "not for this user", "usermod -aG kvm me");
        is(t, "guest-kernel", DOCTOR_WARNING, "no kernel", "holt system kernel");
        put(t, "boot/vmlinuz-6.1.0-9-cloud-amd64", "");
        put(t, "lib/modules/6.1.0-9-cloud-amd64/modules.dep", "");
        run(t, doctor_check_machines);
        is(t, "guest-kernel", DOCTOR_OK, "6.1.0-9-cloud-amd64", NULL);
}

static void test_security(void **state)
{
        struct test *t = *state;

        fake.attempts[TRIAL_CLOCK] = -ENODATA;
        put(t, "sys/module/apparmor/parameters/enabled", "Y\n");
        run(t, doctor_check_security);
        is(t, "clock", DOCTOR_WARNING, "nobody", "timedatectl");
        is(t, "lsm", DOCTOR_WARNING, "apparmor_parser is not", "apparmor");
        put(t, "usr/sbin/apparmor_parser", "");
        run(t, doctor_check_security);
        is(t, "lsm", DOCTOR_OK, "AppArmor is", NULL);
        is(t, "seccomp", DOCTOR_WARNING, "no seccomp", NULL);
        put(t, "sys/fs/selinux/enforce", "1\n");
        put(t, "proc/sys/kernel/seccomp/actions_avail", "kill\n");
        run(t, doctor_check_security);
        is(t, "lsm", DOCTOR_OK, "SELinux is enforcing", NULL);
        is(t, "seccomp", DOCTOR_OK, "filtered", NULL);
}

static void told(void *userdata, const char *command, const char *failure)
{
        struct buf *text = userdata;

        buf_addf(text, "%s%s\n", failure ? failure : "ok", strchr(command, '=') ? "" : command);
}

static void test_limits_and_fix(void **state)
{
        struct doctor_finding bad = { "limits", "x", DOCTOR_WARNING, "text", "why", "this fails", true };
        own_buf struct buf text = {};
        struct test *t = *state;

        put(t, "proc/sys/fs/inotify/max_user_instances", "128\n");
        put(t, "proc/sys/kernel/pid_max", "4194304\n");
        run(t, doctor_check_limits);
        is(t, "inotify_instances", DOCTOR_WARNING, "is 128", "fs.inotify.max_user_instances = 1024");
        is(t, "pid_max", DOCTOR_OK, "is 4194304", NULL);
        assert_int_equal(t->found.n, 2);
        doctor_add(&t->found, &bad);
        bad.safe = false;
        doctor_add(&t->found, &bad);
        assert_int_equal(doctor_fix(&t->host, &t->found, told, &text), 1);
        assert_string_equal(buf_str(&text), "ok\nit ended with 1this fails\n");
        assert_non_null(strstr(fake.commands, "sysctl -p /etc/sysctl.d/60-holt-inotify_instances.conf;this fails;"));
}

static void test_everything(void **state)
{
        struct test *t = *state;
        struct error err;

        assert_int_equal(doctor_check(&t->host, &t->found, &err), 0);
        assert_true(t->found.n > 15);
}

int main(void)
{
#define doctor_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                doctor_test(test_kernel),         doctor_test(test_cgroups_unified), doctor_test(test_cgroups_v1),
                doctor_test(test_storage),        doctor_test(test_users),           doctor_test(test_network),
                doctor_test(test_firewall),       doctor_test(test_machines),        doctor_test(test_security),
                doctor_test(test_limits_and_fix), doctor_test(test_everything),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
