/* SPDX-License-Identifier: Apache-2.0 */
/* docker-credential-NAME get|store|erase: a text on its standard input, its answer on standard output. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "registry/auth_document.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_ANSWER = 1 << 20 };

/* The text in memory: a file never makes the writer wait, nor sends it SIGPIPE. */
static int input_of(const char *text)
{
        int fd = memfd_create("credential", MFD_CLOEXEC), r;

        if (fd < 0)
                return -errno;
        r = fd_write_all(fd, text, strlen(text));
        if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
                r = -errno;
        if (r < 0)
                close(fd);
        return r < 0 ? r : fd;
}

static int spawn(const char *program, const char *verb, int in, int out, pid_t *ret)
{
        char *const argv[] = { (char *)program, (char *)verb, NULL };
        posix_spawn_file_actions_t files;
        int r = posix_spawn_file_actions_init(&files);

        if (r)
                return -r;
        r = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
        if (!r)
                r = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
        if (!r)
                r = posix_spawnp(ret, program, &files, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&files);
        return -r;
}

/* Runs it to its end: its exit status (128 + signal). */
static int run(const char *program, const char *verb, const char *text, struct buf *answer)
{
        own_fd int in = input_of(text), out_read = -1, out_write = -1;
        int out[2], r, status;
        pid_t pid = -1;

        if (in < 0)
                return in;
        if (pipe2(out, O_CLOEXEC) < 0)
                return -errno;
        out_read = out[0], out_write = out[1];
        r = spawn(program, verb, in, out_write, &pid);
        if (r < 0)
                return r;
        close(take_fd(&out_write));
        r = fd_read_all(out_read, MAX_ANSWER, answer);
        /* One that says too much gets SIGPIPE. */
        close(take_fd(&out_read));
        status = process_wait(pid);
        return r < 0 ? r : status;
}

/* Helpers have agreed on these words alone (docker-credential-helpers, credentials/error.go). */
static bool says_nothing_there(const char *answer)
{
        return strstr(answer, "credentials not found in native keychain");
}

/* The first line, without what a terminal would obey. */
static void first_line(const char *text, char *ret, size_t size)
{
        size_t n = 0;

        for (; text[n] && text[n] != '\n' && n < size - 1; n++) {
                bool plain = (unsigned char)text[n] >= ' ' && text[n] != 0x7f;

                ret[n] = (char)(plain ? text[n] : ' ');
        }
        ret[n] = '\0';
}

/* 1, or 0 when the helper says that there is nothing. */
static int ask(const struct auth_helper *h, const char *verb, const char *text, struct buf *answer, struct error *err)
{
        char program[300], line[200];
        int r;

        snprintf(program, sizeof program, "docker-credential-%.200s", h->name);
        r = run(program, verb, text, answer);
        if (r == -ENOENT)
                return error_set(err, ENOENT, "the credential helper %s is not installed", program);
        if (r < 0)
                return error_errno(err, -r, "run %s", program);
        if (r == 0)
                return 1;
        if (says_nothing_there(buf_str(answer)))
                return 0;
        first_line(buf_str(answer), line, sizeof line);
        return error_set(err, ECANCELED, "%s %s failed with exit status %d%s%s", program, verb, r, *line ? ": " : "",
                         line);
}

/* Secret is an identity token when this stands for the user. */
static const char token_user[] = "<token>";

static int read_answer(const struct buf *answer, struct auth *ret, struct error *err)
{
        own_json struct json_object *root = NULL;
        const char *username = "", *secret = "";
        own_auth struct auth a = {};
        bool token;
        int r = auth_document_parse(buf_str(answer), answer->len, &root, err);

        if (r == 0)
                r = json_get_string(root, "Username", &username, err);
        if (r >= 0)
                r = json_get_string(root, "Secret", &secret, err);
        if (r < 0)
                return r;
        token = strcmp(username, token_user) == 0;
        a.username = strdup(token ? "" : username);
        a.password = strdup(token ? "" : secret);
        a.identity_token = strdup(token ? secret : "");
        if (!a.username || !a.password || !a.identity_token)
                return error_set(err, ENOMEM, "read credentials: out of memory");
        *ret = auth_take(&a);
        return *ret->username || *ret->identity_token;
}

int auth_helper_get(const struct auth_helper *h, struct auth *ret, struct error *err)
{
        own_buf struct buf answer = {};
        struct auth a = {};
        int r = ask(h, "get", h->server, &answer, err);

        if (r <= 0)
                return r;
        /* Some write a newline behind it. */
        while (answer.len && strchr(" \r\n\t", answer.data[answer.len - 1]))
                answer.len--;
        r = read_answer(&answer, &a, err);
        if (answer.data)
                explicit_bzero(answer.data, answer.len);
        if (r < 0)
                return error_wrap(err, "the answer of docker-credential-%.200s", h->name);
        if (r == 0) {
                auth_finish(&a);
                return 0;
        }
        *ret = a;
        return 1;
}

int auth_helper_store(const struct auth_helper *h, const struct auth *a, struct error *err)
{
        own_buf struct buf text = {}, answer = {};
        struct json_writer w = { .out = &text };
        bool token = a->identity_token && *a->identity_token;
        int r;

        json_begin_object(&w, NULL);
        json_write_string(&w, "ServerURL", h->server);
        json_write_string(&w, "Username", token ? token_user : a->username);
        json_write_string(&w, "Secret", token ? a->identity_token : a->password);
        json_end_object(&w);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "store credentials: out of memory");
        r = ask(h, "store", buf_str(&text), &answer, err);
        if (text.data)
                explicit_bzero(text.data, text.len);
        return r < 0 ? r : 0;
}

int auth_helper_erase(const struct auth_helper *h, struct error *err)
{
        own_buf struct buf answer = {};

        return ask(h, "erase", h->server, &answer, err);
}
