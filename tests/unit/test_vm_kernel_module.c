/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "module_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "sys/fd.h"
#include "vm/kernel_module.h"

static void test_depends(void **state)
{
        static const char info[] = "license=GPL\0depends=virtio_ring,virtio\0name=x";
        const char *needs = NULL;
        struct module_file f = module_make(info, sizeof(info));

        assert_int_equal(kernel_module_depends(&f, sizeof(f), &needs, NULL), 0);
        assert_string_equal(needs, "virtio_ring,virtio");
        f = module_make("name=x", 7);
        assert_int_equal(kernel_module_depends(&f, sizeof(f), &needs, NULL), 0);
        assert_null(needs);
}

static void refused(const struct module_file *f, size_t len)
{
        const char *needs;

        assert_int_equal(kernel_module_depends(f, len, &needs, NULL), -EINVAL);
}

static void test_lies(void **state)
{
        struct module_file f;

        f = module_make("depends=a", 10);
        refused(&f, sizeof(f.header) - 1);
        refused(&f, sizeof(f.header) + 100);
        f.section[2].sh_size = sizeof(f);
        refused(&f, sizeof(f));
        f.section[2].sh_size = UINT64_MAX;
        refused(&f, sizeof(f));
        f = module_make("depends=a", 9); /* no NUL */
        refused(&f, sizeof(f));
        f = module_make("", 0);
        refused(&f, sizeof(f));
        f = module_make("depends=a", 10);
        f.section[2].sh_name = 31;
        refused(&f, sizeof(f));
        f = module_make("depends=a", 10);
        f.header.e_shstrndx = 3;
        refused(&f, sizeof(f));
        f = module_make("depends=a", 10);
        f.header.e_shoff = UINT64_MAX - 8;
        refused(&f, sizeof(f));
        f = module_make("depends=a", 10);
        f.header.e_ident[0] = 'x';
        refused(&f, sizeof(f));
}

static void put(int directory, const char *folder, const char *name, const char *info, size_t len)
{
        struct module_file f = module_make(info, len);
        own_fd int fd = openat(directory, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(fd_replace_file_at(fd, name, &f, sizeof(f), 0600), 0);
}

static void test_order(void **state)
{
        static const char *const names[] = { "a", "built_in", "c" };
        char place[] = "/tmp/holt-modules.XXXXXX";
        own_kernel_modules struct kernel_modules m = {};
        own_fd int top = -1;

        assert_non_null(mkdtemp(place));
        top = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(top, "kernel", 0700) | mkdirat(top, "kernel/drivers", 0700), 0);
        put(top, "kernel", "b-x.ko", "depends=c", 10);
        put(top, "kernel", "c.ko", "depends=", 9);
        put(top, "kernel", "d-y.ko", "depends=", 9);
        put(top, "kernel", "e.ko", "depends=", 9);
        /* What the file's name says with a dash, some say with an underscore. */
        put(top, "kernel/drivers", "a.ko", "depends=b_x,d-y", 16);
        assert_int_equal(kernel_modules_resolve(top, names, 3, &m, NULL), 0);
        assert_int_equal(m.n, 4);
        assert_string_equal(m.v[0].name, "c");
        assert_string_equal(m.v[1].name, "b_x");
        assert_string_equal(m.v[1].path, "kernel/b-x.ko");
        assert_string_equal(m.v[2].name, "d_y");
        assert_string_equal(m.v[3].name, "a");
        kernel_modules_finish(&m);

        put(top, "kernel", "c.ko", "depends=a", 10);
        assert_int_equal(kernel_modules_resolve(top, names, 3, &m, NULL), -ELOOP);
        assert_int_equal(fd_remove_tree_at(AT_FDCWD, place), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_depends), cmocka_unit_test(test_lies),
                                            cmocka_unit_test(test_order) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
