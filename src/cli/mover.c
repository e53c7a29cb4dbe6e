/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/mover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/text_line.h"
#include "oci/image_manifest.h"
#include "sys/fd.h"
#include "sys/terminal.h"

/* Bars are drawn where errors appear: standard output has the results alone. */
enum { OUTPUT = STDERR_FILENO };

static uint64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct progress_size screen(void)
{
        struct progress_size size;

        terminal_size(OUTPUT, &size.columns, &size.rows);
        return size;
}

static void show(const struct buf *out)
{
        if (out->len && !buf_failed(out))
                (void)fd_write_all(OUTPUT, out->data, out->len);
}

static void on_progress(void *userdata, const struct transfer_progress *report)
{
        struct mover *m = userdata;
        own_buf struct buf out = {};

        if (progress_update(m->progress, report, now_ms(), screen(), &out) == 0)
                show(&out);
}

static void add_line(struct mover *m, const char *kind, const char *text)
{
        own_buf struct buf line = {}, out = {};

        buf_addf(&line, "holt: %s: ", kind);
        text_add_line(&line, text, 0);
        progress_line(m->progress, buf_str(&line), &out);
        show(&out);
}

static void on_warning(void *userdata, const char *text)
{
        add_line(userdata, "warning", text);
}

static void on_debug(void *userdata, const char *text)
{
        add_line(userdata, "debug", text);
}

static int on_result(void *userdata, struct json_object *result)
{
        struct mover *m = userdata;

        return m->result ? m->result(m->userdata, result) : 0;
}

/* "name:password" */
static int read_credentials(struct mover *m, const char *text, struct error *err)
{
        const char *colon = text ? strchr(text, ':') : NULL;

        if (!text)
                return 0;
        if (!colon)
                return error_set(err, EMISUSED, "option --creds needs NAME:PASSWORD");
        m->username = strndup(text, (size_t)(colon - text));
        m->password = strdup(colon + 1);
        if (!m->username || !m->password)
                return error_set(err, ENOMEM, "out of memory");
        m->transfer.username = m->username;
        m->transfer.password = m->password;
        return 0;
}

static int check_platform(const char *text, struct error *err)
{
        char storage[128];
        struct platform p;

        if (!text || platform_parse(text, storage, &p, NULL) == 0)
                return 0;
        return error_set(err, EMISUSED, "option --platform: \"%s\" is not OS/ARCHITECTURE[/VARIANT]", text);
}

int mover_open(struct mover *m, const struct invocation *inv, struct store *store, const char *verb, struct error *err)
{
        const char *verify = args_flag(&inv->args, OPTION_TLS_VERIFY) ? "true" : "false";
        enum progress_mode mode = PROGRESS_NONE;
        int r;

        *m = (struct mover){
                .transfer = {
                        .store = store,
                        .auth_file = args_str(&inv->args, OPTION_AUTHFILE),
                        .tls_verify = args_has(&inv->args, OPTION_TLS_VERIFY) ? verify : NULL,
                        .debug = inv->debug ? on_debug : NULL,
                        .progress = on_progress,
                        .warning = on_warning,
                        .result = on_result,
                },
        };
        r = check_platform(args_str(&inv->args, OPTION_PLATFORM), err);
        if (r == 0)
                r = read_credentials(m, args_str(&inv->args, OPTION_CREDS), err);
        if (r == 0 && !args_flag(&inv->args, OPTION_QUIET))
                r = progress_mode_parse(args_str(&inv->args, OPTION_PROGRESS), OUTPUT, &mode, err);
        if (r < 0)
                return r;
        m->progress = progress_new(mode, verb);
        return m->progress ? 0 : error_set(err, ENOMEM, "out of memory");
}

void mover_finish(struct mover *m)
{
        if (m->password)
                explicit_bzero(m->password, strlen(m->password));
        free(m->username);
        free(m->password);
        progress_free(m->progress);
}

int mover_run(struct mover *m, const char *job, const struct buf *parameters, int fd,
              int (*result)(void *userdata, struct json_object *result), void *userdata, struct error *err)
{
        own_buf struct buf out = {};
        int r;

        if (buf_failed(parameters))
                return error_set(err, ENOMEM, "out of memory");
        m->transfer.userdata = m;
        m->result = result;
        m->userdata = userdata;
        r = transfer_run(&m->transfer, job, buf_str(parameters), fd, err);
        progress_end(m->progress, screen(), &out);
        show(&out);
        return r;
}
