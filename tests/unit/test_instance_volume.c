/* SPDX-License-Identifier: Apache-2.0 */
#include "image_spec_fixture.h"

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
        same(&mount_at(&s, "/dev/shm")->data, LIST("size=1m"));
}

static void test_refusals(void **state)
{
        refused((struct instance_options){ .volume = LIST("/tmp:relative") }, "relative");
        refused((struct instance_options){ .volume = LIST("/tmp:/") }, "/");
        refused((struct instance_options){ .volume = LIST("/tmp:/a", "/tmp:/a/") }, "two mounts");
        refused((struct instance_options){ .volume = LIST("/tmp:/a:nonsense") }, "nonsense");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/none/there,target=/a") }, "/none/there");
        refused((struct instance_options){ .mount = LIST("type=bind,target=/a") }, "source");
        refused((struct instance_options){ .mount = LIST("type=bind,source=/tmp") }, "target");
        refused((struct instance_options){ .mount = LIST("type=tmpfs,target=/a,colour=red") }, "colour");
        refused((struct instance_options){ .tmpfs = LIST("relative") }, "relative");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_and_places),
                cmocka_unit_test(test_refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
