/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "vm/template.h"
#include "vm/template_pages.h"

enum { MEMORY = 64 << 10, PLENTY = 1 << 30 };

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define THIRD "22112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char place[64];

static int setup(void **state)
{
        snprintf(place, sizeof(place), "/tmp/holt-template.XXXXXX");
        return mkdtemp(place) ? 0 : -1;
}

static int teardown(void **state)
{
        return fd_remove_tree_at(AT_FDCWD, place);
}

/* Pages that are zero, and two that are not. */
static int memory(void)
{
        int fd = memfd_create("memory", MFD_CLOEXEC);

        assert_int_equal(ftruncate(fd, MEMORY), 0);
        assert_int_equal(pwrite(fd, "first", 5, 4096), 5);
        assert_int_equal(pwrite(fd, "zero", 5, 12288), 5);
        assert_int_equal(pwrite(fd, "\0\0\0\0", 4, 12288), 4);
        assert_int_equal(pwrite(fd, "last", 4, MEMORY - 4), 4);
        return fd;
}

static struct template_manifest manifest(void)
{
        return (struct template_manifest){ .qemu = "7.2.22",
                                           .tsc_khz = 2600000,
                                           .cpus = 2,
                                           .memory_mib = 256,
                                           .accelerator = "tcg",
                                           .kernel = "6.1.0-56-cloud-amd64" };
}

static void make_of(const char *key, const char *origin, uint64_t limit)
{
        own_template_making struct template_making making = {};
        struct template_manifest m = manifest();
        own_fd int fd = memory();

        snprintf(m.origin, sizeof(m.origin), "%s", origin);
        assert_int_equal(template_begin(place, key, 0, &making, NULL), 0);
        assert_int_equal(fd_write_all(making.state, "state", 5), 0);
        assert_int_equal(template_commit(&making, key, fd, &m, limit, NULL), 0);
}

static void make(const char *key, uint64_t limit)
{
        make_of(key, "", limit);
}

static bool exists(const char *key, const char *name)
{
        char path[256];

        snprintf(path, sizeof(path), "%s/%s%s%s", place, key, *name ? "/" : "", name);
        return access(path, F_OK) == 0;
}

static int open_file(const char *name)
{
        char path[256];

        snprintf(path, sizeof(path), "%s/" KEY "/%s", place, name);
        return open(path, O_RDWR | O_CLOEXEC);
}

static int look(struct error *err)
{
        own_template struct template t = {};

        return template_open(place, KEY, &t, err);
}

static void test_made(void **state)
{
        own_template struct template t = {};
        char page[4096];
        struct stat st;

        assert_int_equal(template_open(place, KEY, &t, NULL), -ENOENT);
        make(KEY, PLENTY);
        assert_false(exists("part", ""));
        assert_int_equal(template_open(place, KEY, &t, NULL), 0);
        assert_int_equal(template_check_state(&t, NULL), 0);
        assert_int_equal(template_check(place, KEY, true, NULL), 0);
        assert_string_equal(t.manifest.qemu, "7.2.22");
        assert_int_equal(t.manifest.tsc_khz, 2600000);
        assert_int_equal(t.manifest.memory_mib, 256);
        assert_int_equal(pread(t.memory, page, sizeof(page), 4096), sizeof(page));
        assert_string_equal(page, "first");
        assert_int_equal(pread(t.memory, page, 5, 12288), 5);
        assert_string_equal(page, "");
        /* What can be read only is no way into the memory of others. */
        assert_int_equal(fcntl(t.memory, F_GETFL) & O_ACCMODE, O_RDONLY);
        assert_int_equal(fstat(t.memory, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0400);
        assert_true(st.st_blocks * 512 <= 3 * 4096);
}

static void test_damaged_state(void **state)
{
        own_template struct template t = {};
        own_fd int fd = -1;
        struct error err;

        make(KEY, PLENTY);
        fd = open_file("state");
        assert_int_equal(pwrite(fd, "S", 1, 0), 1);
        assert_int_equal(template_open(place, KEY, &t, NULL), 0);
        assert_int_equal(template_check_state(&t, &err), -EBADMSG);
        assert_int_equal(template_check(place, KEY, true, &err), -EBADMSG);
        assert_int_equal(ftruncate(fd, 4), 0);
        assert_int_equal(look(&err), -EBADMSG);
        assert_non_null(strstr(err.text, "state"));
}

static void test_damaged_memory(void **state)
{
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
        struct stat before;
        own_fd int fd = -1;
        struct error err;

        make(KEY, PLENTY);
        fd = open_file("memory");
        assert_int_equal(fstat(fd, &before), 0);
        assert_int_equal(pwrite(fd, "x", 1, 4096), 1);
        assert_int_equal(look(&err), -EBADMSG);
        assert_non_null(strstr(err.text, "memory"));
        /* A disk that lies is found out by who reads all of it. */
        times[1] = before.st_mtim;
        assert_int_equal(futimens(fd, times), 0);
        assert_int_equal(look(NULL), 0);
        assert_int_equal(template_check(place, KEY, true, &err), -EBADMSG);
        assert_int_equal(ftruncate(fd, 100), 0);
        assert_int_equal(look(&err), -EBADMSG);
}

/* After a boot of the host all of it is read, once. */
static void test_other_boot(void **state)
{
        own_fd int dir = -1, fd = -1;
        own_template struct template t = {};
        struct template_manifest m;
        own_buf struct buf text = {};
        struct error err;
        char path[256];

        make(KEY, PLENTY);
        assert_int_equal(template_open(place, KEY, &t, NULL), 0);
        m = t.manifest;
        snprintf(m.boot, sizeof(m.boot), "before");
        template_manifest_write(&m, &text);
        snprintf(path, sizeof(path), "%s/" KEY, place);
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(fd_replace_file_at(dir, "manifest", text.data, text.len, 0400), 0);
        assert_int_equal(look(NULL), 0);
        fd = openat(dir, "manifest", O_RDONLY | O_CLOEXEC);
        buf_finish(&text);
        assert_int_equal(fd_read_all(fd, 4096, &text), 0);
        assert_null(strstr(text.data, "before"));

        m.memory_digest[0] ^= 1;
        buf_finish(&text);
        template_manifest_write(&m, &text);
        assert_int_equal(fd_replace_file_at(dir, "manifest", text.data, text.len, 0400), 0);
        assert_int_equal(look(&err), -EBADMSG);
        assert_string_equal(err.text, "its memory is damaged");
}

static void test_manifest(void **state)
{
        static const char *const bad[] = { "", "{", "[]", "{\"format\":2}", "{\"format\":1}", "null" };
        struct template_manifest m = manifest(), other;
        own_buf struct buf text = {};
        struct error err;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(template_manifest_read(bad[i], strlen(bad[i]), &other, &err), -EBADMSG);
        m.memory_size = m.memory_time = m.state_size = m.made = 1;
        memset(m.memory_digest, 'a', SHA256_HEX - 1);
        memset(m.state_digest, 'b', SHA256_HEX - 1);
        memset(m.origin, 'c', SHA256_HEX - 1);
        snprintf(m.boot, sizeof(m.boot), "x");
        memset(m.pages_digest, 'd', SHA256_HEX - 1);
        m.n_bases = 2;
        for (size_t i = 0; i < m.n_bases; i++) {
                m.bases[i].size = m.bases[i].time = (int64_t)i + 1;
                memset(m.bases[i].digest, 'e', SHA256_HEX - 1);
        }
        template_manifest_write(&m, &text);
        assert_int_equal(template_manifest_read(text.data, text.len, &other, &err), 0);
        assert_memory_equal(&m, &other, sizeof(m));
        /* Whatever it ends with, half of it is none. */
        for (size_t i = 0; i < text.len - 2; i++)
                assert_int_equal(template_manifest_read(text.data, i, &other, &err), -EBADMSG);
        m.state_size = 0;
        buf_finish(&text);
        template_manifest_write(&m, &text);
        assert_int_equal(template_manifest_read(text.data, text.len, &other, &err), -EBADMSG);
}

/* The template's memory, and the same once more as the file of another. */
static int look_at_pages(const struct template_extent *v, size_t n, struct template *ret, struct error *err)
{
        own_buf struct buf extents = {}, text = {};
        own_fd int dir = -1;
        char path[256];

        make(KEY, PLENTY);
        assert_int_equal(template_open(place, KEY, ret, err), 0);
        snprintf(path, sizeof(path), "%s/" KEY, place);
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(linkat(dir, "memory", dir, "memory.1", 0), 0);
        ret->manifest.n_bases = 1;
        ret->manifest.bases[0].size = ret->manifest.memory_size;
        ret->manifest.bases[0].time = ret->manifest.memory_time;
        memcpy(ret->manifest.bases[0].digest, ret->manifest.memory_digest, SHA256_HEX);
        buf_add(&extents, v, n * sizeof(*v));
        assert_int_equal(template_pages_write(dir, &extents, ret->manifest.pages_digest, err), 0);
        template_manifest_write(&ret->manifest, &text);
        assert_int_equal(fd_replace_file_at(dir, "manifest", text.data, text.len, 0400), 0);
        template_finish(ret);
        *ret = (struct template){ .memory = -1, .state = -1 };
        return template_open(place, KEY, ret, err);
}

static void test_pages(void **state)
{
        const struct template_extent good[] = { { 0, 4096, 8192, 0, 0 }, { 4096, 8192, 4096, 1, 0 } };
        const struct template_extent bad[][2] = {
                { { 0, 4096, 0, 2, 0 } },                          /* no such file */
                { { 0, 4096, 4096, 1, 0 } },                       /* not at its place */
                { { 0, 4096, 1, 0, 0 } },                          /* no whole page */
                { { 0, 0, 0, 0, 0 } },                             /* nothing */
                { { 0, 8192, 0, 0, 0 }, { 4096, 4096, 0, 0, 0 } }, /* twice */
                { { 4096, 4096, 0, 0, 0 }, { 0, 4096, 0, 0, 0 } }, /* in another order */
                { { -4096ULL, 8192, 0, 0, 0 } },                   /* beyond the end of all */
        };
        own_template struct template t = {};
        struct error err;

        assert_int_equal(look_at_pages(good, 2, &t, &err), 0);
        assert_int_equal(t.n_bases, 1);
        assert_memory_equal(t.pages.data, good, sizeof(good));
        assert_int_equal(template_check(place, KEY, true, &err), 0);
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                template_finish(&t);
                assert_int_equal(template_remove(place, KEY, &err), 0);
                assert_int_equal(look_at_pages(bad[i], bad[i][1].length ? 2 : 1, &t, &err), -EBADMSG);
        }
}

static void test_refused(void **state)
{
        own_template_making struct template_making making = {};
        own_template struct template t = {};

        make(KEY, PLENTY);
        assert_int_equal(template_begin(place, KEY, 0, &making, NULL), 1);
        assert_int_equal(template_open(place, KEY, &t, NULL), 0);
        /* One that was made anew meanwhile is another. */
        assert_int_equal(template_begin(place, KEY, t.manifest.memory_time - 1, &making, NULL), 1);
        assert_int_equal(template_begin(place, KEY, t.manifest.memory_time, &making, NULL), 0);
        assert_false(exists(KEY, ""));
        assert_true(exists("part", "state"));
}

static void test_orphan(void **state)
{
        char path[256];

        make(KEY, PLENTY);
        snprintf(path, sizeof(path), "%s/part", place);
        assert_int_equal(mkdir(path, 0700), 0);
        templates_sweep(place);
        assert_false(exists("part", ""));
        assert_int_equal(look(NULL), 0);
}

static void test_limit(void **state)
{
        own_mem struct template_entry *v = NULL;
        struct timespec past[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
        char path[256];
        size_t n;

        make(KEY, PLENTY);
        make(OTHER, PLENTY);
        snprintf(path, sizeof(path), "%s/" OTHER, place);
        assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
        assert_int_equal(templates_list(place, &v, &n, NULL), 0);
        assert_int_equal(n, 2);
        assert_string_equal(v[0].key, OTHER);
        assert_string_equal(v[1].manifest.kernel, "6.1.0-56-cloud-amd64");
        assert_false(v[0].is_damaged);
        assert_true(v[0].bytes > 8192);

        template_touch(place, OTHER);
        assert_int_equal(template_remove(place, KEY, NULL), 0);
        assert_int_equal(template_remove(place, KEY, NULL), -ENOENT);
        assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
        /* The new one stays, however little is wanted. */
        make(KEY, 1);
        assert_true(exists(KEY, ""));
        assert_false(exists(OTHER, ""));
}

/* Those of another kernel or QEMU go first, however lately they were used; one of which it is not known is one. */
static void test_limit_outdated(void **state)
{
        struct timespec past[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
        char path[256];

        make_of(KEY, "here", PLENTY);
        snprintf(path, sizeof(path), "%s/" KEY, place);
        assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
        make_of(OTHER, "gone", PLENTY);
        make_of(THIRD, "here", 9 * 4096);
        assert_true(exists(KEY, ""));
        assert_false(exists(OTHER, ""));
        assert_true(exists(THIRD, ""));
}

static void test_key(void **state)
{
        struct machine m = { .cpus = 1, .memory_mib = 256, .tap = 0, .tsc_khz = 5 };
        char one[SHA256_HEX], two[SHA256_HEX];

        if (machine_find_qemu(NULL, NULL) < 0)
                skip();
        assert_int_equal(template_key(&m, "boot", one, NULL), 0);
        m.tsc_khz = 7;
        m.qmp = m.agent = m.console = 9;
        m.layers = "/dev/fdset/1";
        assert_int_equal(template_key(&m, "boot", two, NULL), 0);
        assert_string_equal(one, two);
        assert_int_equal(template_key(&m, "other", two, NULL), 0);
        assert_string_not_equal(one, two);
        m.memory_mib = 512;
        assert_int_equal(template_key(&m, "boot", two, NULL), 0);
        assert_string_not_equal(one, two);
        m.memory_mib = 256;
        m.tap = -1;
        assert_int_equal(template_key(&m, "boot", two, NULL), 0);
        assert_string_not_equal(one, two);
        m.tap = 0;
        m.accelerator = ACCELERATOR_KVM;
        assert_int_equal(template_key(&m, "boot", two, NULL), 0);
        assert_string_not_equal(one, two);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_made, setup, teardown),
                cmocka_unit_test_setup_teardown(test_damaged_state, setup, teardown),
                cmocka_unit_test_setup_teardown(test_damaged_memory, setup, teardown),
                cmocka_unit_test_setup_teardown(test_other_boot, setup, teardown),
                cmocka_unit_test(test_manifest),
                cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_orphan, setup, teardown),
                cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
                cmocka_unit_test_setup_teardown(test_limit_outdated, setup, teardown),
                cmocka_unit_test(test_key),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
