/* SPDX-License-Identifier: Apache-2.0 */
/* An agent over a socketpair, with processes of this machine in the place of a guest's. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/own.h"
#include "sys/process.h"
#include "sys/terminal.h"

#ifdef __SANITIZE_ADDRESS__
/* It keeps what was freed for a while. */
enum { MEMORY_KIB = 300 << 10 };
#else
enum { MEMORY_KIB = 2 << 10 };
#endif
enum { PATIENCE = 20000, LOTS = 1 << 20 };

/* ---- a workload without a guest: what args say, here ---- */

static int configure(void *userdata, const char *json, size_t len, struct error *err)
{
        return len == 2 ? 0 : error_set(err, EINVAL, "no configuration");
}

static _Noreturn void run(const struct workload_request *r, const int *stdio, int slave)
{
        process_reset_signals();
        setsid();
        if (slave >= 0)
                terminal_adopt(slave);
        for (int i = 0; i < 3 && slave < 0; i++)
                dup2(stdio[i], i);
        execvp(r->args[0], (char **)r->args);
        _exit(127);
}

static int start(void *userdata, const struct workload_request *r, const int *stdio, pid_t *ret_pid, int *ret_master,
                 struct error *err)
{
        int master = -1, slave = -1;
        pid_t pid;

        if (strcmp(r->args[0], "no-such-program") == 0)
                return error_set(err, ENOENT, "exec no-such-program: No such file or directory");
        if (r->tty) {
                master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
                unlockpt(master);
                slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        }
        pid = fork();
        if (pid == 0)
                run(r, stdio, slave);
        if (slave >= 0)
                close(slave);
        *ret_pid = pid;
        *ret_master = master;
        return 0;
}

static int send_signal(void *userdata, enum workload_kind kind, pid_t pid, int signo, bool all, struct error *err)
{
        return kill(all ? -pid : pid, signo) < 0 ? error_errno(err, errno, "kill") : 0;
}

static bool oom_killed(void *userdata)
{
        return true;
}

static void clean_up(void *userdata)
{
}

static void settle(void *userdata)
{
        int *times = userdata;

        ++*times;
}

static int stats(void *userdata, struct buf *out, struct error *err)
{
        const int *times = userdata;

        buf_addf(out, "{\"pids\":%d}", *times);
        return 0;
}

static const struct workload here = { configure, start, send_signal, oom_killed, clean_up, settle, stats };

/* ---- the host's side ---- */

struct host {
        int fd;
        pid_t agent;
        struct protocol_reader in;
        struct buf output[2];
        uint32_t granted; /* to us, of session 1 */
};

static void send_to(struct host *h, uint16_t session, unsigned type, const void *data, size_t len)
{
        own_buf struct buf out = {};

        protocol_add_to(&out, session, type, data, len);
        assert_int_equal(protocol_send_raw(h->fd, out.data, out.len, NULL, 0), 0);
}

static void send_u32(struct host *h, uint16_t session, unsigned type, uint32_t v)
{
        unsigned char b[4];

        protocol_put_u32(b, v);
        send_to(h, session, type, b, sizeof b);
}

/* The next frame; false at the end, or when nothing comes. */
static bool receive(struct host *h, struct frame *f, int patience)
{
        struct pollfd p = { .fd = h->fd, .events = POLLIN };
        int n;

        while ((n = protocol_next(&h->in, f)) == 0) {
                if (poll(&p, 1, patience) <= 0 || protocol_read(&h->in, h->fd, 4096) <= 0)
                        return false;
        }
        assert_int_equal(n, 1);
        return true;
}

/* The next of this type; output and windows before it are noted, anything else is wrong. */
static struct frame expect(struct host *h, uint16_t session, unsigned type)
{
        struct frame f;

        for (;;) {
                assert_true(receive(h, &f, PATIENCE));
                if (f.type == type && f.session == session)
                        return f;
                if (f.type == PROTOCOL_WINDOW)
                        h->granted += f.session == 1 ? protocol_u32(f.payload) : 0;
                else if (f.type == PROTOCOL_STDOUT || f.type == PROTOCOL_STDERR)
                        buf_add(&h->output[f.type == PROTOCOL_STDERR], f.payload, f.len);
                else
                        fail_msg("frame %u of session %u, not %u of %u", f.type, f.session, type, session);
        }
}

static void start_json(struct host *h, uint16_t session, const char *json, uint32_t window)
{
        own_buf struct buf b = {};
        unsigned char len[4];

        protocol_put_u32(len, (uint32_t)strlen(json));
        buf_add(&b, len, sizeof len);
        buf_add_str(&b, json);
        send_to(h, session, PROTOCOL_START, b.data, b.len);
        if (window)
                send_u32(h, session, PROTOCOL_WINDOW, window);
}

static void expect_exit(struct host *h, uint16_t session, const char *json)
{
        struct frame f = expect(h, session, PROTOCOL_EXITED);

        assert_int_equal(f.len, strlen(json));
        assert_memory_equal(f.payload, json, f.len);
}

static int open_raw(void **state)
{
        struct host *h = calloc(1, sizeof *h);
        struct error err;
        int pair[2], settled = 0;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        h->agent = fork();
        if (h->agent == 0) {
                close(pair[0]);
                fcntl(pair[1], F_SETFL, O_NONBLOCK);
                prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
                _exit(agent_serve(pair[1], &here, &settled, &err) == 0 ? 0 : err.code);
        }
        close(pair[1]);
        h->fd = pair[0];
        *state = h;
        return 0;
}

static int open_host(void **state)
{
        struct host *h;

        open_raw(state);
        h = *state;
        send_u32(h, 0, PROTOCOL_HELLO, PROTOCOL_VERSION);
        send_to(h, 0, PROTOCOL_CONFIGURE, "{}", 2);
        expect(h, 0, PROTOCOL_HELLO);
        expect(h, 0, PROTOCOL_DONE);
        return 0;
}

/* Its exit status: the errno that ended it. */
static int wait_for_end(struct host *h)
{
        return process_wait(h->agent);
}

static int close_host(void **state)
{
        struct host *h = *state;

        close(h->fd);
        kill(h->agent, SIGKILL);
        waitpid(h->agent, NULL, 0);
        protocol_reader_finish(&h->in);
        buf_finish(&h->output[0]);
        buf_finish(&h->output[1]);
        free(h);
        return 0;
}

/* ---- a session ---- */

static void test_runs(void **state)
{
        struct host *h = *state;

        start_json(h, 7, "{\"what\":\"process\",\"args\":[\"sh\",\"-c\",\"echo out; echo err >&2; exit 3\"]}", LOTS);
        expect(h, 7, PROTOCOL_STARTED);
        expect_exit(h, 7, "{\"exit\":3}");
        assert_string_equal(buf_str(&h->output[0]), "out\n");
        assert_string_equal(buf_str(&h->output[1]), "err\n");
        /* The number is free again. */
        start_json(h, 7, "{\"what\":\"container\",\"args\":[\"sh\",\"-c\",\"kill -9 $$\"]}", LOTS);
        expect(h, 7, PROTOCOL_STARTED);
        expect_exit(h, 7, "{\"exit\":137,\"oom\":true}");
}

static void test_input_comes_back(void **state)
{
        static const char text[100000] = { [0 ... 99999] = 'x' };
        struct host *h = *state;
        size_t sent = 0;

        start_json(h, 1, "{\"what\":\"process\",\"args\":[\"cat\"]}", LOTS);
        expect(h, 1, PROTOCOL_STARTED);
        while (sent < sizeof text) {
                size_t n = sizeof text - sent < h->granted ? sizeof text - sent : h->granted;
                struct frame f;

                if (n) {
                        n = n > PROTOCOL_MAX_DATA ? PROTOCOL_MAX_DATA : n;
                        send_to(h, 1, PROTOCOL_STDIN, text + sent, n);
                        sent += n;
                        h->granted -= (uint32_t)n;
                        continue;
                }
                f = expect(h, 1, PROTOCOL_WINDOW);
                h->granted += protocol_u32(f.payload);
        }
        send_to(h, 1, PROTOCOL_END, NULL, 0);
        expect_exit(h, 1, "{\"exit\":0}");
        assert_int_equal(h->output[0].len, sizeof text);
        assert_memory_equal(h->output[0].data, text, sizeof text);
}

static void test_no_input(void **state)
{
        struct host *h = *state;

        start_json(h, 1, "{\"what\":\"process\",\"interactive\":false,\"args\":[\"cat\"]}", LOTS);
        expect(h, 1, PROTOCOL_STARTED);
        expect_exit(h, 1, "{\"exit\":0}");
        assert_int_equal(h->granted, 0);
}

static void test_terminal(void **state)
{
        unsigned char size[4];
        struct host *h = *state;

        start_json(h, 1, "{\"what\":\"process\",\"tty\":true,\"args\":[\"sh\",\"-c\",\"read x; stty size; exit 4\"]}",
                   LOTS);
        expect(h, 1, PROTOCOL_STARTED);
        protocol_put_u16(size, 33);
        protocol_put_u16(size + 2, 111);
        send_to(h, 1, PROTOCOL_RESIZE, size, sizeof size);
        send_to(h, 1, PROTOCOL_STDIN, "go\n", 3);
        expect_exit(h, 1, "{\"exit\":4}");
        assert_non_null(strstr(buf_str(&h->output[0]), "33 111"));
}

static void test_signal(void **state)
{
        unsigned char both[8];
        struct host *h = *state;

        start_json(h, 1, "{\"what\":\"process\",\"args\":[\"sleep\",\"100\"]}", LOTS);
        expect(h, 1, PROTOCOL_STARTED);
        protocol_put_u32(both, SIGTERM);
        protocol_put_u32(both + 4, 0);
        send_to(h, 1, PROTOCOL_SIGNAL, both, sizeof both);
        expect(h, 1, PROTOCOL_DONE);
        expect_exit(h, 1, "{\"exit\":143}");
        send_u32(h, 1, PROTOCOL_SIGNAL, SIGTERM);
        assert_int_equal(protocol_u32(expect(h, 1, PROTOCOL_ERROR).payload), ESRCH);
}

/* One that leaves something behind which holds its output: nobody waits for that. */
static void test_orphan(void **state)
{
        struct host *h = *state;

        start_json(h, 1, "{\"what\":\"process\",\"args\":[\"sh\",\"-c\",\"sleep 0.3 & echo left\"]}", LOTS);
        expect(h, 1, PROTOCOL_STARTED);
        expect_exit(h, 1, "{\"exit\":0}");
        assert_string_equal(buf_str(&h->output[0]), "left\n");
        usleep(500000);
        start_json(h, 1, "{\"what\":\"process\",\"args\":[\"sh\",\"-c\",\"ps -o stat= --ppid $PPID | grep -c Z\"]}",
                   LOTS);
        expect(h, 1, PROTOCOL_STARTED);
        expect_exit(h, 1, "{\"exit\":1}");
}

/* ---- windows ---- */

/* Who grants nothing holds back his own program, and nobody else; its end waits for its output. */
static void test_window(void **state)
{
        struct host *h = *state;
        struct frame f;

        start_json(h, 1, "{\"what\":\"process\",\"args\":[\"sh\",\"-c\",\"yes | head -c 300000\"]}", 0);
        expect(h, 1, PROTOCOL_STARTED);
        start_json(h, 2, "{\"what\":\"process\",\"args\":[\"true\"]}", 0);
        expect(h, 2, PROTOCOL_STARTED);
        expect_exit(h, 2, "{\"exit\":0}");
        send_u32(h, 1, PROTOCOL_WINDOW, 1000);
        while (h->output[0].len < 1000) {
                f = expect(h, 1, PROTOCOL_STDOUT);
                buf_add(&h->output[0], f.payload, f.len);
        }
        assert_int_equal(h->output[0].len, 1000);
        assert_false(receive(h, &f, 200));
        send_u32(h, 1, PROTOCOL_WINDOW, UINT32_MAX);
        send_u32(h, 1, PROTOCOL_WINDOW, UINT32_MAX);
        expect_exit(h, 1, "{\"exit\":0}");
        assert_int_equal(h->output[0].len, 300000);
}

static long resident_kib(pid_t pid)
{
        char path[64], line[256];
        long kib = 0;
        FILE *f;

        snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
        f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f))
                sscanf(line, "VmRSS: %ld", &kib);
        if (f)
                fclose(f);
        return kib;
}

/* A host that does not read: the agent stops, and holds no more than it may. Nothing is lost. */
static void test_host_sleeps(void **state)
{
        struct host *h = *state;
        unsigned answers = 0, asked = 0;
        long before = resident_kib(h->agent);
        struct frame f;

        fcntl(h->fd, F_SETFL, O_NONBLOCK);
        for (int idle = 0; idle < 20;) {
                own_buf struct buf out = {};

                protocol_add_to(&out, 9, PROTOCOL_SIGNAL, "\1\0\0\0", 4);
                if (write(h->fd, out.data, out.len) == (ssize_t)out.len) {
                        asked++;
                        idle = 0;
                } else {
                        idle++;
                        usleep(10000);
                }
        }
        assert_true(asked > 1000);
        assert_true(resident_kib(h->agent) - before < MEMORY_KIB);
        while (answers < asked && receive(h, &f, PATIENCE)) {
                assert_int_equal(f.type, PROTOCOL_ERROR);
                answers++;
        }
        assert_int_equal(answers, asked);
}

/* ---- what may not be ---- */

static void test_unknown_session(void **state)
{
        struct host *h = *state;

        send_to(h, 5, PROTOCOL_STDIN, "x", 1);
        send_to(h, 5, PROTOCOL_END, NULL, 0);
        send_u32(h, 5, PROTOCOL_WINDOW, 5);
        send_u32(h, 5, PROTOCOL_RESIZE, 5);
        send_to(h, 3, PROTOCOL_STATS, NULL, 0);
        expect(h, 3, PROTOCOL_STATE);
}

static void test_too_many_sessions(void **state)
{
        struct host *h = *state;

        for (uint16_t i = 0; i <= AGENT_MAX_SESSIONS; i++)
                start_json(h, i, "{\"what\":\"process\",\"args\":[\"sleep\",\"100\"]}", 0);
        for (uint16_t i = 0; i < AGENT_MAX_SESSIONS; i++)
                expect(h, i, PROTOCOL_STARTED);
        expect(h, AGENT_MAX_SESSIONS, PROTOCOL_ERROR);
        for (uint16_t i = 0; i < AGENT_MAX_SESSIONS; i++) {
                send_u32(h, i, PROTOCOL_SIGNAL, SIGKILL);
                expect(h, i, PROTOCOL_DONE);
                expect_exit(h, i, "{\"exit\":137}");
        }
}

static void test_bad_starts(void **state)
{
        static const char *const bad[] = {
                "",
                "[]",
                "{}",
                "{\"what\":\"vm\"}",
                "{\"what\":\"process\"}",
                "{\"what\":\"process\",\"args\":[]}",
                "{\"what\":\"process\",\"args\":[1]}",
                "{\"what\":\"process\",\"args\":[\"no-such-program\"]}",
        };
        struct host *h = *state;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                start_json(h, 1, bad[i], 0);
                expect(h, 1, PROTOCOL_ERROR);
        }
        send_to(h, 1, PROTOCOL_START, "\xff\xff\xff\xff{}", 6);
        expect(h, 1, PROTOCOL_ERROR);
        send_to(h, 0, PROTOCOL_CONFIGURE, "{}", 2);
        assert_int_equal(protocol_u32(expect(h, 0, PROTOCOL_ERROR).payload), EALREADY);
}

static void test_second_start(void **state)
{
        struct host *h = *state;

        start_json(h, 1, "{\"what\":\"process\",\"args\":[\"sleep\",\"1\"]}", 0);
        start_json(h, 1, "{\"what\":\"process\",\"args\":[\"sleep\",\"1\"]}", 0);
        assert_int_equal(wait_for_end(h), EPROTO);
}

static void test_too_much_input(void **state)
{
        static const char text[PROTOCOL_MAX_DATA];
        struct host *h = *state;

        start_json(h, 1, "{\"what\":\"process\",\"args\":[\"sleep\",\"1\"]}", 0);
        expect(h, 1, PROTOCOL_STARTED);
        for (int i = 0; i < 5; i++)
                send_to(h, 1, PROTOCOL_STDIN, text, sizeof text);
        assert_int_equal(wait_for_end(h), EPROTO);
}

static void test_no_hello(void **state)
{
        struct host *h = *state;

        send_to(h, 0, PROTOCOL_STATS, NULL, 0);
        assert_int_equal(wait_for_end(h), EPROTO);
}

static void test_other_version(void **state)
{
        struct host *h = *state;

        send_u32(h, 0, PROTOCOL_HELLO, PROTOCOL_VERSION + 1);
        assert_int_equal(wait_for_end(h), EPROTO);
}

static void test_not_configured(void **state)
{
        struct host *h = *state;

        send_u32(h, 0, PROTOCOL_HELLO, PROTOCOL_VERSION);
        expect(h, 0, PROTOCOL_HELLO);
        start_json(h, 1, "{\"what\":\"process\",\"args\":[\"true\"]}", 0);
        expect(h, 1, PROTOCOL_ERROR);
        send_to(h, 0, PROTOCOL_CONFIGURE, "{  }", 4);
        expect(h, 0, PROTOCOL_ERROR);
}

/* Once, when it has nothing to do or is asked to. */
static void test_settles(void **state)
{
        struct host *h = *state;
        struct frame f;

        send_to(h, 0, PROTOCOL_STATS, NULL, 0);
        f = expect(h, 0, PROTOCOL_STATE);
        assert_memory_equal(f.payload, "{\"pids\":0}", f.len);
        send_to(h, 0, PROTOCOL_PREPARE, NULL, 0);
        expect(h, 0, PROTOCOL_DONE);
        usleep(700000);
        send_to(h, 0, PROTOCOL_STATS, NULL, 0);
        f = expect(h, 0, PROTOCOL_STATE);
        assert_memory_equal(f.payload, "{\"pids\":1}", f.len);
}

static void test_ends(void **state)
{
        struct host *h = *state;

        send_to(h, 0, PROTOCOL_SHUTDOWN, NULL, 0);
        assert_int_equal(wait_for_end(h), 0);
}

static void test_host_is_gone(void **state)
{
        struct host *h = *state;

        shutdown(h->fd, SHUT_RDWR);
        assert_int_equal(wait_for_end(h), EPIPE);
}

#define SERVED(f) cmocka_unit_test_setup_teardown(f, open_host, close_host)
#define RAW(f) cmocka_unit_test_setup_teardown(f, open_raw, close_host)

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVED(test_runs),
                SERVED(test_input_comes_back),
                SERVED(test_no_input),
                SERVED(test_terminal),
                SERVED(test_signal),
                SERVED(test_orphan),
                SERVED(test_window),
                SERVED(test_host_sleeps),
                SERVED(test_unknown_session),
                SERVED(test_bad_starts),
                SERVED(test_second_start),
                SERVED(test_too_many_sessions),
                SERVED(test_too_much_input),
                RAW(test_no_hello),
                RAW(test_other_version),
                RAW(test_not_configured),
                SERVED(test_settles),
                SERVED(test_ends),
                SERVED(test_host_is_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
