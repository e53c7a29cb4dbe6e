/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "registry/auth_file.h"
#include "sys/fd.h"

static char dir[] = "/tmp/auth-file-XXXXXX";

/* A path in the test's directory; good until the fourth call from now. */
static const char *at(const char *name)
{
        static char paths[4][300];
        static unsigned turn;
        char *path = paths[turn++ % 4];

        snprintf(path, sizeof paths[0], "%s/%s", dir, name);
        return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
        int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
        close(fd);
}

static void assert_file(const char *name, const char *expected)
{
        own_fd int fd = open(at(name), O_RDONLY | O_CLOEXEC);
        own_buf struct buf text = {};

        assert_true(fd >= 0);
        assert_int_equal(fd_read_all(fd, 1 << 20, &text), 0);
        assert_string_equal(buf_str(&text), expected);
}

/* "user password token", or "-" for nothing. */
static void assert_read(const char *text, const char *registry, const char *repository, const char *expected)
{
        own_auth struct auth a = {};
        struct error err = {};
        char found[300] = "-";
        int r = auth_read(text, strlen(text), registry, repository, &a, &err);

        if (r < 0)
                fail_msg("%s: %s", text, err.text);
        if (r > 0)
                snprintf(found, sizeof found, "%s %s %s", a.username, a.password, a.identity_token);
        assert_string_equal(found, expected);
}

static void assert_found(const char *file, const char *registry, const char *repository, const char *expected)
{
        own_auth struct auth a = {};
        struct error err = {};
        char found[300] = "-";
        int r = auth_find(file, registry, repository, &a, &err);

        if (r < 0)
                fail_msg("%s/%s: %s", registry, repository, err.text);
        if (r > 0)
                snprintf(found, sizeof found, "%s %s %s", a.username, a.password, a.identity_token);
        assert_string_equal(found, expected);
}

static const char many[] = "{\"auths\":{\"quay.io\":{\"auth\":\"YTpi\"},"  /* a:b */
                           "\"quay.io/team\":{\"auth\":\"YzpkOmU=\"},"     /* c:d:e */
                           "\"quay.io/team/web\":{\"auth\":\"ZjpnAAA=\"}," /* f:g NUL NUL */
                           "\"https://index.docker.io/v1/\":{\"auth\":\"aDo=\",\"identitytoken\":\"token\"},"
                           "\"https://old.example.com/v2/\":{\"username\":\"i\",\"password\":\"j\"},"
                           "\"localhost:5000\":{}}}";

static void test_read(void **state)
{
        assert_read(many, "quay.io", "other", "a b ");
        assert_read(many, "quay.io", NULL, "a b ");
        assert_read(many, "quay.io", "team", "c d:e ");
        assert_read(many, "quay.io", "team/x/y", "c d:e ");
        assert_read(many, "quay.io", "teams", "a b ");
        assert_read(many, "quay.io", "team/web", "f g ");
        assert_read(many, "quay.io", "team/web/deep", "f g ");
        assert_read(many, "docker.io", "library/debian", "h  token");
        assert_read(many, "old.example.com", "x", "i j ");
        assert_read(many, "localhost:5000", "x", "-");
        assert_read(many, "localhost", "x", "-");
        assert_read(many, "quay.i", "x", "-");
        assert_read(many, "quay.io:443", "x", "-");
        assert_read("{}", "quay.io", "x", "-");
        assert_read("{\"auths\":{\"docker.io\":{\"auth\":\"YTpi\"},\"index.docker.io\":{\"auth\":\"Yzpk\"}}}",
                    "docker.io", "x", "a b ");
}

static void test_read_refused(void **state)
{
        static const char *const bad[] = {
                "",
                "[]",
                "{\"auths\":[]}",
                "{\"auths\":{\"q.io\":\"YTpi\"}}",
                "{\"auths\":{\"q.io\":{\"auth\":1}}}",
                "{\"auths\":{\"q.io\":{\"auth\":\"YTp\"}}}",
                "{\"auths\":{\"q.io\":{\"auth\":\"YWI=\"}}}",
                "{\"auths\":{\"q.io\":{\"auth\":\"YToAYg==\"}}}",
                "{\"auths\":{\"q.io\":{\"username\":true}}}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                own_auth struct auth a = {};
                struct error err = {};

                if (auth_read(bad[i], strlen(bad[i]), "q.io", "x", &a, &err) != -EINVAL)
                        fail_msg("accepted: %s", bad[i]);
        }
}

static struct auth login(const char *user, const char *password, const char *token)
{
        return (struct auth){ (char *)user, (char *)password, (char *)token };
}

static void test_store(void **state)
{
        struct auth a = login("user", "pass:word", ""), b = login("u", "", "refresh"), bad = login("a:b", "c", "");
        const char *file = at("deep/er/auth.json");
        struct error err = {};
        struct stat st;

        assert_int_equal(auth_store(file, "quay.io", &a, &err), 0);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_found(file, "quay.io", "x", "user pass:word ");
        assert_int_equal(auth_store(file, "docker.io", &b, &err), 0);
        assert_found(file, "docker.io", "library/debian", "u  refresh");
        assert_file("deep/er/auth.json",
                    "{\n  \"auths\": {\n    \"quay.io\": {\"auth\":\"dXNlcjpwYXNzOndvcmQ=\"},\n"
                    "    \"https://index.docker.io/v1/\": {\"auth\":\"dTo=\",\"identitytoken\":\"refresh\"}\n  }\n}\n");
        assert_int_equal(auth_store(file, "quay.io", &bad, &err), -EINVAL);
        assert_int_equal(auth_remove(file, "quay.io", &err), 0);
        assert_int_equal(auth_remove(file, "quay.io", &err), -ENOENT);
        assert_found(file, "quay.io", "x", "-");
        assert_int_equal(auth_remove(file, NULL, &err), 0);
        assert_file("deep/er/auth.json", "{\n  \"auths\": {}\n}\n");
        assert_int_equal(auth_remove(at("nowhere/auth.json"), "quay.io", &err), -ENOENT);
}

/* What is not ours stays; a link stays a link. */
static void test_store_keeps(void **state)
{
        struct auth a = login("a", "b", "");
        struct error err = {};
        struct stat st;

        write_file("real.json",
                   "{\"HttpHeaders\":{\"X\":[1,\"\\u00e9\"]},\"auths\":{\"quay.io/team\":{\"auth\":\"Yzpk\",\"e\":1},"
                   "\"https://quay.io/v1/\":{\"auth\":\"Yzpk\"}},\"psFormat\":\"table\"}",
                   0644);
        assert_int_equal(symlink("real.json", at("link.json")), 0);
        assert_int_equal(auth_store(at("link.json"), "quay.io", &a, &err), 0);
        assert_file("real.json", "{\n  \"HttpHeaders\": {\"X\":[1,\"\xc3\xa9\"]},\n  \"auths\": {\n"
                                 "    \"quay.io/team\": {\"auth\":\"Yzpk\",\"e\":1},\n"
                                 "    \"quay.io\": {\"auth\":\"YTpi\"}\n  },\n  \"psFormat\": \"table\"\n}\n");
        assert_int_equal(lstat(at("link.json"), &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        write_file("broken.json", "{\"auths\":", 0600);
        assert_int_equal(auth_store(at("broken.json"), "quay.io", &a, &err), -EINVAL);
        assert_file("broken.json", "{\"auths\":");
}

/* A helper that keeps what it is told in a file of the server's name. */
static const char helper[] = "#!/bin/sh\n"
                             "keep=${0%/*}/kept\n"
                             "mkdir -p $keep\n"
                             "case $1 in\n"
                             "get) read -r s; f=$keep/$(echo \"$s\" | tr / _); [ -f $f ] && cat $f && exit\n"
                             "  echo 'credentials not found in native keychain'; exit 1;;\n"
                             "store) t=$(cat); s=$(echo \"$t\" | sed 's/.*ServerURL\":\"\\([^\"]*\\).*/\\1/'); echo "
                             "\"$t\" > $keep/$(echo $s | tr / _);;\n"
                             "erase) read -r s; rm $keep/$(echo \"$s\" | tr / _) 2>/dev/null && exit\n"
                             "  echo 'credentials not found in native keychain'; exit 1;;\n"
                             "esac\n";

static void test_helper(void **state)
{
        struct auth a = login("user", "se\"cret", ""), t = login("", "", "refresh");
        struct error err = {};

        write_file("docker-credential-test", helper, 0755);
        write_file("c.json", "{\"credHelpers\":{\"quay.io\":\"test\",\"bad.io\":\"../test\",\"gone.io\":\"gone\"}}",
                   0600);
        assert_found(at("c.json"), "quay.io", "x", "-");
        assert_int_equal(auth_store(at("c.json"), "quay.io", &a, &err), 0);
        assert_found(at("c.json"), "quay.io", "x", "user se\"cret ");
        assert_file("c.json",
                    "{\n  \"credHelpers\": {\"quay.io\":\"test\",\"bad.io\":\"../test\",\"gone.io\":\"gone\"},\n"
                    "  \"auths\": {\n    \"quay.io\": {}\n  }\n}\n");
        assert_int_equal(auth_remove(at("c.json"), "quay.io", &err), 0);
        assert_int_equal(auth_remove(at("c.json"), "quay.io", &err), -ENOENT);
        assert_int_equal(auth_find(at("c.json"), "bad.io", "x", &a, &err), -EINVAL);
        assert_int_equal(auth_find(at("c.json"), "gone.io", "x", &a, &err), -ENOENT);
        assert_non_null(strstr(err.text, "docker-credential-gone is not installed"));

        write_file("s.json", "{\"credsStore\":\"test\",\"auths\":{\"kept.io\":{\"auth\":\"YTpi\"}}}", 0600);
        assert_int_equal(auth_store(at("s.json"), "docker.io", &t, &err), 0);
        assert_int_equal(access(at("kept/https:__index.docker.io_v1_"), F_OK), 0);
        assert_found(at("s.json"), "docker.io", "x", "  refresh");
        assert_found(at("s.json"), "kept.io", "x", "a b ");
        assert_int_equal(auth_remove(at("s.json"), NULL, &err), 0);
        assert_found(at("s.json"), "docker.io", "x", "-");
        assert_int_equal(access(at("kept/https:__index.docker.io_v1_"), F_OK), -1);
}

static void test_helper_fails(void **state)
{
        own_auth struct auth a = {};
        struct error err = {};

        write_file("docker-credential-fails", "#!/bin/sh\necho 'locked\033[1m out'\necho more\nexit 3\n", 0755);
        write_file("docker-credential-babbles", "#!/bin/sh\nexec yes\n", 0755);
        write_file("docker-credential-wrong", "#!/bin/sh\necho '{\"Username\":1}'\n", 0755);
        write_file("f.json", "{\"credHelpers\":{\"f.io\":\"fails\",\"b.io\":\"babbles\",\"w.io\":\"wrong\"}}", 0600);
        assert_int_equal(auth_find(at("f.json"), "f.io", "x", &a, &err), -ECANCELED);
        assert_non_null(strstr(err.text, "docker-credential-fails get failed with exit status 3: locked [1m out"));
        assert_int_equal(auth_find(at("f.json"), "b.io", "x", &a, &err), -EFBIG);
        assert_int_equal(auth_find(at("f.json"), "w.io", "x", &a, &err), -EINVAL);
}

static void test_places(void **state)
{
        struct error err = {};

        setenv("HOME", at("home"), 1);
        setenv("XDG_RUNTIME_DIR", at("run"), 1);
        unsetenv("XDG_CONFIG_HOME");
        unsetenv("DOCKER_CONFIG");
        unsetenv("REGISTRY_AUTH_FILE");
        assert_found(NULL, "quay.io", "x", "-");
        assert_int_equal(fd_mkdir_all(at("home/.docker"), 0700), 0);
        assert_int_equal(fd_mkdir_all(at("home/.config/containers"), 0700), 0);
        assert_int_equal(fd_mkdir_all(at("run/containers"), 0700), 0);
        write_file("home/.docker/config.json", "{\"auths\":{\"quay.io\":{\"auth\":\"YTpi\"}}}", 0600);
        assert_found(NULL, "quay.io", "x", "a b ");
        write_file("home/.config/containers/auth.json", "{\"auths\":{\"quay.io\":{\"auth\":\"Yzpk\"}}}", 0600);
        assert_found(NULL, "quay.io", "x", "c d ");
        write_file("run/containers/auth.json", "", 0600);
        assert_found(NULL, "quay.io", "x", "c d ");
        write_file("run/containers/auth.json", "{\"auths\":{\"quay.io\":{\"auth\":\"ZTpm\"}}}", 0600);
        assert_found(NULL, "quay.io", "x", "e f ");
        assert_int_equal(auth_remove(NULL, "quay.io", &err), 0);
        assert_found(NULL, "quay.io", "x", "-");
        setenv("DOCKER_CONFIG", at("home"), 1);
        write_file("home/config.json", "{\"auths\":{\"quay.io\":{\"auth\":\"aTpq\"}}}", 0600);
        assert_found(NULL, "quay.io", "x", "i j ");
        setenv("REGISTRY_AUTH_FILE", at("none.json"), 1);
        assert_found(NULL, "quay.io", "x", "-");
        unsetenv("REGISTRY_AUTH_FILE");
}

static int make_directory(void **state)
{
        char path[4096];
        const char *old = getenv("PATH");

        if (!mkdtemp(dir))
                return 1;
        snprintf(path, sizeof path, "%s:%s", dir, old ? old : "/bin:/usr/bin");
        return setenv("PATH", path, 1);
}

static int remove_directory(void **state)
{
        return fd_remove_tree_at(AT_FDCWD, dir);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_read),   cmocka_unit_test(test_read_refused),
                cmocka_unit_test(test_store),  cmocka_unit_test(test_store_keeps),
                cmocka_unit_test(test_helper), cmocka_unit_test(test_helper_fails),
                cmocka_unit_test(test_places),
        };

        return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
