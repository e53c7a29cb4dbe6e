/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents for the parser's tests. They are written with ' for ", which no name of
 * the runtime-spec holds, so that they can be read.
 */
#pragma once

#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "oci/runtime_spec.h"

#define DOC(members) "{'ociVersion':'1.2.0'," members "}"
#define PROCESS(members) DOC("'process':{'cwd':'/'," members "}")
#define LINUX(members) DOC("'linux':{" members "}")
#define RESOURCES(members) LINUX("'resources':{" members "}")
#define SECCOMP(members) LINUX("'seccomp':{'defaultAction':'SCMP_ACT_ERRNO'," members "}")
#define MOUNT(members) DOC("'mounts':[{'destination':'/x'," members "}]")
#define HOOK(members) DOC("'hooks':{'poststop':[{'path':'/bin/true'," members "}]}")

/* Each value in turn takes the place of the single % of the document. */
#define REFUSED_EACH(document, text, ...)                               \
        do {                                                            \
                const char *const values_[] = { __VA_ARGS__ };          \
                for (size_t i_ = 0; i_ < ARRAY_SIZE(values_); i_++)     \
                        spec_refused_with(document, values_[i_], text); \
        } while (0)

static inline char *spec_text(const char *document, const char *value)
{
        size_t n = strlen(document), m = strlen(value);
        char *text = malloc(n + m + 1), *out = text;

        for (; *document; document++) {
                if (*document == '%')
                        out = stpcpy(out, value);
                else
                        *out++ = *document;
        }
        *out = '\0';
        for (char *c = text; *c; c++) {
                if (*c == '\'')
                        *c = '"';
        }
        return text;
}

/* Parses what must be accepted; for spec_finish(). */
static inline struct spec spec_accepted(const char *document)
{
        own_mem char *text = spec_text(document, "%");
        struct error err = {};
        struct spec s;

        if (spec_parse(text, strlen(text), &s, &err) < 0)
                fail_msg("%s: %s", text, err.text);
        return s;
}

static inline void spec_refused_with(const char *document, const char *value, const char *want)
{
        own_mem char *text = spec_text(document, value);
        const struct spec empty = {};
        struct error err = {};
        struct spec s;
        int r = spec_parse(text, strlen(text), &s, &err);

        if (!r)
                fail_msg("accepted: %s", text);
        assert_int_equal(r, -err.code);
        assert_memory_equal(&s, &empty, sizeof s);
        if (*want == '*' ? !strstr(err.text, want + 1) : strcmp(err.text, want) != 0)
                fail_msg("%s: \"%s\" instead of \"%s\"", text, err.text, want);
}

/* The whole text of the error, or a part of it behind a '*'. */
static inline void spec_refused(const char *document, const char *want)
{
        spec_refused_with(document, "%", want);
}
