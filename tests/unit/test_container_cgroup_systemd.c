/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told about a container: a child process plays systemd and writes down what it hears. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <limits.h>
#include <cmocka.h>

#include "base/own.h"
#include "container/cgroup.h"
#include "container/cgroup/properties.h"
#include "container/cgroup/systemd.h"
#include "dbus_server.h"

/* Writes one value of a basic type as text. */
static void print_basic(struct buf *out, struct dbus_reader *r, char type)
{
        uint64_t bits;
        double d;

        switch (type) {
        case 's':
        case 'o':
                buf_addf(out, "\"%s\"", dbus_read_string(r));
                break;
        case 'g':
                buf_addf(out, "\"%s\"", dbus_read_signature(r));
                break;
        case 'y':
                buf_addf(out, "%u", dbus_read_byte(r));
                break;
        case 'b':
        case 'u':
                buf_addf(out, "%u", dbus_read_u32(r));
                break;
        case 'i':
                buf_addf(out, "%d", (int)dbus_read_u32(r));
                break;
        case 't':
                buf_addf(out, "%llu", (unsigned long long)dbus_read_u64(r));
                break;
        case 'd':
                bits = dbus_read_u64(r);
                memcpy(&d, &bits, sizeof d);
                buf_addf(out, "%g", d);
                break;
        default:
                buf_addf(out, "?%c", type);
                r->failed = true;
        }
}

static void align(struct dbus_reader *r, size_t to)
{
        r->pos = (r->pos + to - 1) / to * to;
}

/* A variant's value: a basic type, an array of one, or a(ss). */
static void print_value(struct buf *out, struct dbus_reader *r, const char *type)
{
        uint32_t len;
        size_t end;

        if (type[0] != 'a') {
                print_basic(out, r, type[0]);
                return;
        }
        len = dbus_read_u32(r);
        align(r, type[1] == '(' || type[1] == 't' ? 8 : 1);
        end = r->pos + len;
        buf_add_str(out, "[");
        while (!r->failed && r->pos < end) {
                if (out->data[out->len - 1] != '[')
                        buf_add_str(out, ",");
                if (type[1] != '(') {
                        print_basic(out, r, type[1]);
                        continue;
                }
                align(r, 8);
                buf_addf(out, "%s", dbus_read_string(r));
                buf_addf(out, " %s", dbus_read_string(r));
        }
        buf_add_str(out, "]");
}

/* The elements of an a(sv), one a line: "NAME TYPE VALUE". */
static void print_properties(struct buf *out, struct dbus_reader *r, size_t end)
{
        while (!r->failed && r->pos < end) {
                const char *name, *type;

                align(r, 8);
                name = dbus_read_string(r);
                type = dbus_read_signature(r);
                if (r->failed)
                        return;
                buf_addf(out, "%s %s ", name, type);
                print_value(out, r, type);
                buf_add_str(out, "\n");
        }
}

static void print_array(struct buf *out, struct dbus_reader *r)
{
        uint32_t len = dbus_read_u32(r);

        align(r, 8);
        print_properties(out, r, r->pos + len);
}

static const char started[] = "runc-web.scope replace\n"
                              "Description s \"holt container runc-web.scope\"\n"
                              "Slice s \"machine.slice\"\n"
                              "Delegate b 1\n"
                              "PIDs au [4711]\n"
                              "MemoryAccounting b 1\n"
                              "CPUAccounting b 1\n"
                              "IOAccounting b 1\n"
                              "TasksAccounting b 1\n"
                              "DefaultDependencies b 0\n"
                              "TimeoutStopUSec t 90000000\n"
                              "DevicePolicy s \"strict\"\n"
                              "DeviceAllow a(ss) []\n"
                              "DeviceAllow a(ss) [char-* m,block-* m,/dev/char/1:3 rwm,/dev/char/1:8 rwm,"
                              "/dev/char/1:7 rwm,/dev/char/5:0 rwm,/dev/char/1:5 rwm,/dev/char/1:9 rwm,char-136 rwm,"
                              "/dev/char/5:2 rwm,/dev/char/10:200 rwm]\n"
                              "MemoryMax t 1000000\n"
                              "MemorySwapMax t 500000\n"
                              "TasksMax t 100\n"
                              "rest: 0\n";

static struct dbus_message expect_start(int fd)
{
        struct dbus_message m = server_receive(fd, "StartTransientUnit");
        struct dbus_reader r = { .data = m.body, .len = m.body_len };
        struct buf text = {};

        server_check(strcmp(m.signature, "ssa(sv)a(sa(sv))") == 0, 10);
        buf_addf(&text, "%s", dbus_read_string(&r));
        buf_addf(&text, " %s\n", dbus_read_string(&r));
        print_array(&text, &r);
        buf_addf(&text, "rest: %u\n", dbus_read_u32(&r));
        if (r.failed || strcmp(buf_str(&text), started) != 0) {
                fprintf(stderr, "told:\n%s", buf_str(&text));
                _exit(11);
        }
        return m;
}

static void play_greeting(int fd, const char *version)
{
        struct dbus_message m;

        server_authenticate(fd);
        m = server_receive(fd, "AddMatch"); /* on its own socket systemd has no such method */
        server_reply_error(fd, &m, "org.freedesktop.DBus.Error.UnknownObject", "Unknown object");
        if (!version)
                return;
        m = server_receive(fd, "Get");
        server_reply_string(fd, &m, "v", version);
}

/* A failed unit of that name is in the way first. */
static void play_start(int fd)
{
        struct dbus_message m;

        play_greeting(fd, "252.38-1~deb12u1");
        m = expect_start(fd);
        server_reply_error(fd, &m, "org.freedesktop.systemd1.UnitExists", "Unit runc-web.scope already exists.");
        m = server_receive(fd, "ResetFailedUnit");
        server_reply(fd, &m, "", NULL);
        m = expect_start(fd);
        server_reply_string(fd, &m, "o", "/org/freedesktop/systemd1/job/42");
        server_job_removed(fd, "/org/freedesktop/systemd1/job/41", "other.scope", "failed");
        server_job_removed(fd, "/org/freedesktop/systemd1/job/42", "runc-web.scope", "done");
        m = server_receive(fd, "Get");
        server_check(strcmp(m.path, "/org/freedesktop/systemd1/unit/runc_2dweb_2escope") == 0, 12);
        server_reply_string(fd, &m, "v", "/machine.slice/runc-web.scope");
}

static void play_failed_job(int fd)
{
        struct dbus_message m;

        play_greeting(fd, "252");
        m = server_receive(fd, "StartTransientUnit");
        server_reply_string(fd, &m, "o", "/job/1");
        server_job_removed(fd, "/job/1", "runc-web.scope", "canceled");
        m = server_receive(fd, "ResetFailedUnit");
        server_reply(fd, &m, "", NULL);
}

static void play_stop(int fd)
{
        struct dbus_message m;

        play_greeting(fd, NULL);
        m = server_receive(fd, "StopUnit");
        server_reply_string(fd, &m, "o", "/job/2");
        server_job_removed(fd, "/job/2", "runc-web.scope", "done");
        m = server_receive(fd, "ResetFailedUnit");
        server_reply_error(fd, &m, "org.freedesktop.systemd1.NoSuchUnit", "Unit runc-web.scope not loaded.");
}

static void play_stop_of_nothing(int fd)
{
        struct dbus_message m;

        play_greeting(fd, NULL);
        m = server_receive(fd, "StopUnit");
        server_reply_error(fd, &m, "org.freedesktop.systemd1.NoSuchUnit", "Unit runc-web.scope not loaded.");
        m = server_receive(fd, "ResetFailedUnit");
        server_reply_error(fd, &m, "org.freedesktop.systemd1.NoSuchUnit", "Unit runc-web.scope not loaded.");
}

struct fixture {
        struct server server;
        struct dbus bus;
        struct cgroup cg;
        struct spec spec;
        struct str_pair annotations[2];
        struct error err;
};

static void start(struct fixture *f, void (*play)(int fd))
{
        *f = (struct fixture){ .server = server_start(play) };
        f->cg = (struct cgroup){
                .unified = true, .systemd = true, .slice = "machine.slice", .scope = "runc-web.scope"
        };
        f->annotations[0] = (struct str_pair){ "org.example.other", "ignored" };
        f->annotations[1] = (struct str_pair){ "org.systemd.property.TimeoutStopSec", "90" };
        f->spec.annotations = (struct str_map){ 2, f->annotations };
        f->spec.linux_.resources.memory.limit = (struct opt_i64){ true, 1000000 };
        f->spec.linux_.resources.memory.swap = (struct opt_i64){ true, 1500000 };
        f->spec.linux_.resources.pids_limit = (struct opt_i64){ true, 100 };
        assert_int_equal(dbus_open_fd(f->server.fd, false, &f->bus, &f->err), 0);
}

static void finish(struct fixture *f)
{
        dbus_close(&f->bus);
        assert_int_equal(server_wait(&f->server), 0);
}

static void test_start(void **state)
{
        char path[PATH_MAX];
        struct fixture f;

        start(&f, play_start);
        if (systemd_start_unit(&f.bus, &f.cg, &f.spec, 4711, &f.err) < 0)
                fail_msg("%s (server: %d)", f.err.text, server_wait(&f.server));
        assert_int_equal(systemd_unit_cgroup(&f.bus, &f.cg, path, &f.err), 0);
        assert_string_equal(path, "/machine.slice/runc-web.scope");
        finish(&f);
}

static void test_failed_job(void **state)
{
        struct fixture f;

        start(&f, play_failed_job);
        assert_int_equal(systemd_start_unit(&f.bus, &f.cg, &f.spec, 4711, &f.err), -EIO);
        assert_non_null(strstr(f.err.text, "systemd says \"canceled\""));
        finish(&f);
}

static void test_stop(void **state)
{
        struct fixture f;

        start(&f, play_stop);
        assert_int_equal(systemd_stop_unit(&f.bus, &f.cg, &f.err), 0);
        finish(&f);
        start(&f, play_stop_of_nothing);
        assert_int_equal(systemd_stop_unit(&f.bus, &f.cg, &f.err), 0);
        finish(&f);
}

static void assert_properties(const struct cgroup *cg, const struct spec_resources *res, unsigned version, bool devices,
                              const char *want)
{
        own_buf struct buf b = {}, text = {};
        struct dbus_reader r;
        struct error err;

        assert_int_equal(properties_add_resources(&b, cg, res, version, devices, &err), 0);
        r = (struct dbus_reader){ .data = b.data, .len = b.len };
        print_properties(&text, &r, b.len);
        assert_false(r.failed);
        assert_string_equal(buf_str(&text), want);
}

static void test_resource_properties(void **state)
{
        struct str_pair unified[] = { { "memory.high", "max" }, { "cpu.weight", "50" }, { "misc.max", "res 1" } };
        struct str_pair texts[] = { { "cpu.max", "20000 50000" }, { "cpuset.cpus", "0-1" },  { "cpuset.mems", "0" },
                                    { "cpu.max", "max" },         { "cpu.max", "1 2 3" },    { "cpu.max", "-1" },
                                    { "cpu.max", "1000" },        { "cpu.max", "max 1000" }, { "cpu.max", "1 0" } };
        struct spec_device_rule all = { true, 'a', -1, -1, "rwm" };
        struct cgroup v2 = { .unified = true }, v1 = {};
        struct spec_resources r = {};
        struct error err;
        struct buf b = {};

        r.cpu.shares = (struct opt_u64){ true, 1024 };
        r.cpu.quota = (struct opt_i64){ true, 33333 };
        r.memory.limit = (struct opt_i64){ true, -1 };
        r.memory.reservation = (struct opt_i64){ true, 100 };
        r.cpu.cpus = "0-1,9";
        r.pids_limit = (struct opt_i64){ true, -1 };
        assert_properties(&v2, &r, 252, false,
                          "MemoryMax t 18446744073709551615\nMemoryLow t 100\n"
                          "MemorySwapMax t 18446744073709551615\nCPUWeight t 39\nCPUQuotaPerSecUSec t 340000\n"
                          "TasksMax t 18446744073709551615\nAllowedCPUs ay [3,2]\n");
        r.cpu.period = (struct opt_u64){ true, 50000 };
        r.cpu.quota.v = -1;
        r.blkio.weight = (struct opt_u64){ true, 500 };
        assert_properties(&v1, &r, 241, false,
                          "MemoryLimit t 18446744073709551615\nCPUShares t 1024\n"
                          "CPUQuotaPerSecUSec t 18446744073709551615\nBlockIOWeight t 500\n"
                          "TasksMax t 18446744073709551615\n");
        r = (struct spec_resources){ .cpu = { .idle = { true, 1 }, .shares = { true, 1024 } },
                                     .unified = { 3, unified },
                                     .n_devices = 1,
                                     .devices = &all };
        assert_properties(&v2, &r, 252, true,
                          "DevicePolicy s \"auto\"\nDeviceAllow a(ss) []\nCPUWeight t 0\n"
                          "MemoryHigh t 18446744073709551615\nCPUWeight t 50\n");
        r = (struct spec_resources){ .unified = { sizeof texts / sizeof *texts, texts } };
        assert_properties(&v2, &r, 252, false,
                          "CPUQuotaPeriodUSec t 50000\nCPUQuotaPerSecUSec t 400000\nAllowedCPUs ay [3]\n"
                          "AllowedMemoryNodes ay [1]\nCPUQuotaPerSecUSec t 18446744073709551615\n"
                          "CPUQuotaPerSecUSec t 10000\nCPUQuotaPeriodUSec t 1000\n"
                          "CPUQuotaPerSecUSec t 18446744073709551615\n");
        assert_properties(&v2, &r, 241, false,
                          "CPUQuotaPerSecUSec t 400000\nCPUQuotaPerSecUSec t 18446744073709551615\n"
                          "CPUQuotaPerSecUSec t 10000\nCPUQuotaPerSecUSec t 18446744073709551615\n");
        r = (struct spec_resources){ .cpu = { .cpus = "0-" } };
        assert_int_equal(properties_add_resources(&b, &v2, &r, 252, false, &err), -EINVAL);
        buf_finish(&b);
}

static void check_annotation(const char *key, const char *value, const char *want)
{
        struct str_pair annotation = { key, value };
        own_buf struct buf b = {}, text = {};
        struct dbus_reader r;
        struct error err;
        int q = property_add_annotation(&b, &annotation, &err);

        if (!want) {
                assert_int_equal(q, -EINVAL);
                return;
        }
        assert_int_equal(q, 0);
        r = (struct dbus_reader){ .data = b.data, .len = b.len };
        print_properties(&text, &r, b.len);
        assert_false(r.failed);
        assert_string_equal(buf_str(&text), want);
}

#define P "org.systemd.property."

static void test_annotations(void **state)
{
        check_annotation("org.criu.config", "x", "");
        check_annotation(P "CollectMode", "'inactive-or-failed'", "CollectMode s \"inactive-or-failed\"\n");
        check_annotation(P "CollectMode", " \"a\\\"b'c\" ", "CollectMode s \"a\"b'c\"\n");
        check_annotation(P "TimeoutStopUSec", "uint64 123456789", "TimeoutStopUSec t 123456789\n");
        check_annotation(P "TimeoutStopUSec", "@t 5", "TimeoutStopUSec t 5\n");
        check_annotation(P "TimeoutStopSec", "uint32 5", "TimeoutStopUSec t 5000000\n");
        check_annotation(P "TimeoutStopSec", "1.5", "TimeoutStopUSec t 1500000\n");
        check_annotation(P "Number", "-7", "Number i -7\n");
        check_annotation(P "Number", "byte 255", "Number y 255\n");
        check_annotation(P "Number", "2.5", "Number d 2.5\n");
        check_annotation(P "SendSIGHUP", "true", "SendSIGHUP b 1\n");
        check_annotation(P "After", "['a.service', 'b.service']", "After as [\"a.service\",\"b.service\"]\n");
        check_annotation(P "After", "@as []", "After as []\n");
        check_annotation(P "Counts", "[uint64 1]", NULL);
        check_annotation(P "Counts", "@at [1,2]", "Counts at [1,2]\n");

        check_annotation(P "No", "1", NULL);
        check_annotation(P "No-Dash", "1", NULL);
        check_annotation(P "", "1", NULL);
        check_annotation(P "Number", "", NULL);
        check_annotation(P "Number", "1 2", NULL);
        check_annotation(P "Number", "uint64 -1", NULL);
        check_annotation(P "Number", "byte 256", NULL);
        check_annotation(P "Number", "int32 99999999999", NULL);
        check_annotation(P "Number", "nonsense", NULL);
        check_annotation(P "TimeoutStopSec", "1e300", NULL);
        check_annotation(P "TimeoutStopSec", "inf", NULL);
        check_annotation(P "Text", "'open", NULL);
        check_annotation(P "Text", "uint64 'x'", NULL);
        check_annotation(P "List", "[1,'a']", NULL);
        check_annotation(P "List", "[]", NULL);
        check_annotation(P "List", "[1", NULL);
        check_annotation(P "List", "[1,]", NULL);
        check_annotation(P "TimeoutStopSec", "'x'", NULL);
        check_annotation(P "TimeoutStopSec", "-1", NULL);
        check_annotation(P "TimeoutStopSec", "uint64 18446744073709551615", NULL);
}

static void test_cpu_lists(void **state)
{
        static const char *const bad[] = { "", ",", "a", "1-", "-1", "3-1", "1-2-3", "9999999", "0x1" };
        uint8_t *bits;
        size_t n;

        assert_int_equal(cpu_list_to_bits("0", &bits, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(bits[0], 1);
        free(bits);
        assert_int_equal(cpu_list_to_bits("1, 3-5,\t16\n", &bits, &n), 0);
        assert_int_equal(n, 3);
        assert_int_equal(bits[0], 0x3a);
        assert_int_equal(bits[1], 0);
        assert_int_equal(bits[2], 1);
        free(bits);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_int_equal(cpu_list_to_bits(bad[i], &bits, &n), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_start),       cmocka_unit_test(test_failed_job),
                cmocka_unit_test(test_stop),        cmocka_unit_test(test_resource_properties),
                cmocka_unit_test(test_annotations), cmocka_unit_test(test_cpu_lists),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
