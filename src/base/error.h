/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that the caller supplies.
 *
 * A function that can fail returns 0 (or another non-negative result) on success
 * and a negative errno on failure, after filling the caller's struct error. The
 * struct is a plain value: nothing to free, it survives fork, and a child can
 * write() it to its parent. Libraries never print.
 */
#pragma once

struct error {
        int code;       /* positive errno */
        char text[508]; /* a sentence part, without a final newline */
};

/* Sets *err from the format and returns -code. err may be NULL. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Like error_set(), and appends ": " and the text of errno value `code`. */
int error_errno(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* The analyzer looks at one source at a time and would follow paths on which these return 0. */
static inline int error_result_(int r)
{
        if (r >= 0)
                __builtin_unreachable();
        return r;
}
#define error_set(...) error_result_(error_set(__VA_ARGS__))
#define error_errno(...) error_result_(error_errno(__VA_ARGS__))
#endif

/* Puts the formatted context and ": " before err's text; returns -err->code. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
