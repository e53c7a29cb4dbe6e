/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "check.h"
#include "fetch/archive.h"
#include "fetch/archive_docker.h"

static void test_names(void **state)
{
        static const struct {
                const char *from, *name, *plain;
        } tries[] = {
                { NULL, "a", "a" },
                { NULL, "./a//b/", "a/b" },
                { NULL, "/a/./b", "a/b" },
                { NULL, "a/../../b", "b" },
                { NULL, "../../etc/passwd", "etc/passwd" },
                { NULL, "", "" },
                { NULL, "a/..", "" },
                { "x/layer.tar", "../y/layer.tar", "y/layer.tar" },
                { "x/layer.tar", "layer2.tar", "x/layer2.tar" },
                { "layer.tar", "other.tar", "other.tar" },
                { "x/y/z", "/a", "a" },
                { "x/y", "../../../a", "a" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
                own_mem char *plain = archive_name(tries[i].from, tries[i].name);

                assert_string_equal(plain, tries[i].plain);
        }
}

static struct archive_entry *add(struct archive *a, const char *name, enum archive_kind kind, const char *text)
{
        struct error err = {};
        struct archive_entry *e = archive_add(a, name, kind, &err);

        assert_non_null(e);
        if (text) {
                assert_int_equal(archive_add_text(a, e, strlen(text), &err), 0);
                memcpy(e->text, text, strlen(text));
        }
        return e;
}

static void test_entries(void **state)
{
        own_archive struct archive a;
        const char *text = NULL;
        struct error err = {};
        size_t len = 0;

        archive_init(&a, NULL, -1);
        add(&a, "./doc", ARCHIVE_DOCUMENT, "one");
        add(&a, "alias", ARCHIVE_ALIAS, "doc");
        add(&a, "loop", ARCHIVE_ALIAS, "loop");
        add(&a, "large", ARCHIVE_OTHER, NULL);
        assert_int_equal(archive_document(&a, "alias", &text, &len, &err), 1);
        assert_string_equal(text, "one");
        /* The last of a name counts. */
        add(&a, "doc", ARCHIVE_DOCUMENT, "another");
        assert_int_equal(archive_document(&a, "alias", &text, &len, &err), 1);
        assert_int_equal(len, 7);
        assert_int_equal(archive_document(&a, "loop", &text, &len, &err), 0);
        assert_int_equal(archive_document(&a, "none", &text, &len, &err), 0);
        assert_int_equal(archive_document(&a, "large", &text, &len, &err), -EBADMSG);
        assert_int_equal(archive_add_text(&a, add(&a, "more", ARCHIVE_DOCUMENT, NULL), ARCHIVE_MAX_TEXT, &err), -E2BIG);
}

static void read_fails(const char *text)
{
        struct docker_archive d;
        struct error err = {};

        if (docker_archive_read(text, strlen(text), &d, &err) >= 0 || !*err.text)
                fail_msg("%s", text);
}

static void test_docker(void **state)
{
        static const char good[] = "[{\"Config\":\"c\",\"RepoTags\":[\"a:1\",\"b:2\"],\"Layers\":[\"l\"],\"More\":{}},"
                                   "{\"Config\":\"d\",\"RepoTags\":null}]";
        own_docker_archive struct docker_archive d = {};
        struct error err = {};

        assert_int_equal(docker_archive_read(good, strlen(good), &d, &err), 0);
        assert_int_equal(d.n_images, 2);
        assert_string_equal(d.images[0].config, "c");
        assert_int_equal(d.images[0].n_names, 2);
        assert_string_equal(d.images[0].names[1], "b:2");
        assert_int_equal(d.images[0].n_layers, 1);
        assert_int_equal(d.images[1].n_names + d.images[1].n_layers, 0);
        read_fails("");
        read_fails("{}");
        read_fails("[1]");
        read_fails("[{}]");
        read_fails("[{\"Config\":1}]");
        read_fails("[{\"Config\":\"c\",\"Layers\":{}}]");
        read_fails("[{\"Config\":\"c\",\"Layers\":[1]}]");
        read_fails("[{\"Config\":\"c\",\"RepoTags\":[null]}]");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_entries),
                cmocka_unit_test(test_docker),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
