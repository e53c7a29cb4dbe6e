/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/oci/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "sys/fd.h"

static void add_line(struct buf *out, enum log_format format, const char *level, const char *message)
{
        time_t now = time(NULL);
        struct json_writer w = { .out = out };
        struct tm tm;
        char stamp[32];

        gmtime_r(&now, &tm);
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
        if (format == LOG_JSON) {
                json_begin_object(&w, NULL);
                json_write_string(&w, "level", level);
                json_write_string(&w, "msg", message);
                json_write_string(&w, "time", stamp);
                json_end_object(&w);
        } else {
                /* logrus quotes a message as JSON does */
                buf_addf(out, "time=\"%s\" level=%s msg=", stamp, level);
                json_write_string(&w, NULL, message);
        }
        buf_add(out, "\n", 1);
}

/* A log that cannot be written has nowhere to be reported but standard error. */
static void append_to_log(const char *path, const struct buf *line)
{
        own_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

        if (fd < 0 || write(fd, buf_str(line), line->len) != (ssize_t)line->len)
                dprintf(STDERR_FILENO, "holt-oci: log file %s: %m\n", path);
}

/* `kind` stands before the message on standard error. */
static void report(const struct invocation *inv, const char *level, const char *kind, const char *message)
{
        own_buf struct buf line = {}, plain = {};

        buf_addf(&plain, "holt-oci: %s%s\n", kind, message);
        (void)fd_write_all(STDERR_FILENO, buf_str(&plain), plain.len);
        if (!inv->log)
                return;
        add_line(&line, inv->log_format, level, message);
        append_to_log(inv->log, &line);
}

void log_error(const struct invocation *inv, const char *message)
{
        report(inv, "error", "", message);
}

void log_warning(const struct invocation *inv, const struct error *warning)
{
        if (warning->code)
                report(inv, "warning", "warning: ", warning->text);
}

void log_debug(const struct invocation *inv, const char *format, ...)
{
        own_buf struct buf line = {};
        char message[1024];
        va_list ap;

        if (!inv->debug)
                return;
        va_start(ap, format);
        vsnprintf(message, sizeof message, format, ap);
        va_end(ap);
        add_line(&line, inv->log_format, "debug", message);
        if (inv->log)
                append_to_log(inv->log, &line);
        else
                (void)fd_write_all(STDERR_FILENO, buf_str(&line), line.len);
}
