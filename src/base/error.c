/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* error.h wraps them for the analyzer. */
#undef error_set
#undef error_errno

/* Puts ": " and as much of the text as fits behind what stands there. */
static void append(struct error *err, const char *text)
{
        size_t n = strlen(err->text), room = sizeof err->text - 1 - n;
        size_t separator = room < 2 ? room : 2, len = strnlen(text, room - separator);

        memcpy(err->text + n, ": ", separator);
        memcpy(err->text + n + separator, text, len);
        err->text[n + separator + len] = '\0';
}

static void fill(struct error *err, int code, const char *format, va_list ap)
{
        err->code = code;
        vsnprintf(err->text, sizeof err->text, format, ap);
}

int error_set(struct error *err, int code, const char *format, ...)
{
        va_list ap;

        if (!err)
                return -code;
        va_start(ap, format);
        fill(err, code, format, ap);
        va_end(ap);
        return -code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
        va_list ap;

        if (!err)
                return -code;
        va_start(ap, format);
        fill(err, code, format, ap);
        va_end(ap);
        append(err, strerror(code));
        return -code;
}

int error_wrap(struct error *err, const char *format, ...)
{
        char inner[sizeof err->text];
        va_list ap;

        if (!err)
                return -1;
        memcpy(inner, err->text, sizeof inner);
        va_start(ap, format);
        vsnprintf(err->text, sizeof err->text, format, ap);
        va_end(ap);
        append(err, inner);
        return -err->code;
}
