/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
        va_list ap;

        if (!err)
                return -code;
        err->code = code;
        va_start(ap, format);
        vsnprintf(err->text, sizeof err->text, format, ap);
        va_end(ap);
        return -code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
        va_list ap;
        int n;

        if (!err)
                return -code;
        err->code = code;
        va_start(ap, format);
        n = vsnprintf(err->text, sizeof err->text, format, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof err->text)
                snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", strerror(code));
        return -code;
}

int error_wrap(struct error *err, const char *format, ...)
{
        char inner[sizeof err->text];
        va_list ap;
        int n;

        if (!err)
                return -1;
        memcpy(inner, err->text, sizeof inner);
        va_start(ap, format);
        n = vsnprintf(err->text, sizeof err->text, format, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof err->text)
                snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", inner);
        return -err->code;
}
