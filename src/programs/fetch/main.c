/* SPDX-License-Identifier: Apache-2.0 */
/* holt-fetch: moves images in and out for holt, which starts it (registry/transfer_protocol.h). One job, one process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "fetch/host_message.h"
#include "fetch/operation.h"
#include "fetch/sandbox.h"
#include "fetch/start.h"
#include "registry/transfer_protocol.h"
#include "sys/fd.h"

typedef int online_operation(struct host *h, struct json_object *job, struct error *err);
typedef int file_operation(struct host *h, struct json_object *job, int fd, struct error *err);

static const struct job {
        const char *name;
        online_operation *online; /* or */
        file_operation *file;
        bool network, writes;
} jobs[] = {
        { "pull", .online = operation_pull, .network = true },
        { "push", .online = operation_push, .network = true },
        { "login", .online = operation_login, .network = true },
        { "search", .online = operation_search, .network = true },
        { "verify", .online = operation_verify },
        { "load", .file = operation_load },
        { "import", .file = operation_import },
        { "layer", .file = operation_layer },
        { "save", .file = operation_save, .writes = true },
};

static bool is_socket(int fd)
{
        int type;
        socklen_t len = sizeof type;

        return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* The first message: which job, with what, on which descriptor (-1: none). */
static int receive_job(struct json_object **ret, int *ret_fd, struct error *err)
{
        own_mem char *text = malloc(TRANSFER_MAX_MESSAGE);
        int fd = -1;
        size_t n_fds = 1;
        ssize_t n = text ? fd_receive(TRANSFER_SOCKET, text, TRANSFER_MAX_MESSAGE, &fd, &n_fds) : -ENOMEM;

        if (n <= 0)
                return n < 0 ? error_errno(err, (int)-n, "receive the job") : error_set(err, EPIPE, "no job came");
        *ret_fd = fd;
        return json_parse(text, (size_t)n, ret, err);
}

static const struct job *find_job(struct json_object *message, struct json_object **ret_parameters, struct error *err)
{
        const char *name = NULL;

        if (!json_is_object(message) || json_get_string(message, "job", &name, err) != 1 ||
            json_get_object(message, "parameters", ret_parameters, err) != 1) {
                error_set(err, EBADMSG, "a job without a name or parameters");
                return NULL;
        }
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                if (strcmp(jobs[i].name, name) == 0)
                        return &jobs[i];
        error_set(err, EBADMSG, "unknown job \"%.50s\"", name);
        return NULL;
}

/* An archive keeps two files a layer open until it has said which of them it wants. */
static void raise_file_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
}

static int lock_in(const struct job *job, int fd, struct error *err)
{
        struct stat st;
        bool directory = fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
        struct sandbox s = { .network = job->network, .directory = directory ? fd : -1, .writable = job->writes };

        return sandbox_enter(&s, err);
}

static int run(struct host *h, struct error *err)
{
        own_json struct json_object *message = NULL;
        struct json_object *parameters = NULL;
        const struct job *job;
        own_fd int fd = -1;
        bool debug = false;
        int r = receive_job(&message, &fd, err);

        if (r < 0)
                return r;
        job = find_job(message, &parameters, err);
        if (!job || json_get_bool(message, "debug", &debug, err) < 0)
                return -err->code;
        if (debug)
                host_want_debug(h);
        if (job->file && fd < 0)
                return error_set(err, EBADMSG, "%s: a descriptor is missing", job->name);
        raise_file_limit();
        r = start_libraries(job->network, err);
        if (r == 0)
                r = lock_in(job, fd, err);
        if (r < 0)
                return r;
        return job->file ? job->file(h, parameters, fd, err) : job->online(h, parameters, err);
}

int main(int argc, char **argv)
{
        struct error err = {};
        struct host *h;
        int r;

        if (argc != 1 || !is_socket(TRANSFER_SOCKET)) {
                fprintf(stderr, "holt-fetch is started by holt; see holt(1)\n");
                return 1;
        }
        fcntl(TRANSFER_SOCKET, F_SETFD, FD_CLOEXEC);
        signal(SIGPIPE, SIG_IGN);
        h = host_new(TRANSFER_SOCKET);
        if (!h)
                return 1;
        r = run(h, &err);
        r = host_end(h, r < 0 ? &err : NULL) < 0 || r < 0;
        host_free(h);
        return r;
}
