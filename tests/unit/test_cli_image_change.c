/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/image_change.h"

#define CHANGE(out, ...) change(out, (const char *[]){ __VA_ARGS__, NULL })

static const char *change(struct buf *out, const char **changes)
{
        struct error err = {};
        int r;

        out->len = 0;
        r = image_change_config(changes, out, &err);
        if (r < 0) {
                assert_int_equal(r, -err.code);
                out->len = 0;
                buf_add_str(out, err.text);
        }
        return buf_str(out);
}

static void test_instructions(void **state)
{
        own_buf struct buf out = {};

        assert_int_equal(image_change_config(NULL, &out, NULL), 0);
        assert_string_equal(buf_str(&out), "{}");
        assert_string_equal(CHANGE(&out, "CMD [\"/bin/sh\", \"-l\"]"), "{\"Cmd\":[\"/bin/sh\",\"-l\"]}");
        assert_string_equal(CHANGE(&out, "cmd echo \"hi\" "), "{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo \\\"hi\\\" \"]}");
        assert_string_equal(CHANGE(&out, "CMD [1]"), "{\"Cmd\":[\"/bin/sh\",\"-c\",\"[1]\"]}");
        assert_string_equal(CHANGE(&out, "ENTRYPOINT [\"a\"]", "ENTRYPOINT [\"b\"]"), "{\"Entrypoint\":[\"b\"]}");
        assert_string_equal(CHANGE(&out, "ENV A=1 B=\"two words\" C=x\\ y", "ENV A=3", "env D the rest = 5 "),
                            "{\"Env\":[\"A=3\",\"B=two words\",\"C=x y\",\"D=the rest = 5\"]}");
        assert_string_equal(CHANGE(&out, "LABEL a=b 'c d'='e\\f'"), "{\"Labels\":{\"a\":\"b\",\"c d\":\"e\\\\f\"}}");
        assert_string_equal(CHANGE(&out, "EXPOSE 80 53/udp 7000-7010"),
                            "{\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{},\"7000-7010/tcp\":{}}}");
        assert_string_equal(CHANGE(&out, "VOLUME /a /b", "VOLUME [\"/c d\"]"),
                            "{\"Volumes\":{\"/a\":{},\"/b\":{},\"/c d\":{}}}");
        assert_string_equal(CHANGE(&out, "USER nobody ", "WORKDIR /srv", "STOPSIGNAL SIGINT"),
                            "{\"User\":\"nobody\",\"WorkingDir\":\"/srv\",\"StopSignal\":\"SIGINT\"}");
}

static void test_errors(void **state)
{
        own_buf struct buf out = {};

        assert_string_equal(CHANGE(&out, "RUN true"), "option --change: unknown instruction \"RUN\"");
        assert_string_equal(CHANGE(&out, "CMD"), "option --change: CMD: \"CMD\" is not understood");
        assert_string_equal(CHANGE(&out, "ENV A"), "option --change: ENV: \"A\" is not understood");
        assert_string_equal(CHANGE(&out, "ENV A=\"open"), "option --change: ENV: \"A=\"open\" is not understood");
        assert_string_equal(CHANGE(&out, "ENV =x"), "option --change: ENV: \"=x\" is not understood");
        assert_string_equal(CHANGE(&out, "EXPOSE http"), "option --change: EXPOSE: \"http\" is not understood");
        assert_string_equal(CHANGE(&out, "EXPOSE 80/icmp"), "option --change: EXPOSE: \"80/icmp\" is not understood");
        assert_string_equal(CHANGE(&out, ""), "option --change: : \"\" is not understood");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_instructions),
                cmocka_unit_test(test_errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
