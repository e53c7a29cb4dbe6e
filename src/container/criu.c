/* SPDX-License-Identifier: Apache-2.0 */
#include "container/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "container/message.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_RESPONSE = 64 << 10, MAX_LOG = 64 << 20, LOG_LINES = 4, LOG_LEVEL = 4 };

int criu_find(struct criu *c, const char *what, struct error *err)
{
        const char *path = getenv("PATH");

        *c = (struct criu){ .pidfd = -1, .socket = -1 };
        if (!path || !*path)
                path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        while (*path) {
                size_t n = strcspn(path, ":");

                if (*path == '/' &&
                    (size_t)snprintf(c->program, sizeof c->program, "%.*s/criu", (int)n, path) < sizeof c->program &&
                    access(c->program, X_OK) == 0)
                        return 0;
                path += n + (path[n] == ':');
        }
        return error_set(err, ENOENT, "%s needs criu: install the package criu", what);
}

/* ---- the process that becomes criu ---- */

static int open_directory(const char *path, int number, struct error *err)
{
        own_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || dup2(fd, number) < 0)
                return error_errno(err, errno, "open %s", path);
        return 0;
}

static int make_socket(int sync, struct error *err)
{
        own_fd int ours = -1, criu = -1;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "socketpair");
        ours = pair[0];
        criu = pair[1];
        if (dup2(criu, CRIU_FD_SOCKET) < 0)
                return error_errno(err, errno, "dup2");
        r = message_send(sync, MESSAGE_CRIU, ours);
        return r < 0 ? error_errno(err, -r, "talk to the runtime") : 0;
}

static int become_criu(struct criu *c, int sync, struct error *err)
{
        const struct criu_options *o = c->options;
        char number[16];
        const char *argv[] = { "criu", "swrk", number, NULL };
        int r = 0;

        /* It does not die with us: it notices at the next stage that we are gone, and then takes back what it did. */
        process_reset_signals();
        fd_cloexec_from(3);
        if (o->prepare)
                r = o->prepare(o->userdata, err);
        if (r == 0 && o->images)
                r = open_directory(o->images, CRIU_FD_IMAGES, err);
        if (r == 0)
                r = open_directory(o->work, CRIU_FD_WORK, err);
        if (r == 0)
                r = make_socket(sync, err);
        if (r < 0)
                return r;
        snprintf(number, sizeof number, "%d", CRIU_FD_SOCKET);
        execv(c->program, (char *const *)argv);
        return error_errno(err, errno, "execute %s", c->program);
}

int criu_spawn(struct criu *c, const struct criu_options *o, int sync, struct error *err)
{
        struct clone_options clone = { .cgroup_fd = o->cgroup_fd, .ret_pidfd = &c->pidfd };
        struct error failure;

        c->options = o;
        c->pid = process_clone(&clone);
        if (c->pid == 0) {
                become_criu(c, sync, &failure);
                message_send_error(sync, &failure);
                _exit(1);
        }
        return c->pid < 0 ? error_errno(err, -c->pid, "start criu") : 0;
}

int criu_wait_ready(struct criu *c, int sync, struct error *err)
{
        struct message m;
        int r = message_expect(sync, MESSAGE_CRIU, &c->socket, err);

        if (r < 0)
                return r;
        /* The end of the stream is its exec. */
        r = message_receive(sync, &m, NULL);
        if (r > 0 && m.type == MESSAGE_ERROR) {
                *err = m.error;
                return -err->code;
        }
        return r < 0 ? error_errno(err, -r, "talk to criu") : 0;
}

/* ---- requests ---- */

void criu_add_common(struct buf *opts, const struct criu_options *o, const struct checkpoint_options *co,
                     const char *annotated_config)
{
        static const int modes[] = { [CHECKPOINT_CGROUPS_SOFT] = CRIU_CGROUPS_SOFT,
                                     [CHECKPOINT_CGROUPS_FULL] = CRIU_CGROUPS_FULL,
                                     [CHECKPOINT_CGROUPS_STRICT] = CRIU_CGROUPS_STRICT,
                                     [CHECKPOINT_CGROUPS_IGNORE] = CRIU_CGROUPS_IGNORE };

        criu_add_number(opts, CRIU_IMAGES_DIR_FD, CRIU_FD_IMAGES);
        criu_add_number(opts, CRIU_WORK_DIR_FD, CRIU_FD_WORK);
        criu_add_number(opts, CRIU_LOG_LEVEL, LOG_LEVEL);
        criu_add_text(opts, CRIU_LOG_FILE, o->log);
        criu_add_number(opts, CRIU_NOTIFY_SCRIPTS, true);
        criu_add_number(opts, CRIU_ORPHAN_PTS_MASTER, true);
        criu_add_number(opts, CRIU_MANAGE_CGROUPS, true);
        criu_add_number(opts, CRIU_MANAGE_CGROUPS_MODE, (uint64_t)modes[co->cgroups]);
        /* As runc: a network is what hooks and managers of networks make it. */
        criu_add_number(opts, CRIU_EMPTY_NS, CLONE_NEWNET);
        criu_add_number(opts, CRIU_SHELL_JOB, co->shell_job);
        criu_add_number(opts, CRIU_EXT_UNIX_SK, co->ext_unix_sk);
        criu_add_number(opts, CRIU_TCP_ESTABLISHED, co->tcp_established);
        criu_add_number(opts, CRIU_FILE_LOCKS, co->file_locks);
        criu_add_number(opts, CRIU_AUTO_DEDUP, co->auto_dedup);
        criu_add_number(opts, CRIU_LAZY_PAGES, co->lazy_pages);
        /* runc's names: who configured criu for it has configured it for us. */
        if (!annotated_config)
                criu_add_text(opts, CRIU_CONFIG_FILE, "/etc/criu/runc.conf");
        else if (*annotated_config)
                criu_add_text(opts, CRIU_CONFIG_FILE, annotated_config);
}

/* "(00.012345)     12: Error (criu/mount.c:123): mnt: ..." -> "mnt: ..."; NULL for a line that is no error. */
static char *error_of_line(char *line)
{
        char *error = strstr(line, "Error ("), *text;

        text = error ? strstr(error, "): ") : NULL;
        return text ? text + 3 : NULL;
}

/* The last errors of the log, in their order. */
static void read_log(const struct criu_options *o, struct buf *ret)
{
        own_fd int dir = open(o->work, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
        own_buf struct buf text = {};
        const char *last[LOG_LINES] = {};
        char *rest, *line;
        size_t n = 0;

        fd = dir < 0 ? -1 : openat(dir, o->log, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fd_read_all(fd, MAX_LOG, &text) < 0 || !(rest = text.data))
                return;
        while ((line = strsep(&rest, "\n"))) {
                line = error_of_line(line);
                if (line)
                        last[n++ % LOG_LINES] = line;
        }
        for (size_t i = n > LOG_LINES ? n - LOG_LINES : 0; i < n; i++)
                buf_addf(ret, "%s%.120s", ret->len ? "; " : "", last[i % LOG_LINES]);
}

static int explain(const struct criu_options *o, const struct criu_response *response, struct error *err)
{
        own_buf struct buf text = {};

        read_log(o, &text);
        if (!text.len)
                buf_add_str(&text, response->message[0] ? response->message : "it does not say why");
        return error_set(err, EIO, "criu failed: %.360s (%.120s/%s)", buf_str(&text), o->work, o->log);
}

static int send_all(struct criu *c, const struct buf *message, struct error *err)
{
        ssize_t n;

        if (buf_failed(message))
                return error_set(err, ENOMEM, "out of memory");
        n = send(c->socket, message->data, message->len, MSG_NOSIGNAL);
        return n < 0 ? error_errno(err, errno, "talk to criu") : 0;
}

/* Waits for a message. */
static int receive(struct criu *c, struct criu_response *ret, int *ret_fd, struct error *err)
{
        own_mem char *data = malloc(MAX_RESPONSE);
        size_t n_fds = 1;
        int fd = -1;
        ssize_t n;

        if (!data)
                return error_set(err, ENOMEM, "out of memory");
        n = fd_receive(c->socket, data, MAX_RESPONSE, &fd, &n_fds);
        if (n == 0 || n == -ECONNRESET)
                return explain(c->options, &(struct criu_response){ .message = "it died" }, err);
        if (n < 0)
                return error_errno(err, (int)-n, "talk to criu");
        *ret_fd = n_fds ? fd : -1;
        return criu_response_parse(data, (size_t)n, ret) < 0 ? error_set(err, EPROTO, "criu's answer is malformed") : 0;
}

static int notify(struct criu *c, const struct criu_response *response, int fd, struct error *err)
{
        const struct criu_options *o = c->options;
        own_buf struct buf reply = {};
        int r = o->notify ? o->notify(o->userdata, response->script, response->pid, fd, err) : 0, q;
        struct error second;

        criu_reply(&reply, r == 0);
        q = send_all(c, &reply, r == 0 ? err : &second);
        return r < 0 ? r : q;
}

int criu_run(struct criu *c, enum criu_type type, const struct buf *opts, struct error *err)
{
        own_buf struct buf request = {};
        int r;

        criu_request(&request, type, opts);
        r = send_all(c, &request, err);
        while (r == 0) {
                struct criu_response response = {};
                own_fd int fd = -1;

                r = receive(c, &response, &fd, err);
                if (r < 0)
                        break;
                if (!response.success)
                        return explain(c->options, &response, err);
                if (response.type != CRIU_NOTIFY)
                        return 0;
                r = notify(c, &response, fd, err);
        }
        return r;
}

void criu_finish(struct criu *c)
{
        if (c->socket >= 0)
                close(take_fd(&c->socket));
        else if (c->pidfd >= 0)
                process_signal(c->pidfd, SIGKILL); /* it has not become criu yet */
        if (c->pid > 0)
                process_wait(c->pid);
        if (c->pidfd >= 0)
                close(take_fd(&c->pidfd));
        c->pid = 0;
}
