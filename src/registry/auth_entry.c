/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/own.h"
#include "registry/auth_document.h"

void auth_finish(struct auth *a)
{
        free(a->username);
        free(a->password);
        free(a->identity_token);
        free(a->source);
        *a = (struct auth){};
}

struct auth auth_take(struct auth *a)
{
        struct auth taken = *a;

        *a = (struct auth){};
        return taken;
}

/* The part of a key that is compared: without a scheme and, where there was one, without what follows the host. */
static const char *key_name(const char *key, size_t *ret_len)
{
        static const char *const docker[] = { "index.docker.io", "registry-1.docker.io" };
        const char *name = key;
        size_t n;

        if (strncmp(key, "https://", 8) == 0)
                name += 8;
        else if (strncmp(key, "http://", 7) == 0)
                name += 7;
        n = name == key ? strlen(name) : strcspn(name, "/");
        for (size_t i = 0; i < sizeof docker / sizeof *docker; i++) {
                if (n == strlen(docker[i]) && memcmp(name, docker[i], n) == 0) {
                        name = "docker.io";
                        n = strlen(name);
                }
        }
        *ret_len = n;
        return name;
}

/* Length of `name` when the text begins with it and a part of a path ends there. */
static bool begins_with_path(const char *text, const char *name, size_t n)
{
        return strncmp(text, name, n) == 0 && (text[n] == '\0' || text[n] == '/');
}

size_t auth_key_fits(const char *key, const char *registry, const char *repository)
{
        size_t n, host = strlen(registry), fits;
        const char *name = key_name(key, &n);

        if (!n || strncmp(name, registry, n < host ? n : host) != 0 || n < host)
                return 0;
        if (n > host &&
            (name[host] != '/' || !repository || !begins_with_path(repository, name + host + 1, n - host - 1)))
                return 0;
        /* The same name written without a scheme comes first. */
        fits = 2 * n;
        return name == key ? fits + 1 : fits;
}

struct search {
        const char *registry, *repository;
        size_t fits;
        const char *key;
        struct json_object *value;
};

static int look_at(const char *key, struct json_object *value, void *userdata)
{
        struct search *s = userdata;
        size_t fits = auth_key_fits(key, s->registry, s->repository);

        if (fits > s->fits) {
                s->fits = fits;
                s->key = key;
                s->value = value;
        }
        return 0;
}

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "read credentials: out of memory");
}

/* "USER:PASSWORD" in base 64 */
static int read_login(const char *text, struct auth *a, struct error *err)
{
        own_buf struct buf login = {};
        const char *colon;
        int r = base64_decode(text, &login);

        if (r < 0)
                return error_set(err, -r, "auth: not base 64");
        /* Docker fills the password with them. */
        while (login.len && login.data[login.len - 1] == '\0')
                login.len--;
        colon = login.len ? memchr(login.data, ':', login.len) : NULL;
        if (!colon || memchr(login.data, '\0', login.len))
                return error_set(err, EINVAL, "auth: expected a user, a colon and a password in base 64");
        free(a->username);
        free(a->password);
        a->username = strndup(login.data, (size_t)(colon - login.data));
        a->password = strndup(colon + 1, login.len - (size_t)(colon + 1 - login.data));
        return a->username && a->password ? 0 : no_memory(err);
}

/* Docker's older files have them apart, and some tools write both. */
static int read_entry(struct json_object *entry, struct auth *a, struct error *err)
{
        const char *username = "", *password = "", *token = "", *login = "";
        int r = json_get_string(entry, "username", &username, err);

        if (r >= 0)
                r = json_get_string(entry, "password", &password, err);
        if (r >= 0)
                r = json_get_string(entry, "identitytoken", &token, err);
        if (r >= 0)
                r = json_get_string(entry, "auth", &login, err);
        if (r < 0)
                return r;
        a->username = strdup(username);
        a->password = strdup(password);
        a->identity_token = strdup(token);
        if (!a->username || !a->password || !a->identity_token)
                return no_memory(err);
        r = *login ? read_login(login, a, err) : 0;
        if (r < 0 || !a->username)
                return r;
        return *a->username || *token;
}

int auth_entry_find(struct json_object *root, const char *registry, const char *repository, struct auth *ret,
                    struct error *err)
{
        struct search s = { .registry = registry, .repository = repository };
        struct json_object *auths = NULL;
        own_auth struct auth a = {};
        int r = json_get_object(root, "auths", &auths, err);

        if (r <= 0)
                return r;
        json_each(auths, look_at, &s);
        if (!s.value)
                return 0;
        if (!json_is_object(s.value))
                return error_set(err, EINVAL, "auths: %.200s: expected an object", s.key);
        r = read_entry(s.value, &a, err);
        if (r < 0)
                return error_wrap(err, "auths: %.200s", s.key);
        if (r > 0)
                *ret = auth_take(&a);
        return r;
}

int auth_helper_find(struct json_object *root, const char *registry, const char *repository, struct auth_helper *ret,
                     struct error *err)
{
        struct search s = { .registry = registry, .repository = repository };
        struct json_object *helpers = NULL;
        const char *name = NULL;
        int r = json_get_object(root, "credHelpers", &helpers, err);

        if (r > 0)
                json_each(helpers, look_at, &s);
        if (r >= 0 && !s.value)
                r = json_get_string(root, "credsStore", &name, err);
        if (r < 0)
                return r;
        if (s.value)
                name = json_string_value(s.value);
        if (s.value && !name)
                return error_set(err, EINVAL, "credHelpers: %.200s: expected a string", s.key);
        if (!name || !*name)
                return 0;
        /* It becomes a program's name: none that leads elsewhere. */
        if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != strlen(name))
                return error_set(err, EINVAL, "\"%.100s\" is no credential helper's name", name);
        ret->name = name;
        ret->server = s.value ? s.key : strcmp(registry, "docker.io") == 0 ? AUTH_DOCKER_KEY : registry;
        return 1;
}

int auth_document_parse(const char *text, size_t len, struct json_object **ret, struct error *err)
{
        own_json struct json_object *root = NULL;
        int r = json_parse(text, len, &root, err);

        if (r < 0)
                return r;
        if (!json_is_object(root))
                return error_set(err, EINVAL, "expected an object");
        *ret = take_ptr(root);
        return 0;
}

int auth_read(const char *text, size_t len, const char *registry, const char *repository, struct auth *ret,
              struct error *err)
{
        own_json struct json_object *root = NULL;
        int r = auth_document_parse(text, len, &root, err);

        return r < 0 ? r : auth_entry_find(root, registry, repository, ret, err);
}
