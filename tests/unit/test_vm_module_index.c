/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "module_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "sys/fd.h"
#include "vm/module_index.h"

static void put(int directory, const char *name, const char *info, size_t len)
{
        struct module_file f = module_make(info, len);

        assert_int_equal(fd_replace_file_at(directory, name, &f, sizeof(f), 0600), 0);
}

static void has(int directory, const char *name, const char *line)
{
        own_buf struct buf text = {};
        own_fd int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);

        assert_int_equal(fd_read_all(fd, 1 << 20, &text), 0);
        if (!strstr(buf_str(&text), line))
                fail_msg("%s has no \"%s\": %s", name, line, buf_str(&text));
}

static void test_files(void **state)
{
        static const char a[] = "alias=fs-a\0alias=pci:v[a-c]-*\0depends=b-x", b[] = "depends=c",
                          c[] = "depends=", builtin[] = "kernel/fs/in-built.ko\n";
        char place[] = "/tmp/holt-modules.XXXXXX";
        own_fd int top = -1, kernel = -1;

        assert_non_null(mkdtemp(place));
        top = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(top, "kernel", 0700), 0);
        kernel = openat(top, "kernel", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        put(kernel, "a.ko", a, sizeof(a));
        put(kernel, "b-x.ko", b, sizeof(b));
        put(kernel, "c.ko", c, sizeof(c));
        assert_int_equal(fd_replace_file_at(top, "modules.builtin", builtin, strlen(builtin), 0600), 0);

        assert_int_equal(module_index_write(top, NULL), 0);
        has(top, "modules.dep", "kernel/a.ko: kernel/b-x.ko kernel/c.ko\n");
        has(top, "modules.dep", "kernel/c.ko:\n");
        has(top, "modules.alias", "alias fs-a a\nalias pci:v[a-c]-* a\n");

        /* What is there stays. */
        assert_int_equal(fd_replace_file_at(top, "modules.dep", "x", 1, 0600), 0);
        assert_int_equal(module_index_write(top, NULL), 0);
        has(top, "modules.dep", "x");
        assert_int_equal(fd_remove_tree_at(AT_FDCWD, place), 0);
}

static void is(struct trie_entry *v, size_t n, const void *expected, size_t len)
{
        own_buf struct buf out = {};

        module_trie_write(v, n, &out);
        assert_false(buf_failed(&out));
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, expected, len);
}

/* As depmod(8) has written them. */
static void test_trie(void **state)
{
        static const char head[] = "\xB0\x07\xF4\x57\x00\x02\x00\x01";
        struct trie_entry v[] = { { "ac", "two", 0 }, { "ab", "one", 1 }, { "ab", "zero", 0 } };
        struct buf file = {};

        buf_add(&file, head, 8);
        buf_add(&file, "\0\0\0", 4);
        is(v, 0, file.data, file.len);

        file.len = 8;
        buf_add(&file, "\xA0\0\0\x2d", 4);
        /* 12: below "ab"; 33: below "ac"; 45: what they share. */
        buf_add(&file, "\0\0\0\2\0\0\0\0zero\0\0\0\0\1one\0", 4 + 9 + 8);
        buf_add(&file, "\0\0\0\1\0\0\0\0two\0", 12);
        buf_add(&file, "a\0bc\x40\0\0\x0c\x40\0\0\x21", 12);
        is(v, 3, file.data, file.len);
        buf_finish(&file);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_files), cmocka_unit_test(test_trie) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
