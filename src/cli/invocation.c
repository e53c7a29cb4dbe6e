/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/invocation.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/text_line.h"
#include "sys/fd.h"

/* What images say of themselves goes out through templates as it is, but not to a terminal. */
static int write_to_terminal(const struct buf *out)
{
        own_buf struct buf clean = {};

        text_add_lines(&clean, buf_str(out));
        return buf_failed(&clean) ? -ENOMEM : fd_write_all(STDOUT_FILENO, buf_str(&clean), clean.len);
}

int output_write(const struct buf *out, struct error *err)
{
        int r = buf_failed(out)         ? -ENOMEM
                : isatty(STDOUT_FILENO) ? write_to_terminal(out)
                                        : fd_write_all(STDOUT_FILENO, buf_str(out), out->len);

        return r < 0 ? error_errno(err, -r, "standard output") : 0;
}

/* In one write: other processes write to the same place. */
static void report(const char *kind, const char *text)
{
        own_buf struct buf line = {};

        buf_addf(&line, "holt: %s", kind);
        text_add_line(&line, text, 0);
        buf_add_str(&line, "\n");
        (void)fd_write_all(STDERR_FILENO, buf_str(&line), line.len);
}

void report_error(const char *text)
{
        report("", text);
}

void report_warning(const char *text)
{
        report("warning: ", text);
}

void report_debug_line(const char *text)
{
        report("debug: ", text);
}

void report_debug(const struct invocation *inv, const char *format, ...)
{
        char text[1000];
        va_list args;

        if (!inv->debug)
                return;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        report_debug_line(text);
}

void report_text(const struct buf *lines)
{
        (void)fd_write_all(STDERR_FILENO, buf_str(lines), lines->len);
}

bool ask(const char *question)
{
        char line[64];
        size_t len;

        (void)fd_write_all(STDERR_FILENO, question, strlen(question));
        if (!fgets(line, sizeof line, stdin))
                return false;
        len = strcspn(line, "\r\n");
        line[len] = '\0';
        return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

int check_choice(const char *option, const char *value, const char *const *choices, struct error *err)
{
        for (; value && *choices; choices++)
                if (strcmp(value, *choices) == 0)
                        return 0;
        return value ? error_set(err, EMISUSED, "option --%s: invalid value \"%s\"", option, value) : 0;
}
