/* SPDX-License-Identifier: Apache-2.0 */
#include "process_image/process_image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "check.h"
#include "process_image/format.h"

/* One that runs, and our end of its socket. */
struct process {
        pid_t pid;
        int sock;
};

static char build[PATH_MAX];

static void find_build(void)
{
        ssize_t n = readlink("/proc/self/exe", build, sizeof(build) - 1);

        assert_true(n > 0);
        build[n] = '\0';
        for (int i = 0; i < 3; i++)
                *strrchr(build, '/') = '\0';
}

static struct process start(const char *tool, const char *option)
{
        struct process p;
        int socks[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
        p.sock = socks[0];
        p.pid = fork();
        if (p.pid == 0) {
                int null = open("/dev/null", O_RDWR);

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (int i = 0; i < 3; i++)
                        dup2(null, i);
                dup2(socks[1], 3);
                close_range(4, ~0U, 0);
                execl(tool, "process_tool", option, NULL);
                _exit(127);
        }
        close(socks[1]);
        return p;
}

static const char *ask(const struct process *p, char letter)
{
        static char line[64];
        ssize_t n;

        assert_int_equal(send(p->sock, &letter, 1, MSG_NOSIGNAL), 1);
        n = recv(p->sock, line, sizeof(line) - 1, 0);
        line[n > 0 ? n - 1 : 0] = '\0';
        return line;
}

/* One that has begun. */
static struct process start_tool(const char *option)
{
        char path[PATH_MAX + 64];
        struct process p;

        snprintf(path, sizeof(path), "%s/tests/process_image/process_tool", build);
        p = start(path, option);
        assert_string_equal(ask(&p, 't'), "agree");
        return p;
}

static int end(const struct process *p)
{
        int status;

        kill(p->pid, SIGKILL);
        assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
        close(p->sock);
        return status;
}

/* It may still be on its way to where it waits. */
static int make(const struct process *p, const struct process_apart *apart, int file, struct error *err)
{
        static const struct timespec pause = { .tv_nsec = 10000000 };
        const struct process_given given = { 3, 0 };
        int r = -EAGAIN;

        for (int i = 0; i < 100 && r == -EAGAIN; i++) {
                nanosleep(&pause, NULL);
                assert_int_equal(ftruncate(file, 0), 0);
                r = process_image_make(p->pid, &given, 1, apart, 7, file, err);
        }
        return r;
}

static int keep(const struct process *p)
{
        struct error err = {};
        int file = memfd_create("image", MFD_CLOEXEC), r = make(p, NULL, file, &err);

        if (r < 0)
                fail_msg("%s", err.text);
        return file;
}

static struct process thaw_with(int file, const int *files, size_t n_files)
{
        own_process_image struct process_image image = {};
        struct error err = {};
        struct process p;
        char path[PATH_MAX + 64];
        int socks[2];

        snprintf(path, sizeof(path), "%s/holt-thaw", build);
        if (process_image_open(dup(file), files, n_files, &image, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(image.tag, 7);
        assert_int_equal(process_image_given(&image, 0), 3);
        assert_int_equal(process_image_given(&image, 1), -1);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
        p.sock = socks[0];
        p.pid = fork();
        if (p.pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (process_image_place(&image, &socks[1], 1) == 0)
                        execv(path, (char *const *)image.arguments);
                _exit(127);
        }
        close(socks[1]);
        return p;
}

static struct process thaw(int file)
{
        return thaw_with(file, NULL, 0);
}

/* ---- what goes on ---- */

static void goes_on_where_it_stood(void **state)
{
        struct process first = start_tool(NULL), second, third;
        own_fd int file = -1;

        assert_string_equal(ask(&first, 'n'), "1");
        file = keep(&first);
        /* The one that was kept has not felt anything. */
        assert_string_equal(ask(&first, 'n'), "2");
        assert_string_equal(ask(&first, 'n'), "3");
        second = thaw(file);
        third = thaw(file);
        assert_string_equal(ask(&second, 'n'), "2");
        assert_string_equal(ask(&third, 'n'), "2");
        assert_string_equal(ask(&second, 'n'), "3");
        assert_string_equal(ask(&third, 'n'), "3");
        assert_string_equal(ask(&first, 'n'), "4");
        end(&first);
        assert_string_equal(ask(&second, 'n'), "4");
        /* One that began so is a process as any other. */
        for (int i = 0; i < 3; i++) {
                close(take_fd(&file));
                file = keep(&second);
                end(&second);
                second = thaw(file);
        }
        assert_string_equal(ask(&second, 'n'), "5");
        end(&second);
        end(&third);
}

static void keeps_threads_and_signals(void **state)
{
        struct process first = start_tool(NULL), second;
        own_fd int file = -1;
        char path[64], name[32] = "";
        int status;

        assert_string_equal(ask(&first, 't'), "agree");
        file = keep(&first);
        end(&first);
        second = thaw(file);
        assert_string_equal(ask(&second, 't'), "agree");
        assert_string_equal(ask(&second, 's'), "0");
        kill(second.pid, SIGUSR1);
        assert_string_equal(ask(&second, 's'), "1");
        /* It ignores this one, and has that blocked. */
        kill(second.pid, SIGPIPE);
        kill(second.pid, SIGALRM);
        assert_string_equal(ask(&second, 'n'), "1");
        snprintf(path, sizeof(path), "/proc/%d/comm", (int)second.pid);
        status = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(read(status, name, sizeof(name) - 1) > 0);
        close(status);
        assert_string_equal(name, "process_tool\n");
        assert_int_equal(send(second.sock, "e", 1, 0), 1);
        assert_int_equal(waitpid(second.pid, &status, 0), second.pid);
        assert_int_equal(WEXITSTATUS(status), 7);
        close(second.sock);
}

/* It may have threads, but nothing that it could become. */
static void can_start_nothing(void **state)
{
        struct process first = start_tool(NULL), second;
        own_fd int file = keep(&first);
        char path[64], text[4096] = "";
        int fd;

        end(&first);
        second = thaw(file);
        assert_string_equal(ask(&second, 'n'), "1");
        snprintf(path, sizeof(path), "/proc/%d/status", (int)second.pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(read(fd, text, sizeof(text) - 1) > 0);
        close(fd);
        assert_non_null(strstr(text, "\nSeccomp:\t2\n"));
        assert_non_null(strstr(text, "\nThreads:\t2\n"));
        end(&second);
}

/* ---- memory that is kept apart ---- */

enum { PAGE = 4096 };

static int write_pages(char *path)
{
        char pages[4 * PAGE] = "a";
        int fd = mkstemp(path);

        pages[PAGE] = 'b';
        pages[2 * PAGE] = 'c';
        pages[3 * PAGE] = 'd';
        assert_int_equal(write(fd, pages, sizeof(pages)), sizeof(pages));
        return fd;
}

static uint64_t find(const struct process *p, const char *file)
{
        char path[64], line[512];
        uint64_t at = 0;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/maps", (int)p->pid);
        f = fopen(path, "re");
        while (fgets(line, sizeof(line), f))
                if (strstr(line, file))
                        at = strtoull(line, NULL, 16);
        fclose(f);
        assert_true(at);
        return at;
}

/* Each page of a file or of the image, and of another file than it was mapped of. */
enum { FAR = 64 << 20 };

static void leaves_memory_where_it_is(void **state)
{
        char path[] = "/tmp/holt-pages.XXXXXX", other[] = "/tmp/holt-pages.XXXXXX";
        int files[] = { write_pages(path), write_pages(other) };
        own_fd int file = memfd_create("image", MFD_CLOEXEC);
        const struct process_part parts[] = { { 0, PAGE, 0, 0 },
                                              { PAGE, PAGE, FAR, 1 },
                                              { 3 * PAGE, PAGE, 3 * PAGE, 0 } };
        struct process first = start_tool(path), second;
        struct process_apart apart = { 0, 4 * PAGE, parts, 3, files, 2 };
        own_process_image struct process_image image = {};
        struct error err = {};

        /* Behind the end that the image itself has. */
        assert_int_equal(pwrite(files[1], "a", 1, FAR), 1);
        assert_int_equal(ftruncate(files[1], FAR + PAGE), 0);
        assert_string_equal(ask(&first, 'm'), "abXd");
        apart.start = find(&first, path);
        unlink(path);
        unlink(other);
        if (make(&first, &apart, file, &err) < 0)
                fail_msg("%s", err.text);
        end(&first);
        second = thaw_with(file, files, 2);
        assert_string_equal(ask(&second, 'm'), "aaXd");
        end(&second);
        assert_int_equal(process_image_open(dup(file), files, 1, &image, &err), -EBADMSG);
        assert_int_equal(process_image_open(dup(file), (int[]){ files[1], files[0] }, 2, &image, &err), -EBADMSG);
        assert_int_equal(process_image_open(dup(file), files, 2, &image, &err), 0);
        assert_int_equal(image.apart, apart.start);
        assert_int_equal(pwrite(files[1], "x", 1, 0), 1);
        process_image_finish(&image);
        assert_int_equal(process_image_open(dup(file), files, 2, &image, &err), -EBADMSG);
        close(files[0]);
        close(files[1]);
}

/* ---- what cannot be kept ---- */

static void refuses(const char *option, const char *why)
{
        struct process p = start_tool(option);
        own_fd int file = memfd_create("image", MFD_CLOEXEC);
        struct error err = {};

        assert_string_equal(ask(&p, 'n'), "1");
        assert_int_equal(make(&p, NULL, file, &err), -ENOTSUP);
        assert_non_null(strstr(err.text, why));
        assert_string_equal(ask(&p, 'n'), "2");
        end(&p);
}

static void refuses_what_it_does_not_know(void **state)
{
        refuses("pipe", "pipe:");
        refuses("shared", "shares memory");
}

static void refuses_one_at_work(void **state)
{
        struct process p = start_tool(NULL);
        own_fd int file = memfd_create("image", MFD_CLOEXEC);
        struct error err = {};

        assert_string_equal(ask(&p, 'n'), "1");
        assert_int_equal(send(p.sock, "w", 1, 0), 1);
        assert_int_equal(make(&p, NULL, file, &err), -EAGAIN);
        end(&p);
}

/* ---- what does not begin ---- */

static void expect_refusal(int file, int error, const char *why)
{
        own_process_image struct process_image image = {};
        struct error err = {};

        assert_int_equal(process_image_open(dup(file), NULL, 0, &image, &err), error);
        assert_non_null(strstr(err.text, why));
}

static void refuses_damage(void **state)
{
        struct process p = start_tool(NULL);
        struct process_mapping m;
        struct process_head h;
        uint64_t start;
        own_fd int file = keep(&p);
        struct stat st;

        end(&p);
        assert_int_equal(fstat(file, &st), 0);
        assert_int_equal(pread(file, &h, sizeof(h), 0), sizeof(h));
        assert_int_equal(pread(file, &m, sizeof(m), h.mappings.offset), sizeof(m));
        start = m.start;
        m.start = PROCESS_LOWEST - 4096;
        assert_int_equal(pwrite(file, &m, sizeof(m), h.mappings.offset), sizeof(m));
        expect_refusal(file, -EBADMSG, "damaged");
        m.start = start;
        assert_int_equal(pwrite(file, &m, sizeof(m), h.mappings.offset), sizeof(m));
        assert_int_equal(pwrite(file, "x", 1, offsetof(struct process_head, boot)), 1);
        expect_refusal(file, -ESTALE, "last start");
        assert_int_equal(ftruncate(file, st.st_size - 1), 0);
        expect_refusal(file, -EBADMSG, "damaged");
        assert_int_equal(ftruncate(file, 100), 0);
        expect_refusal(file, -EBADMSG, "damaged");
        assert_int_equal(ftruncate(file, 0), 0);
        expect_refusal(file, -EBADMSG, "damaged");
}

/* The next one may have what this one lacks. */
static void knows_what_is_not_its_fault(void **state)
{
        struct process p = start_tool(NULL);
        own_process_image struct process_image image = {};
        own_fd int file = keep(&p);
        struct error err = {};
        struct rlimit before, none;
        int again = dup(file), r;

        end(&p);
        getrlimit(RLIMIT_NOFILE, &before);
        none = (struct rlimit){ 0, before.rlim_max };
        setrlimit(RLIMIT_NOFILE, &none);
        r = process_image_open(again, NULL, 0, &image, &err);
        setrlimit(RLIMIT_NOFILE, &before);
        assert_int_equal(r, -EMFILE);
}

/* An upgrade is not outlived by what it replaced. */
static void refuses_what_was_upgraded(void **state)
{
        char tool[] = "/tmp/holt-process-image.XXXXXX", command[PATH_MAX * 2];
        struct process p;
        own_fd int file = -1;

        close(mkstemp(tool));
        snprintf(command, sizeof(command), "cp %s/tests/process_image/process_tool %s && chmod 755 %s", build, tool,
                 tool);
        assert_int_equal(system(command), 0);
        p = start(tool, NULL);
        assert_string_equal(ask(&p, 'n'), "1");
        file = keep(&p);
        end(&p);
        p = thaw(file);
        assert_string_equal(ask(&p, 'n'), "2");
        end(&p);
        snprintf(command, sizeof(command), "cp %s %s.new && mv %s.new %s", tool, tool, tool, tool);
        assert_int_equal(system(command), 0);
        expect_refusal(file, -ESTALE, tool);
        unlink(tool);
        expect_refusal(file, -ESTALE, tool);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(goes_on_where_it_stood),
                cmocka_unit_test(keeps_threads_and_signals),
                cmocka_unit_test(leaves_memory_where_it_is),
                cmocka_unit_test(can_start_nothing),
                cmocka_unit_test(refuses_what_it_does_not_know),
                cmocka_unit_test(refuses_one_at_work),
                cmocka_unit_test(refuses_damage),
                cmocka_unit_test(refuses_what_was_upgraded),
                cmocka_unit_test(knows_what_is_not_its_fault),
        };

        find_build();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
