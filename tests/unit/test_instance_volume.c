/* SPDX-License-Identifier: Apache-2.0 */
#include "image_spec_fixture.h"

#include <linux/mount.h>
#include <sys/mount.h>

#include "instance/mount_words.h"

static void test_order_and_places(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){
                .volume = LIST("/tmp:/z/y/x:ro", "/proc/version:/etc/hosts", "/:/z"),
                .mount = LIST("type=bind,src=/usr,dst=/usr/", "type=tmpfs,target=/t,tmpfs-size=5m"),
                .tmpfs = LIST("/dev/shm:size=1m") });
        size_t inner = 0, outer = 0;

        for (size_t i = 0; i < s.n_mounts; i++) {
                inner = strcmp(s.mounts[i].destination, "/z/y/x") == 0 ? i : inner;
                outer = strcmp(s.mounts[i].destination, "/z") == 0 ? i : outer;
        }
        assert_true(outer < inner);
        assert_string_equal(mount_at(&s, "/etc/hosts")->source, "/proc/version");
        assert_true(mount_at(&s, "/z/y/x")->bind_recursive);
        assert_string_equal(mount_at(&s, "/usr")->source, "/usr");
        same(&mount_at(&s, "/dev/shm")->data, LIST("size=1048576"));
}

static void test_binds(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){
                .volume = LIST("/tmp:/a:ro,noexec,Z", "/tmp:/b:bind,rslave,nocopy", "/tmp:/c:bind,ro"),
                .mount = LIST("type=bind,source=/tmp,target=/d,readonly,bind-recursive=writable",
                              "type=bind,source=/tmp,target=/e,bind-nonrecursive=true,readonly=0",
                              "type=bind,\"source=/tmp\",\"target=/f,\"\"g\",ro=1") });

        assert_true(mount_at(&s, "/a")->bind_recursive);
        assert_int_equal(mount_at(&s, "/a")->attr_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
        assert_int_equal(mount_at(&s, "/a")->rec_attr_set, MOUNT_ATTR_RDONLY);
        assert_int_equal(mount_at(&s, "/a")->propagation, MS_PRIVATE | MS_REC);
        assert_false(mount_at(&s, "/b")->bind_recursive);
        assert_int_equal(mount_at(&s, "/b")->propagation, MS_SLAVE | MS_REC);
        assert_int_equal(mount_at(&s, "/c")->attr_set, MOUNT_ATTR_RDONLY);
        assert_int_equal(mount_at(&s, "/c")->rec_attr_set, 0);
        assert_int_equal(mount_at(&s, "/d")->attr_set, MOUNT_ATTR_RDONLY);
        assert_int_equal(mount_at(&s, "/d")->rec_attr_set, 0);
        assert_false(mount_at(&s, "/e")->bind_recursive);
        assert_int_equal(mount_at(&s, "/e")->attr_set, 0);
        assert_int_equal(mount_at(&s, "/f,\"g")->attr_set, MOUNT_ATTR_RDONLY);
}

static void test_mappings(void **state)
{
        own_spec struct spec s =
                spec_of((struct instance_options){ .volume = LIST("/tmp:/a:idmap=uids=0-1000-1#1-5-9;gids=0-7-2,ro") });
        const struct spec_mount *m = mount_at(&s, "/a");

        assert_true(m->idmap);
        assert_int_equal(m->uid_mappings.n, 2);
        assert_int_equal(m->uid_mappings.v[1].container_id, 1);
        assert_int_equal(m->uid_mappings.v[1].host_id, 5);
        assert_int_equal(m->uid_mappings.v[1].size, 9);
        assert_int_equal(m->gid_mappings.v[0].host_id, 7);
        assert_int_equal(m->attr_set, MOUNT_ATTR_RDONLY);
        refused((struct instance_options){ .volume = LIST("/tmp:/a:idmap=uids=0-1000-1") }, "idmap");
        refused((struct instance_options){ .volume = LIST("/tmp:/a:idmap=uids=0-1000;gids=0-7-2") }, "idmap");
        refused((struct instance_options){ .volume = LIST("/tmp:/a:idmap=uids=0-1-99999999999;gids=0-7-2") }, "idmap");
}

static void test_tmpfs(void **state)
{
        own_spec struct spec s = spec_of((struct instance_options){
                .tmpfs = LIST("/a", "/b:size=1.5m,mode=1770,exec,uid=7", "/c:size=10%,ro,tmpcopyup"),
                .mount = LIST("type=tmpfs,target=/d,tmpfs-size=1k,tmpfs-mode=0700,readonly") });

        assert_int_equal(mount_at(&s, "/a")->attr_set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
        assert_int_equal(mount_at(&s, "/a")->data.n, 0);
        same(&mount_at(&s, "/b")->data, LIST("size=1572864", "mode=1770", "uid=7"));
        assert_int_equal(mount_at(&s, "/b")->attr_set & MOUNT_ATTR_NOEXEC, 0);
        same(&mount_at(&s, "/c")->data, LIST("size=10%"));
        assert_true(mount_at(&s, "/c")->tmpcopyup);
        same(&mount_at(&s, "/d")->data, LIST("size=1024", "mode=0700"));
        assert_true(mount_at(&s, "/d")->attr_set & MOUNT_ATTR_RDONLY);
        refused((struct instance_options){ .tmpfs = LIST("/a:size=x") }, "size");
        refused((struct instance_options){ .tmpfs = LIST("/a:mode=9") }, "mode");
        refused((struct instance_options){ .tmpfs = LIST("/a:colour=red") }, "colour");
        refused((struct instance_options){ .mount = LIST("type=tmpfs,target=/a,source=/b") }, "source");
        refused((struct instance_options){ .mount = LIST("type=tmpfs,target=/a,bind-propagation=shared") }, "bind");
}

static void test_refusals(void **state)
{
        refused((struct instance_options){ .volume = LIST("/tmp:relative") }, "relative");
        refused((struct instance_options){ .volume = LIST("/tmp:/") }, "/");
        refused((struct instance_options){ .volume = LIST("/tmp:/a", "/tmp:/a/") }, "two mounts");
        refused((struct instance_options){ .volume = LIST("/tmp:/a:nonsense") }, "nonsense");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/none/there,target=/a") }, "/none/there");
        refused((struct instance_options){ .mount = LIST("type=bind,target=/a") }, "source");
        refused((struct instance_options){ .mount = LIST("type=bind,source=./x,target=/a") }, "absolute");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/tmp,target=/a,ro=maybe") }, "maybe");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/tmp,target=/a,bind-recursive=x") }, "=x");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/tmp,target=/a,bind-recursive=readonly") },
                "needs readonly");
        refused((struct instance_options){ .mount = LIST("type=bind,\"source=/tmp,target=/a") }, "quote");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/tmp,target=/a,tmpfs-size=1") }, "tmpfs");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/tmp") }, "target");
        refused((struct instance_options){ .mount = LIST("type=tmpfs,target=/a,colour=red") }, "colour");
        refused((struct instance_options){ .tmpfs = LIST("relative") }, "relative");
}

static void words_refused(const char *text, const char *why)
{
        struct mount_words w = {};
        struct arena a = {};
        struct error err;

        assert_true(mount_words_read_mount(&a, text, &w, &err) < 0);
        assert_non_null(strstr(err.text, why));
        arena_finish(&a);
}

static void test_subpaths(void **state)
{
        struct mount_words w = {};
        struct arena a = {};
        struct error err;

        assert_int_equal(mount_words_read_mount(&a, "type=image,src=i,dst=/x,image-subpath=a/..b/c", &w, &err), 0);
        assert_string_equal(w.subpath, "a/..b/c");
        assert_string_equal(w.options, "ro");
        assert_int_equal(mount_words_read_mount(&a, "src=vol,dst=/x,volume-subpath=a", &w, &err), 0);
        assert_string_equal(w.type, "volume");
        assert_string_equal(w.options, "rw");
        arena_finish(&a);
        words_refused("type=image,dst=/x", "no source");
        words_refused("type=image,src=i,dst=/x,rw", "read-only");
        words_refused("type=image,src=i,dst=/x,subpath=/a", "relative");
        words_refused("type=volume,src=v,dst=/x,subpath=a/..", "relative");
        words_refused("type=volume,src=v,dst=/x,subpath=", "relative");
        words_refused("type=volume,dst=/x,subpath=a", "without a name");
        words_refused("type=bind,src=/v,dst=/x,subpath=a", "volumes and images");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_and_places), cmocka_unit_test(test_binds),
                cmocka_unit_test(test_mappings),         cmocka_unit_test(test_tmpfs),
                cmocka_unit_test(test_refusals),         cmocka_unit_test(test_subpaths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
