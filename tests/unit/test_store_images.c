/* SPDX-License-Identifier: Apache-2.0 */
#include "store_root.h"

#include <fcntl.h>

static struct image_info *found(struct store_root *t, const char *name)
{
        struct image_info *i = NULL;

        if (store_image_find(t->store, name, &i, &t->err) < 0)
                fail_msg("%s", t->err.text);
        return i;
}

static void test_info(void **state)
{
        struct store_root *t = *state;
        own_mem struct image_info *i = NULL;
        struct digest id = seed_id("foo"), manifest = seed_digest("manifest of foo"), layer = seed_digest("b");
        struct reference other = named("quay.io/team/foo:1");

        image_add(t, "foo", "foo:12", 3, "a", "b", "b");
        assert_int_equal(store_image_tag(t->store, &id, &other, &t->err), 0);
        i = found(t, "foo:12");
        assert_true(digest_equal(&i->id, &id));
        assert_true(digest_equal(&i->manifest, &manifest));
        assert_int_equal(i->n_layers, 3);
        assert_true(digest_equal(&i->diff_ids[2], &layer));
        assert_int_equal(i->size, 2 * (8192 + 6));
        assert_int_equal(i->created, 1714979289);
        assert_true(i->added > 1714979289);
        assert_string_equal(i->platform.os, "linux");
        assert_string_equal(i->platform.architecture, "amd64");
        assert_string_equal(i->platform.variant, "");
        assert_string_equal(i->names[0], "docker.io/library/foo:12");
        assert_string_equal(i->names[1], "quay.io/team/foo:1");
        assert_null(i->names[2]);
        assert_ptr_equal(strstr(i->digests[0], "docker.io/library/foo@sha256:"), i->digests[0]);
        assert_null(i->digests[1]);
}

static void test_find(void **state)
{
        struct store_root *t = *state;
        struct digest id = seed_id("foo"), manifest = seed_digest("manifest of foo");
        char text[300];

        image_add(t, "foo", "foo", 1, "a");
        assert_true(has_image(t, "foo"));
        assert_true(has_image(t, "foo:latest"));
        assert_true(has_image(t, "docker.io/library/foo"));
        assert_false(has_image(t, "foo:1"));
        assert_false(has_image(t, "quay.io/foo"));
        assert_true(has_image(t, id.text));
        assert_true(has_image(t, digest_hex(&id)));
        snprintf(text, sizeof text, "%.12s", digest_hex(&id));
        assert_true(has_image(t, text));
        snprintf(text, sizeof text, "%.1s", digest_hex(&id));
        assert_true(has_image(t, text));
        snprintf(text, sizeof text, "%.20s", id.text);
        assert_true(has_image(t, text));
        snprintf(text, sizeof text, "foo@%s", manifest.text);
        assert_true(has_image(t, text));
        snprintf(text, sizeof text, "foo:other@%s", manifest.text);
        assert_true(has_image(t, text));
        snprintf(text, sizeof text, "bar@%s", manifest.text);
        assert_false(has_image(t, text));
        assert_false(has_image(t, manifest.text));
        assert_false(has_image(t, ""));
        assert_false(has_image(t, "sha256:"));
        assert_false(has_image(t, "No Reference"));
        assert_int_equal(t->err.code, ENOENT);
        assert_string_equal(t->err.text, "no such image: No Reference");
}

/* A name wins over an id; digits that several ids begin with name none of them. Of 17 ids two begin alike. */
static void test_ambiguous(void **state)
{
        struct store_root *t = *state;
        own_mem struct image_info *i = NULL;
        char seed[8], digit[2] = "", used[18] = "";
        struct digest id;

        for (int n = 0; n < 17; n++) {
                snprintf(seed, sizeof seed, "%d", n);
                image_add(t, seed, NULL, 1, "a");
                id = seed_id(seed);
                if (strchr(used, *digest_hex(&id)))
                        *digit = *digest_hex(&id);
                used[strlen(used)] = *digest_hex(&id);
        }
        assert_int_equal(store_image_find(t->store, digit, &i, &t->err), -EEXIST);
        assert_non_null(strstr(t->err.text, "several images have ids that begin with"));
        assert_null(i);
        image_add(t, "5", digit, 1, "a");
        id = seed_id("5");
        i = found(t, digit);
        assert_true(digest_equal(&i->id, &id));
}

static void test_name_moves(void **state)
{
        struct store_root *t = *state;
        own_mem struct image_info *old = NULL, *new = NULL;
        struct digest old_id = seed_id("old"), new_id = seed_id("new");
        struct store_usage u;

        image_add(t, "old", "foo", 2, "a", "b");
        image_add(t, "new", "foo", 2, "a", "c");
        new = found(t, "foo");
        assert_true(digest_equal(&new->id, &new_id));
        old = found(t, old_id.text);
        assert_null(old->names[0]);
        assert_non_null(old->digests[0]);
        assert_int_equal(store_usage(t->store, &u, &t->err), 0);
        assert_int_equal(u.images, 2);
        assert_int_equal(u.dangling_images, 1);
        assert_int_equal(u.names, 1);
        assert_int_equal(u.layers, 3);
        assert_true(u.reclaimable_bytes > 8192 && u.reclaimable_bytes < 2 * 8192);
        assert_int_equal(store_image_remove(t->store, &old_id, &t->err), 0);
        assert_true(has_layer(t, "a"));
        assert_false(has_layer(t, "b"));
        assert_int_equal(store_usage(t->store, &u, &t->err), 0);
        assert_int_equal(u.reclaimable_bytes, 0);
}

static void test_names_go(void **state)
{
        struct store_root *t = *state;
        struct digest id = seed_id("foo");
        struct reference a = named("foo:a"), b = named("foo:b"), none = named("none");
        bool removed = true;

        image_add(t, "foo", "foo:a", 1, "a");
        assert_int_equal(store_image_tag(t->store, &id, &b, &t->err), 0);
        assert_int_equal(store_image_remove_name(t->store, &none, &removed, &t->err), -ENOENT);
        assert_int_equal(store_image_remove_name(t->store, &a, &removed, &t->err), 0);
        assert_false(removed);
        assert_true(has_image(t, "foo:b"));
        assert_int_equal(store_image_remove_name(t->store, &b, &removed, &t->err), 0);
        assert_true(removed);
        assert_false(has_image(t, id.text));
        assert_false(is_file(layer_path(t, "a", "")));
        assert_false(is_file(layer_path(t, "a", ".recipe")));
        assert_false(is_file(blob_path(t, &id)));
}

static void test_untag(void **state)
{
        struct store_root *t = *state;
        own_mem struct image_info *i = NULL;
        struct digest id = seed_id("foo");
        struct reference name = named("foo");

        image_add(t, "foo", "foo", 1, "a");
        assert_int_equal(store_image_untag(t->store, &name, &t->err), 0);
        assert_int_equal(store_image_untag(t->store, &name, &t->err), -ENOENT);
        assert_string_equal(t->err.text, "no such image: docker.io/library/foo:latest");
        i = found(t, id.text);
        assert_null(i->names[0]);
        assert_null(i->digests[0]);
}

static void test_pulled_by_digest(void **state)
{
        struct store_root *t = *state;
        own_mem struct image_info *i = NULL;
        struct digest index = seed_digest("index"), manifest = seed_digest("manifest of foo");
        struct reference ref;
        char text[300];
        bool removed;

        snprintf(text, sizeof text, "quay.io/foo@%s", index.text);
        image_add(t, "foo", text, 1, "a");
        i = found(t, text);
        assert_null(i->names[0]);
        assert_non_null(i->digests[1]); /* that of the index, and that of the manifest */
        ref = named(text);
        assert_int_equal(store_image_tag(t->store, &i->id, &ref, &t->err), -EINVAL);
        assert_int_equal(store_image_remove_name(t->store, &ref, &removed, &t->err), 0);
        assert_false(removed);
        snprintf(text, sizeof text, "quay.io/foo@%s", manifest.text);
        ref = named(text);
        assert_int_equal(store_image_remove_name(t->store, &ref, &removed, &t->err), 0);
        assert_true(removed);
}

static void test_what_is_missing(void **state)
{
        struct store_root *t = *state;
        const char *const layers[] = { "a", "b" };
        struct digest manifest = seed_digest("nothing"), id = seed_id("foo");
        struct reference name = named("foo");
        own_fd int a = -1, b = -1;

        assert_int_equal(store_image_add(t->store, &manifest, NULL, &t->err), -ENOENT);
        assert_int_equal(seed_documents(t->store, "foo", layers, 2, &manifest, &t->err), 0);
        a = seed_layer(t->store, "a", 8192, &t->err);
        assert_int_equal(store_image_add(t->store, &manifest, &name, &t->err), -ENOENT);
        assert_non_null(strstr(t->err.text, "layer sha256:"));
        assert_false(has_image(t, "foo"));
        b = seed_layer(t->store, "b", 8192, &t->err);
        assert_int_equal(store_image_add(t->store, &manifest, &name, &t->err), 0);
        assert_int_equal(store_image_tag(t->store, &manifest, &name, &t->err), -ENOENT);
        assert_int_equal(store_image_remove(t->store, &manifest, &t->err), -ENOENT);
        assert_int_equal(unlink(layer_path(t, "b", "")), 0);
        assert_int_equal(store_image_add(t->store, &manifest, &name, &t->err), -ENOENT);
        close(take_fd(&a));
        close(take_fd(&b));
        assert_int_equal(store_image_remove(t->store, &id, &t->err), 0);
}

/* What is written does not belong to the config's number of layers. */
static void test_manifest_of_another(void **state)
{
        struct store_root *t = *state;
        const char *const layers[] = { "a", "b" };
        struct digest manifest, config = seed_id("foo");
        own_buf struct buf text = {};

        image_add(t, "foo", "foo", 2, layers[0], layers[1]);
        buf_addf(&text,
                 "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":5},\"layers\":[]}",
                 MEDIA_TYPE_OCI_CONFIG, config.text);
        manifest = seed_digest("another");
        assert_int_equal(seed_blob(t->store, &manifest, MEDIA_TYPE_OCI_MANIFEST, &text, &t->err), 0);
        assert_true(store_image_add(t->store, &manifest, NULL, &t->err) < 0);
        assert_true(has_image(t, "foo"));
}

static void test_second_manifest(void **state)
{
        struct store_root *t = *state;
        own_mem struct image_info *i = NULL;
        struct digest manifest = seed_digest("second"), first = seed_digest("manifest of foo"), id = seed_id("foo");
        own_buf struct buf text = {};
        struct store_collected c;

        image_add(t, "foo", "foo", 1, "a");
        assert_int_equal(store_blob_read(t->store, &first, &text, &t->err), 0);
        buf_add_str(&text, "\n");
        assert_int_equal(seed_blob(t->store, &manifest, MEDIA_TYPE_OCI_MANIFEST, &text, &t->err), 0);
        assert_int_equal(store_image_add(t->store, &manifest, NULL, &t->err), 0);
        i = found(t, "foo");
        assert_true(digest_equal(&i->manifest, &manifest));
        assert_int_equal(store_collect(t->store, &c, &t->err), 0);
        assert_int_equal(c.blobs, 0);
        assert_true(is_file(blob_path(t, &first)));
        assert_int_equal(store_image_remove(t->store, &id, &t->err), 0);
        assert_false(is_file(blob_path(t, &first)));
        assert_false(is_file(blob_path(t, &manifest)));
}

static void test_owners(void **state)
{
        struct store_root *t = *state;
        struct digest id = seed_id("foo"), none = seed_digest("none");
        struct store_usage u;
        struct reference name = named("foo");

        image_add(t, "foo", "foo", 1, "a");
        assert_int_equal(store_image_hold(t->store, &none, "web", &t->err), -ENOENT);
        assert_int_equal(store_image_hold(t->store, &id, "web", &t->err), 0);
        assert_int_equal(store_image_hold(t->store, &id, "web", &t->err), 0);
        assert_int_equal(store_image_hold(t->store, &id, "db", &t->err), 0);
        assert_int_equal(store_image_remove(t->store, &id, &t->err), -EBUSY);
        assert_int_equal(store_image_untag(t->store, &name, &t->err), 0);
        assert_int_equal(store_usage(t->store, &u, &t->err), 0);
        assert_int_equal(u.dangling_images, 1);
        assert_int_equal(u.reclaimable_bytes, 0);
        assert_int_equal(store_image_release(t->store, "db", &t->err), 0);
        assert_int_equal(store_image_release(t->store, "db", &t->err), 0);
        assert_int_equal(store_image_remove(t->store, &id, &t->err), -EBUSY);
        assert_non_null(strstr(t->err.text, "is used by web"));
        assert_int_equal(store_image_release(t->store, "web", &t->err), 0);
        assert_int_equal(store_image_remove(t->store, &id, &t->err), 0);
}

static void test_pinned(void **state)
{
        struct store_root *t = *state;
        struct digest id = seed_id("foo"), shared = seed_digest("a"), own = seed_digest("b");
        own_fd int a = -1, b = -1;
        struct store_usage u;

        image_add(t, "foo", "foo", 2, "a", "b");
        image_add(t, "bar", "bar", 1, "a");
        a = store_layer_open(t->store, &shared, NULL, NULL, &t->err);
        b = store_layer_open(t->store, &own, NULL, NULL, &t->err);
        assert_int_equal(store_image_remove(t->store, &id, &t->err), -EBUSY);
        assert_int_equal(store_usage(t->store, &u, &t->err), 0);
        assert_int_equal(u.pinned_layers, 2);
        close(take_fd(&b));
        assert_int_equal(store_image_remove(t->store, &id, &t->err), 0);
        assert_true(has_layer(t, "a"));
}

struct seen {
        struct store_root *t;
        int n;
};

/* What is listed may be removed at once. */
static int remove_each(void *userdata, const struct image_info *i)
{
        struct seen *seen = userdata;

        seen->n++;
        return store_image_remove(seen->t->store, &i->id, &seen->t->err);
}

static int stop(void *userdata, const struct image_info *i)
{
        return 7;
}

static void test_list(void **state)
{
        struct store_root *t = *state;
        struct seen seen = { .t = t };

        assert_int_equal(store_images(t->store, remove_each, &seen, &t->err), 0);
        assert_int_equal(seen.n, 0);
        image_add(t, "foo", "foo", 1, "a");
        image_add(t, "bar", "bar", 1, "a");
        image_add(t, "none", NULL, 0);
        assert_int_equal(store_images(t->store, stop, NULL, &t->err), 7);
        assert_int_equal(store_images(t->store, remove_each, &seen, &t->err), 0);
        assert_int_equal(seen.n, 3);
        assert_false(has_image(t, "foo"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, root_setup, root_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_info),
                TEST(test_find),
                TEST(test_ambiguous),
                TEST(test_name_moves),
                TEST(test_names_go),
                TEST(test_untag),
                TEST(test_pulled_by_digest),
                TEST(test_what_is_missing),
                TEST(test_manifest_of_another),
                TEST(test_second_manifest),
                TEST(test_owners),
                TEST(test_pinned),
                TEST(test_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
