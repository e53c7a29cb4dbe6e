/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/mover.h"
#include "cli/registry_name.h"
#include "registry/auth_file.h"
#include "sys/fd.h"
#include "sys/terminal.h"

enum { SECRET_MAX = 64 << 10 };

/* One line of standard input, without its end. */
static int read_line(const char *what, char **ret, struct error *err)
{
        size_t size = 0;
        ssize_t n = getline(ret, &size, stdin);

        if (n < 0)
                return error_set(err, ENODATA, "no %s was typed", what);
        (*ret)[strcspn(*ret, "\r\n")] = '\0';
        return **ret ? 0 : error_set(err, EINVAL, "the %s is empty", what);
}

static int prompt(const char *question, const char *what, bool hidden, char **ret, struct error *err)
{
        struct termios saved;
        int r;

        if (!isatty(STDIN_FILENO))
                return error_set(err, ENOTTY, "no terminal to ask for the %s; see --username and --password-stdin",
                                 what);
        r = hidden ? terminal_hide_input(STDIN_FILENO, &saved) : 0;
        if (r < 0)
                return error_errno(err, -r, "hide what is typed");
        /* Asked when nothing shows any more: who is quick would see what he types. */
        (void)fd_write_all(STDERR_FILENO, question, strlen(question));
        r = read_line(what, ret, err);
        if (hidden)
                tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
        return r;
}

/* All of standard input, but for the newline at its end. */
static int read_password_stdin(char **ret, struct error *err)
{
        own_buf struct buf text = {};
        int r = fd_read_all(STDIN_FILENO, SECRET_MAX, &text);

        if (r < 0)
                return error_errno(err, -r, "password from standard input");
        while (text.len && strchr("\r\n", text.data[text.len - 1]))
                text.data[--text.len] = '\0';
        *ret = strdup(buf_str(&text));
        if (text.data)
                explicit_bzero(text.data, text.len);
        if (!*ret)
                return error_set(err, ENOMEM, "out of memory");
        return **ret ? 0 : error_set(err, EINVAL, "the password is empty");
}

static int get_credentials(const struct args *args, struct auth *ret, struct error *err)
{
        const char *username = args_str(args, OPTION_USERNAME), *password = args_str(args, OPTION_PASSWORD);
        bool from_stdin = args_flag(args, OPTION_PASSWORD_STDIN);
        int r = 0;

        if (from_stdin && (!username || password))
                return error_set(err, EMISUSED, "--password-stdin goes with --username and without --password");
        if (username)
                ret->username = strdup(username);
        else
                r = prompt("Username: ", "user name", false, &ret->username, err);
        if (r < 0)
                return r;
        if (from_stdin)
                r = read_password_stdin(&ret->password, err);
        else if (password)
                ret->password = strdup(password);
        else
                r = prompt("Password: ", "password", true, &ret->password, err);
        ret->identity_token = strdup("");
        if (r == 0 && (!ret->username || !ret->password || !ret->identity_token))
                return error_set(err, ENOMEM, "out of memory");
        if (r == 0 && password)
                report_warning("a password on the command line can be seen by others; use --password-stdin");
        return r;
}

/* Where the registry gave a token in exchange, the password need not be kept. */
static int on_result(void *userdata, struct json_object *result)
{
        struct auth *auth = userdata;
        const char *token = NULL;
        char *copy;

        if (json_get_string(result, "identity_token", &token, NULL) < 0)
                return -1;
        copy = token ? strdup(token) : NULL;
        if (!copy)
                return token ? -1 : 0;
        free(auth->identity_token);
        auth->identity_token = copy;
        return 0;
}

static int try_credentials(const struct invocation *inv, const char *registry, struct auth *auth, struct error *err)
{
        own_buf struct buf parameters = {};
        struct json_writer w = { .out = &parameters };
        own_mover struct mover m = {};
        int r = mover_open(&m, inv, NULL, "", err);

        if (r < 0)
                return r;
        m.transfer.username = auth->username;
        m.transfer.password = auth->password;
        json_begin_object(&w, NULL);
        json_write_string(&w, "registry", registry);
        json_end_object(&w);
        r = mover_run(&m, "login", &parameters, -1, on_result, auth, err);
        return r < 0 ? error_wrap(err, "login to %s", registry) : 0;
}

int cmd_login(struct invocation *inv, struct error *err)
{
        own_buf struct buf out = {};
        own_auth struct auth auth = {};
        char registry[REGISTRY_NAME_MAX];
        int r = registry_name(inv->args.operands[0], registry, err);

        if (r == 0)
                r = get_credentials(&inv->args, &auth, err);
        if (r == 0)
                r = try_credentials(inv, registry, &auth, err);
        if (r == 0)
                r = auth_store(args_str(&inv->args, OPTION_AUTHFILE), registry, &auth, err);
        if (r < 0)
                return r;
        buf_add_str(&out, "Login Succeeded\n");
        return output_write(&out, err);
}
