/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "oci/image_config.h"
#include "oci/image_manifest.h"

#define SUM "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONFIG "\"config\":{\"mediaType\":\"" MEDIA_TYPE_OCI_CONFIG "\",\"digest\":\"" SUM "\",\"size\":7}"
#define LAYER "{\"mediaType\":\"" MEDIA_TYPE_OCI_LAYER "+gzip\",\"digest\":\"" SUM "\",\"size\":9}"

static int manifest(const char *text, const char *type, struct image_manifest *ret, struct error *err)
{
        return image_manifest_read(text, strlen(text), type, ret, err);
}

static void reads_a_manifest(void **state)
{
        own_image_manifest struct image_manifest m = {};
        struct error err;

        assert_int_equal(manifest("{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "," LAYER "]}", NULL, &m, &err),
                         0);
        assert_string_equal(m.media_type, MEDIA_TYPE_OCI_MANIFEST);
        assert_string_equal(m.config.digest.text, SUM);
        assert_int_equal(m.n_layers, 2);
        assert_int_equal(m.layers[1].size, 9);
}

static void writes_what_it_reads(void **state)
{
        own_image_manifest struct image_manifest m = {}, again = {};
        struct buf out = {};
        struct error err;

        assert_int_equal(manifest("{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "]}", NULL, &m, &err), 0);
        image_manifest_write(&out, &m.config, m.layers, m.n_layers);
        assert_int_equal(image_manifest_read(out.data, out.len, MEDIA_TYPE_OCI_MANIFEST, &again, &err), 0);
        assert_string_equal(again.layers[0].media_type, MEDIA_TYPE_OCI_LAYER "+gzip");
        buf_finish(&out);
}

static void refuses_manifests(void **state)
{
        static const struct {
                const char *text, *type, *says;
        } cases[] = {
                { "[]", NULL, "no object" },
                { "{}", NULL, "no image manifest" },
                { "{\"schemaVersion\":1,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\"}", NULL, "schemaVersion 1" },
                { "{" CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, "both a manifest and an index" },
                { "{" CONFIG ",\"layers\":[]}", MEDIA_TYPE_OCI_INDEX, "looks like" },
                { "{\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX "\"," CONFIG ",\"layers\":[]}", NULL, "looks like" },
                { "{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\"," CONFIG ",\"layers\":[]}",
                  MEDIA_TYPE_DOCKER_MANIFEST, "calls itself" },
                { "{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"layers\":[]}", NULL, "config: missing" },
                { "{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\"," CONFIG "}", NULL, "layers: missing" },
                { "{" CONFIG ",\"layers\":[{}]}", NULL, "layers[0].digest" },
                { "{" CONFIG ",\"layers\":[{\"digest\":\"" SUM "\",\"size\":-1}]}", NULL, "size" },
                { "{" CONFIG ",\"layers\":[{\"digest\":\"" SUM "\",\"size\":9223372036854775808}]}", NULL,
                  "too large" },
                { "{" CONFIG ",\"layers\":[{\"digest\":\"sha256:../../etc/passwd\",\"size\":1}]}", NULL, "no sha256" },
                { "{" CONFIG ",\"layers\":[{\"mediaType\":\"text/plain\",\"digest\":\"" SUM "\",\"size\":1}]}", NULL,
                  "no layer" },
                { "{\"config\":{\"mediaType\":\"application/x\",\"digest\":\"" SUM "\",\"size\":1},\"layers\":[]}",
                  NULL, "artifact" },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct image_manifest m = { .n_layers = 77 };
                struct error err = {};

                if (manifest(cases[i].text, cases[i].type, &m, &err) >= 0 || !strstr(err.text, cases[i].says))
                        fail_msg("%s: \"%s\"", cases[i].text, err.text);
                assert_int_equal(m.n_layers, 77);
        }
}

static void bounds_the_number_of_layers(void **state)
{
        struct buf text = {};
        struct image_manifest m = {};
        struct error err;

        buf_add_str(&text, "{" CONFIG ",\"layers\":[" LAYER);
        for (int i = 0; i < MANIFEST_MAX_LAYERS; i++)
                buf_add_str(&text, "," LAYER);
        buf_add_str(&text, "]}");
        assert_int_equal(manifest(buf_str(&text), NULL, &m, &err), -EFBIG);
        buf_finish(&text);
}

static void finds_a_platform(void **state)
{
#define ENTRY(digit, platform)                                                                         \
        "{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST                                                    \
        "\",\"digest\":\"sha256:000000000000000000000000000000000000000000000000000000000000000" digit \
        "\",\"size\":1,\"platform\":{" platform "}}"
        static const char text[] = "{\"manifests\":[" ENTRY(
                "1",
                "\"os\":\"linux\",\"architecture\":\"amd64\","
                "\"variant\":\"v3\"") "," ENTRY("2",
                                                "\"os\":"
                                                "\"linux\","
                                                "\"architecture\""
                                                ":\"amd64\"") "," ENTRY("3",
                                                                        "\"os\":\"linux\",\"architecture\":\"arm\","
                                                                        "\"variant\":\"v7\"") "," ENTRY("4",
                                                                                                        "\"os\":"
                                                                                                        "\"linux\","
                                                                                                        "\"architecture"
                                                                                                        "\":"
                                                                                                        "\"arm64\","
                                                                                                        "\"variant\":"
                                                                                                        "\"v8\"") "," ENTRY("5",
                                                                                                                            "\"o"
                                                                                                                            "s\""
                                                                                                                            ":\""
                                                                                                                            "win"
                                                                                                                            "dow"
                                                                                                                            "s\""
                                                                                                                            ",\""
                                                                                                                            "arc"
                                                                                                                            "hit"
                                                                                                                            "ect"
                                                                                                                            "ure"
                                                                                                                            "\":"
                                                                                                                            "\"a"
                                                                                                                            "md6"
                                                                                                                            "4"
                                                                                                                            "\"") "]}";
        static const struct {
                const char *platform;
                char digit; /* 0: none */
        } cases[] = {
                { "linux/amd64", '2' }, { "x86_64", '2' },        { "linux/amd64/v3", '1' }, { "linux/arm/v7", '3' },
                { "linux/arm", '3' },   { "linux/arm/v6", 0 },    { "aarch64", '4' },        { "linux/arm64/v8", '4' },
                { "linux/s390x", 0 },   { "windows/amd64", '5' }, { "armhf", '3' },
        };
        own_image_index struct image_index index = {};
        struct error err = {};

        if (image_index_read(text, strlen(text), NULL, &index, &err) < 0)
                fail_msg("%s", err.text);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char storage[128];
                struct platform p;
                const struct descriptor *d;

                assert_int_equal(platform_parse(cases[i].platform, storage, &p, &err), 0);
                d = image_index_find(&index, &p);
                assert_int_equal(d != NULL, cases[i].digit != 0);
                if (d)
                        assert_int_equal(d->digest.text[strlen(d->digest.text) - 1], cases[i].digit);
        }
}

static void refuses_platforms(void **state)
{
        static const char *const bad[] = { "",        "/",           "linux/",  "/amd64", "linux/amd64/",
                                           "a/b/c/d", "linux amd64", "linux/\n" };
        char storage[128];
        struct platform p;

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_int_equal(platform_parse(bad[i], storage, &p, NULL), -EINVAL);
}

static void reads_a_config(void **state)
{
        static const char text[] =
                "{\"created\":\"2024-01-02T03:04:05Z\",\"author\":null,\"os\":\"linux\",\"architecture\":\"amd64\","
                "\"config\":{\"User\":\"web\",\"Env\":[\"A=1\",\"B=2\"],\"Entrypoint\":null,\"Cmd\":[\"sh\"],"
                "\"ExposedPorts\":{\"80/tcp\":{}},\"Labels\":{\"k\":\"v\"},\"WorkingDir\":\"/srv\"},"
                "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" SUM "\"]},"
                "\"history\":[{\"created_by\":\"COPY\"},{\"created_by\":\"CMD\",\"empty_layer\":true}],\"new\":[1]}";
        own_image_config struct image_config c = {};
        struct error err = {};

        if (image_config_read(text, strlen(text), &c, &err) < 0)
                fail_msg("%s", err.text);
        assert_string_equal(c.user, "web");
        assert_string_equal(c.author, "");
        assert_string_equal(c.env.v[1], "B=2");
        assert_null(c.env.v[2]);
        assert_int_equal(c.entrypoint.n, 0);
        assert_string_equal(c.exposed_ports.v[0], "80/tcp");
        assert_string_equal(c.labels.v[0].value, "v");
        assert_int_equal(c.n_diff_ids, 1);
        assert_int_equal(c.n_history, 2);
        assert_true(c.history[1].empty_layer);
}

static void refuses_configs(void **state)
{
        static const struct {
                const char *text, *says;
        } cases[] = {
                { "1", "no object" },
                { "{\"config\":{\"Env\":\"A\"}}", "config.Env" },
                { "{\"config\":{\"Env\":[1]}}", "config.Env" },
                { "{\"rootfs\":{\"type\":\"disk\"}}", "rootfs.type" },
                { "{\"rootfs\":{\"diff_ids\":[\"sha256:0\"]}}", "rootfs.diff_ids[0]" },
                { "{\"history\":[3]}", "history" },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct image_config c = { .n_history = 77 };
                struct error err = {};

                if (image_config_read(cases[i].text, strlen(cases[i].text), &c, &err) >= 0 ||
                    !strstr(err.text, cases[i].says))
                        fail_msg("%s: \"%s\"", cases[i].text, err.text);
                assert_int_equal(c.n_history, 77);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_a_manifest),  cmocka_unit_test(writes_what_it_reads),
                cmocka_unit_test(refuses_manifests), cmocka_unit_test(bounds_the_number_of_layers),
                cmocka_unit_test(finds_a_platform),  cmocka_unit_test(refuses_platforms),
                cmocka_unit_test(reads_a_config),    cmocka_unit_test(refuses_configs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
