/* SPDX-License-Identifier: Apache-2.0 */
/* An image, and the spec that flags make of it. */
#pragma once

#include "check.h"

#include <string.h>

#include "base/own.h"
#include "instance/image_spec.h"
#include "oci/runtime_spec.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static inline struct image_config image(void)
{
        static const char *const env[] = { "A=image", "PATH=/image", NULL }, *const entry[] = { "entry", NULL },
                                 *const cmd[] = { "cmd", "arg", NULL };

        return (struct image_config){ .user = "",
                                      .working_dir = "",
                                      .env = { 2, (const char **)env },
                                      .entrypoint = { 1, (const char **)entry },
                                      .cmd = { 2, (const char **)cmd } };
}

static inline void ignore(const char *text)
{
}

static inline int make_spec(const struct image_config *c, struct instance_options *o, struct spec *ret,
                            struct error *err)
{
        static uint32_t groups[] = { 7, 8 };
        const struct image_user user = { 1000, 7, groups, 2 };
        const struct image_spec s = { .image = c,
                                      .options = o,
                                      .user = &user,
                                      .warn = ignore,
                                      .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                                      .hostname = "host",
                                      .directory = "/tmp",
                                      .files = "/tmp",
                                      .init = "/init" };
        own_buf struct buf text = {};
        int r;

        r = image_spec_write(&s, &text, err);

        return r == 0 ? spec_parse(text.data, text.len, ret, err) : r;
}

/* The spec of the options with the image above; fails the test when there is none. */
static inline struct spec spec_of(struct instance_options o)
{
        const struct image_config c = image();
        struct error err = {};
        struct spec s = {};

        if (make_spec(&c, &o, &s, &err) < 0)
                fail_msg("%s", err.text);
        return s;
}

static inline void refused(struct instance_options o, const char *words)
{
        const struct image_config c = image();
        own_spec struct spec s = {};
        struct error err = {};

        assert_true(make_spec(&c, &o, &s, &err) < 0);
        if (!strstr(err.text, words))
                fail_msg("%s", err.text);
}

static inline void same(const struct str_list *list, const char *const *expected)
{
        size_t n = 0;

        for (; expected[n]; n++) {
                assert_true(n < list->n);
                assert_string_equal(list->v[n], expected[n]);
        }
        assert_int_equal(list->n, n);
}

static inline const struct spec_mount *mount_at(const struct spec *s, const char *destination)
{
        for (size_t i = 0; i < s->n_mounts; i++) {
                if (strcmp(s->mounts[i].destination, destination) == 0)
                        return &s->mounts[i];
        }
        fail_msg("nothing at %s", destination);
        return NULL;
}
