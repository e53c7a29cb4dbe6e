/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation that something in the store needs fails once, those of SQLite (where it is linked in) too: it is
 * done, or the caller hears ENOMEM, and the store stays sound. Linked with --wrap. That nothing leaks, the sanitizers
 * see.
 */
#define ROOT_PLACE "/dev/shm" /* where syncing takes no time */

#include "store_root.h"

static long left = -1, seen;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool is_granted(void)
{
        seen++;
        if (left == 0)
                return false;
        if (left > 0)
                left--;
        return true;
}

void *__wrap_malloc(size_t size)
{
        return is_granted() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
        return is_granted() ? __real_calloc(n, size) : NULL;
}

void *__wrap_realloc(void *p, size_t size)
{
        return is_granted() ? __real_realloc(p, size) : NULL;
}

typedef int act_function(struct store_root *t, struct store *s, struct error *err);

static int nothing(struct store_root *t, struct store *s, struct error *err)
{
        return 0;
}

static int add(struct store_root *t, struct store *s, struct error *err)
{
        const char *const layers[] = { "a", "c" };

        return seed_image(s, "new", layers, 2, "new", 8192, err);
}

static int find(struct store_root *t, struct store *s, struct error *err)
{
        own_mem struct image_info *i = NULL;

        return store_image_find(s, "foo", &i, err);
}

static int each(void *userdata, const struct image_info *i)
{
        return 0;
}

static int list(struct store_root *t, struct store *s, struct error *err)
{
        return store_images(s, each, NULL, err);
}

static int open_layer(struct store_root *t, struct store *s, struct error *err)
{
        struct digest d = seed_digest("a");
        own_fd int recipe = -1, fd = store_layer_open(s, &d, NULL, &recipe, err);

        return fd < 0 ? fd : 0;
}

static int tag(struct store_root *t, struct store *s, struct error *err)
{
        struct digest id = seed_id("foo");
        struct reference ref;
        int r = reference_parse("other:1", &ref, err);

        return r < 0 ? r : store_image_tag(s, &id, &ref, err);
}

static int usage(struct store_root *t, struct store *s, struct error *err)
{
        struct store_usage u;

        return store_usage(s, &u, err);
}

static int check(struct store_root *t, struct store *s, struct error *err)
{
        const struct store_checker c = { .repair = true };

        return store_check(s, &c, err);
}

static int collect(struct store_root *t, struct store *s, struct error *err)
{
        struct store_collected c;

        return store_collect(s, &c, err);
}

static int remove_added(struct store_root *t, struct store *s, struct error *err)
{
        struct reference ref;
        bool removed;
        int r = reference_parse("new", &ref, err);

        if (r == 0)
                r = store_image_remove_name(s, &ref, &removed, err);
        return r == -ENOENT ? 0 : r;
}

static int open_and(struct store_root *t, act_function *act, struct error *err)
{
        own_store struct store *s = NULL;
        int r = store_open(t->root, t->run, &s, err);

        return r < 0 ? r : act(t, s, err);
}

/* Grants 0, 1, 2 ... allocations until there are enough. */
static void fail_each(struct store_root *t, act_function *act, act_function *undo)
{
        for (long n = 0;; n++) {
                struct error err = {};
                long needed;
                int r;

                seen = 0;
                left = n;
                r = open_and(t, act, &err);
                left = -1;
                needed = seen;
                if (r != 0 && r != -ENOMEM)
                        fail_msg("allocation %ld: %d %s", n, r, err.text);
                if (open_and(t, undo, &err) != 0)
                        fail_msg("after allocation %ld: %s", n, err.text);
                if (needed <= n)
                        break;
        }
        root_open(t);
        assert_int_equal(check(t, t->store, &t->err), 0);
        assert_true(has_image(t, "foo"));
        root_close(t);
}

static void test_each_fails(void **state)
{
        static const struct {
                act_function *act, *undo;
        } acts[] = {
                { nothing, nothing },  { find, nothing },     { list, nothing },  { open_layer, nothing },
                { add, remove_added }, { tag, nothing },      { usage, nothing }, { check, nothing },
                { collect, nothing },  { remove_added, add },
        };
        struct store_root *t = *state;

        image_add(t, "foo", "foo", 2, "a", "b");
        root_close(t);
        for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
                fail_each(t, acts[i].act, acts[i].undo);
        root_open(t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_each_fails, root_setup, root_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
