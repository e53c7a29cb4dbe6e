/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation that reading and writing a document needs fails once: nothing
 * crashes, nothing leaks, and the caller hears ENOMEM. Linked with --wrap; argv[1] is
 * a config.json with every member that the parser knows.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "oci/features.h"
#include "oci/runtime_spec.h"
#include "oci/spec_default.h"

/* How many allocations still succeed (< 0: all), how many there were, and how many live. */
static long left = -1, seen, live;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void __wrap_free(void *p);

static bool is_granted(void)
{
        seen++;
        if (left == 0)
                return false;
        if (left > 0)
                left--;
        return true;
}

static void *counted(void *p)
{
        live += p != NULL;
        return p;
}

void *__wrap_malloc(size_t size)
{
        return is_granted() ? counted(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
        return is_granted() ? counted(__real_calloc(n, size)) : NULL;
}

void *__wrap_realloc(void *p, size_t size)
{
        if (!is_granted())
                return NULL;
        return p ? __real_realloc(p, size) : counted(__real_realloc(p, size));
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        if (!is_granted())
                return NULL;
        return p ? __real_reallocarray(p, n, size) : counted(__real_reallocarray(p, n, size));
}

void __wrap_free(void *p)
{
        live -= p != NULL;
        __real_free(p);
}

static char document[64 << 10], process[64 << 10], resources[64 << 10];
static size_t document_len, process_len, resources_len;

static int document_read(struct error *err)
{
        own_spec struct spec s = {};

        return spec_parse(document, document_len, &s, err);
}

static int process_read(struct error *err)
{
        own_spec struct spec s = {};

        return spec_parse_process(process, process_len, &s, err);
}

static int resources_read(struct error *err)
{
        own_spec struct spec s = {};

        return spec_parse_resources(resources, resources_len, &s, err);
}

static int value_write(struct error *err)
{
        own_json struct json_object *root = NULL;
        own_buf struct buf out = {};
        int r = json_parse(document, document_len, &root, err);

        if (r < 0)
                return r;
        json_add_value(&out, root);
        return buf_failed(&out) ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int features_print(struct error *err)
{
        own_buf struct buf out = {};

        return features_write(&out, err);
}

static int default_print(struct error *err)
{
        own_buf struct buf out = {};

        return spec_default(false, &out, err);
}

/* Grants 0, 1, 2 ... allocations until `act` gets along with them. */
static void fail_each(int (*act)(struct error *err), long at_least)
{
        for (long n = 0;; n++) {
                struct error err = {};
                long before = live;
                int r;

                seen = 0;
                left = n;
                r = act(&err);
                left = -1;
                assert_int_equal(live, before);
                if (!r) {
                        assert_int_equal(seen, n);
                        assert_true(n >= at_least);
                        return;
                }
                assert_int_equal(r, -ENOMEM);
                assert_int_equal(err.code, ENOMEM);
                assert_string_equal(err.text, "out of memory");
        }
}

static void test_document(void **state)
{
        fail_each(document_read, 6);
}

static void test_process(void **state)
{
        fail_each(process_read, 3);
}

static void test_resources(void **state)
{
        fail_each(resources_read, 3);
}

static void test_value(void **state)
{
        fail_each(value_write, 6);
}

static void test_features(void **state)
{
        fail_each(features_print, 3);
}

static void test_default(void **state)
{
        fail_each(default_print, 3);
}

/* Every chunk of an arena is a chance to fail, so this one is made of many. */
static void test_many_members(void **state)
{
        own_buf struct buf text = {};

        buf_add_str(&text, "{\"ociVersion\":\"1.2.0\",\"annotations\":{\"x\":\"y\"");
        for (int i = 0; i < 2000; i++)
                buf_addf(&text, ",\"k%d\":\"v%d\"", i, i);
        buf_add_str(&text, "},\"process\":{\"cwd\":\"/\",\"args\":[\"x\"");
        for (int i = 0; i < 2000; i++)
                buf_add_str(&text, ",\"y\"");
        buf_add_str(&text, "]}}");
        assert_true(text.len < sizeof document);
        memcpy(document, text.data, text.len);
        document_len = text.len;
        fail_each(document_read, 10);
}

/* Writes the member of the document as a text of its own. */
static size_t member_copy(struct json_object *root, const char *key, char *out, size_t max)
{
        struct json_object *o = root;
        own_buf struct buf text = {};

        if (strcmp(key, "resources") == 0 && json_get_object(root, "linux", &o, NULL) != 1)
                return 0;
        if (json_get_object(o, key, &o, NULL) != 1)
                return 0;
        json_add_value(&text, o);
        if (text.len > max)
                return 0;
        memcpy(out, text.data, text.len);
        return text.len;
}

static bool fixture_read(const char *path)
{
        own_json struct json_object *root = NULL;
        own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, document, sizeof document);

        if (n <= 0 || n == sizeof document || json_parse(document, (size_t)n, &root, NULL) < 0)
                return false;
        document_len = (size_t)n;
        process_len = member_copy(root, "process", process, sizeof process);
        resources_len = member_copy(root, "resources", resources, sizeof resources);
        return process_len && resources_len;
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_document),     cmocka_unit_test(test_process),  cmocka_unit_test(test_resources),
                cmocka_unit_test(test_value),        cmocka_unit_test(test_features), cmocka_unit_test(test_default),
                cmocka_unit_test(test_many_members),
        };

        if (argc != 2 || !fixture_read(argv[1])) {
                fprintf(stderr, "usage: %s config.json\n", argv[0]);
                return 2;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
