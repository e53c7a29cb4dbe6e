/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/json.h"
#include "base/own.h"
#include "base/parse.h"
#include "cli/timestamp.h"
#include "oci/image_manifest.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_ARGUMENTS = 32, EXIT_NOT_FOUND = 127, MAX_LINE = 512 };

int bootstrap_suite(const char *distribution, const char *release, const char **ret, struct error *err)
{
        static const struct {
                const char *distribution, *release, *suite;
        } suites[] = {
                { "debian", "11", "bullseye" }, { "debian", "12", "bookworm" },   { "debian", "13", "trixie" },
                { "debian", "14", "forky" },    { "debian", "latest", "stable" }, { "ubuntu", "20.04", "focal" },
                { "ubuntu", "22.04", "jammy" }, { "ubuntu", "24.04", "noble" },
        };
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";

        for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
                if (strcmp(distribution, suites[i].distribution) == 0 && strcmp(release, suites[i].release) == 0) {
                        *ret = suites[i].suite;
                        return 0;
                }
        }
        if (strcmp(distribution, "debian") != 0 && strcmp(distribution, "ubuntu") != 0)
                return error_set(err, EINVAL, "%s: only debian and ubuntu can be made from packages", distribution);
        if (*release == '-' || strspn(release, letters) != strlen(release) || strcmp(release, "latest") == 0)
                return error_set(err, EINVAL, "%s:%s: unknown release; its code name will do (debian:bookworm)",
                                 distribution, release);
        *ret = release;
        return 0;
}

/* A program's first line on standard output, "" when there is none. */
static void first_line(char *const argv[], char line[MAX_LINE])
{
        own_fd int out = -1, in = -1;
        int pair[2];
        ssize_t n;
        pid_t pid;

        *line = '\0';
        if (pipe2(pair, O_CLOEXEC) < 0)
                return;
        out = pair[0];
        in = pair[1];
        pid = process_clone(&(struct clone_options){ .cgroup_fd = -1 });
        if (pid == 0) {
                int null = open("/dev/null", O_RDWR);

                if (null >= 0 && dup2(null, 0) >= 0 && dup2(in, 1) >= 0 && dup2(null, 2) >= 0)
                        execvp(argv[0], argv);
                _exit(EXIT_NOT_FOUND);
        }
        close(take_fd(&in));
        if (pid < 0)
                return;
        n = read(out, line, MAX_LINE - 1);
        line[n > 0 ? n : 0] = '\0';
        line[strcspn(line, "\n")] = '\0';
        close(take_fd(&out));
        process_wait(pid);
}

/* Where the host itself gets the packages of this suite, if it does: it may have no other way out. */
static void host_mirror(const char *suite, char line[MAX_LINE])
{
        char codename[100];
        char *argv[] = { (char *)"apt-get",
                         (char *)"indextargets",
                         (char *)"--format",
                         (char *)"$(REPO_URI)",
                         (char *)"Created-By: Packages",
                         codename,
                         NULL };

        snprintf(codename, sizeof codename, "Codename: %s", suite);
        first_line(argv, line);
}

/* mmdebstrap hands on to the image what it is told of apt, but not its environment. */
static void take_proxy_of_apt(void)
{
        char line[MAX_LINE];
        char *argv[] = { (char *)"apt-config",
                         (char *)"dump",
                         (char *)"--format",
                         (char *)"%v%n",
                         (char *)"Acquire::http::Proxy",
                         NULL };

        first_line(argv, line);
        if (*line)
                setenv("http_proxy", line, 0);
}

static void join(struct buf *out, const char *const *words)
{
        for (size_t i = 0; words && words[i]; i++)
                buf_addf(out, "%s%s", i ? "," : "", words[i]);
}

/* Only in the child. */
static _Noreturn void become(const struct bootstrap *b, char *const argv[], int out)
{
        int null = open("/dev/null", O_RDONLY);

        prctl(PR_SET_PDEATHSIG, SIGTERM);
        process_reset_signals();
        /* Its hooks run in sh, which knows descriptors of one digit only: nothing of ours may be open. */
        if (null >= 0 && dup2(null, 0) >= 0 && dup2(out, 1) >= 0 && dup2(b->log, 2) >= 0 && close_range(3, ~0U, 0) == 0)
                execvp(argv[0], argv);
        _exit(EXIT_NOT_FOUND);
}

static int start(const struct bootstrap *b, char *const argv[], int *ret_pipe, pid_t *ret_pid, struct error *err)
{
        own_fd int out = -1, in = -1;
        int pair[2];
        pid_t pid;

        if (pipe2(pair, O_CLOEXEC) < 0)
                return error_errno(err, errno, "make a pipe");
        out = pair[0];
        in = pair[1];
        pid = process_clone(&(struct clone_options){ .cgroup_fd = -1 });
        if (pid == 0)
                become(b, argv, in);
        if (pid < 0)
                return error_errno(err, (int)-pid, "start mmdebstrap");
        *ret_pid = pid;
        *ret_pipe = take_fd(&out);
        return 0;
}

int bootstrap_start(const struct bootstrap *b, int *ret_pipe, pid_t *ret_pid, struct error *err)
{
        static const char forget[] = "cd \"$1\" && rm -f etc/hostname etc/resolv.conf etc/ssh/ssh_host_*_key* && "
                                     "mkdir -p etc && : >etc/machine-id";
        own_buf struct buf include = {}, variant = {}, architecture = {}, hook = {};
        const char *argv[MAX_ARGUMENTS], *suite;
        char mirror[MAX_LINE] = "";
        size_t n = 0;
        int r = bootstrap_suite(b->distribution, b->release, &suite, err);

        if (r < 0)
                return r;
        if (!b->mirror)
                host_mirror(suite, mirror);
        take_proxy_of_apt();
        buf_addf(&variant, "--variant=%s", b->variant);
        buf_add_str(&include, "--include=");
        join(&include, b->include);
        buf_addf(&architecture, "--architectures=%s", b->architecture ? b->architecture : "");
        /* What every clone has of its own, and what the runtime brings. Packages that are only unpacked are never
         * customized. */
        buf_addf(&hook, "--%s-hook=%s", strcmp(b->variant, "extract") == 0 ? "extract" : "customize", forget);
        if (buf_failed(&variant) || buf_failed(&include) || buf_failed(&architecture) || buf_failed(&hook))
                return error_set(err, ENOMEM, "out of memory");
        argv[n++] = "mmdebstrap";
        argv[n++] = "--format=tar";
        argv[n++] = buf_str(&variant);
        if (b->include && b->include[0])
                argv[n++] = buf_str(&include);
        if (b->architecture)
                argv[n++] = buf_str(&architecture);
        argv[n++] = buf_str(&hook);
        argv[n++] = suite;
        argv[n++] = "-";
        if (b->mirror || *mirror)
                argv[n++] = b->mirror ? b->mirror : mirror;
        argv[n] = NULL;
        return start(b, (char *const *)argv, ret_pipe, ret_pid, err);
}

int bootstrap_end(pid_t pid, struct error *err)
{
        int status = process_wait(pid);

        if (status < 0)
                return error_errno(err, -status, "wait for mmdebstrap");
        if (status == EXIT_NOT_FOUND)
                return error_set(err, ENOENT, "no mmdebstrap; install it: apt install mmdebstrap");
        return status ? error_set(err, EIO, "mmdebstrap ended with status %d; its last lines say why", status) : 0;
}

static void write_created(struct json_writer *w)
{
        const char *epoch = getenv("SOURCE_DATE_EPOCH");
        char text[TIMESTAMP_MAX];
        int64_t seconds;

        if (!epoch || parse_i64(epoch, &seconds) < 0)
                seconds = time(NULL);
        timestamp_rfc3339(seconds, text);
        json_write_string(w, "created", text);
}

void bootstrap_config(const struct bootstrap *b, const char *suite, struct buf *out)
{
        char storage[128];
        struct platform p = platform_host();
        struct json_writer w = { .out = out };

        if (b->architecture)
                platform_parse(b->architecture, storage, &p, NULL);
        json_begin_object(&w, NULL);
        write_created(&w);
        json_write_string(&w, "architecture", p.architecture);
        if (*p.variant)
                json_write_string(&w, "variant", p.variant);
        json_write_string(&w, "os", p.os);
        json_begin_object(&w, "config");
        json_begin_array(&w, "Env");
        json_write_string(&w, NULL, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        json_end_array(&w);
        json_begin_array(&w, "Cmd");
        json_write_string(&w, NULL, "/bin/bash");
        json_end_array(&w);
        json_begin_object(&w, "Labels");
        json_write_string(&w, "org.opencontainers.image.base.name", b->distribution);
        json_write_string(&w, "org.opencontainers.image.version", suite);
        json_end_object(&w);
        json_end_object(&w);
        json_end_object(&w);
}
