/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "registry/registries_conf_rules.h"
#include "registry/toml.h"

struct registries *registries_new(void)
{
        return calloc(1, sizeof(struct registries));
}

void registries_free(struct registries *r)
{
        if (!r)
                return;
        free(r->rules);
        free(r->aliases);
        buf_finish(&r->files);
        arena_finish(&r->arena);
        free(r);
}

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static size_t count(const struct toml_value *array)
{
        size_t n = 0;

        for (const struct toml_value *v = array->first; v; v = v->next)
                n++;
        return n;
}

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

/* host[:port][/path]; with_tag: a tag or digest may follow. */
static bool is_place(const char *text, bool with_tag)
{
        size_t host = strspn(text, NAME_CHARACTERS ":[]"), n = strlen(text);
        size_t path = strspn(text + host, with_tag ? NAME_CHARACTERS "/:@" : NAME_CHARACTERS "/");

        return host && n < 400 && (!text[host] || text[host] == '/') && host + path == n && !strstr(text, "//") &&
               !strstr(text, "/:") && !strstr(text, "/@");
}

/* A copy without the slash that may end it. */
static int copy_place(struct registries *r, const char *text, bool with_tag, const char **ret, struct error *err)
{
        size_t n = strlen(text);
        char *copy;

        if (strstr(text, "://"))
                return error_set(err, EINVAL, "\"%.200s\" must be a host and a path, without a scheme", text);
        if (!is_place(text, with_tag))
                return error_set(err, EINVAL, "\"%.200s\" is no host and path", text);
        copy = arena_strdup(&r->arena, text);
        if (!copy)
                return no_memory(err);
        if (copy[n - 1] == '/')
                copy[n - 1] = '\0';
        *ret = copy;
        return 0;
}

static int get_answer(const struct toml_value *table, const char *key, enum answer *ret, struct error *err)
{
        bool b = false;
        int r = toml_get_bool(table, key, &b, err);

        if (r > 0)
                *ret = b ? YES : NO;
        return r;
}

static int read_use(const struct toml_value *table, bool digests_only, enum use *ret, struct error *err)
{
        static const char *const words[] = { "all", "digest-only", "tag-only" };
        const char *word = "";
        int r = toml_get_string(table, "pull-from-mirror", &word, err);

        *ret = digests_only ? USE_FOR_DIGESTS : USE_ALWAYS;
        if (r < 0 || !*word)
                return r;
        if (digests_only)
                return error_set(err, EINVAL, "pull-from-mirror and mirror-by-digest-only exclude each other");
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
                if (strcmp(word, words[i]) == 0) {
                        *ret = (enum use)i;
                        return 0;
                }
        }
        return error_set(err, EINVAL, "pull-from-mirror: \"%.50s\" is none of all, digest-only, tag-only", word);
}

static int read_mirror(struct registries *r, const struct toml_value *table, bool digests_only, struct mirror *ret,
                       struct error *err)
{
        const char *location = "";
        int e = toml_get_string(table, "location", &location, err);

        if (e >= 0)
                e = copy_place(r, location, false, &ret->location, err);
        if (e >= 0)
                e = get_answer(table, "insecure", &ret->insecure, err);
        return e < 0 ? e : read_use(table, digests_only, &ret->use, err);
}

static int read_mirrors(struct registries *r, const struct toml_value *table, struct rule *rule, struct error *err)
{
        const struct toml_value *mirrors = NULL;
        bool digests_only = false;
        int e = toml_get_bool(table, "mirror-by-digest-only", &digests_only, err);

        if (e >= 0)
                e = toml_get_array(table, "mirror", TOML_TABLE, &mirrors, err);
        if (e <= 0)
                return e;
        rule->mirrors = arena_alloc(&r->arena, count(mirrors) + 1, sizeof *rule->mirrors);
        if (!rule->mirrors)
                return no_memory(err);
        for (const struct toml_value *m = mirrors->first; m; m = m->next) {
                e = read_mirror(r, m, digests_only, &rule->mirrors[rule->n_mirrors++], err);
                if (e < 0)
                        return e;
        }
        return 0;
}

static int read_prefix(struct registries *r, const struct toml_value *table, struct rule *rule, struct error *err)
{
        const char *prefix = "", *location = "";
        int e = toml_get_string(table, "prefix", &prefix, err);
        bool wildcard = strncmp(prefix, "*.", 2) == 0;

        if (e >= 0)
                e = toml_get_string(table, "location", &location, err);
        if (e < 0)
                return e;
        if (!*prefix && !*location)
                return error_set(err, EINVAL, "neither prefix nor location is given");
        if (!*prefix)
                prefix = location;
        if (wildcard && strpbrk(prefix, "/:"))
                return error_set(err, EINVAL, "\"%.200s\": only a host alone may begin with \"*.\"", prefix);
        e = copy_place(r, prefix + (wildcard ? 2 : 0), true, &rule->prefix, err);
        if (e >= 0 && wildcard) {
                rule->prefix = arena_strdup(&r->arena, prefix);
                e = rule->prefix ? 0 : no_memory(err);
        }
        rule->location = "";
        return e < 0 || !*location ? e : copy_place(r, location, false, &rule->location, err);
}

static int read_rule(struct registries *r, const struct toml_value *table, struct rule *rule, struct error *err)
{
        int e = read_prefix(r, table, rule, err);

        if (e >= 0)
                e = get_answer(table, "insecure", &rule->insecure, err);
        if (e >= 0)
                e = toml_get_bool(table, "blocked", &rule->blocked, err);
        return e < 0 ? e : read_mirrors(r, table, rule, err);
}

/* A later rule for a prefix replaces the earlier one. */
static int add_rule(struct registries *r, const struct rule *rule, struct error *err)
{
        size_t i = 0;

        while (i < r->n_rules && strcmp(r->rules[i].prefix, rule->prefix) != 0)
                i++;
        if (i == r->n_rules) {
                if (array_grow(&r->rules, &r->cap_rules, r->n_rules + 1, sizeof *r->rules) < 0)
                        return no_memory(err);
                r->n_rules++;
        }
        r->rules[i] = *rule;
        return 0;
}

static int add_rules(struct registries *r, const struct toml_value *root, struct error *err)
{
        const struct toml_value *list = NULL;
        unsigned number = 0;
        int e = toml_get_array(root, "registry", TOML_TABLE, &list, err);

        if (e <= 0)
                return e;
        for (const struct toml_value *v = list->first; v; v = v->next) {
                struct rule rule = {};

                number++;
                e = read_rule(r, v, &rule, err);
                if (e < 0)
                        return error_wrap(err, "[[registry]] number %u", number);
                e = add_rule(r, &rule, err);
                if (e < 0)
                        return e;
        }
        return 0;
}

static int add_alias(struct registries *r, const char *name, const char *value, struct error *err)
{
        struct alias a = { arena_strdup(&r->arena, name), arena_strdup(&r->arena, value) };
        size_t i = 0;

        if (!a.name || !a.value)
                return no_memory(err);
        while (i < r->n_aliases && strcmp(r->aliases[i].name, name) != 0)
                i++;
        if (i == r->n_aliases) {
                if (array_grow(&r->aliases, &r->cap_aliases, r->n_aliases + 1, sizeof *r->aliases) < 0)
                        return no_memory(err);
                r->n_aliases++;
        }
        r->aliases[i] = a;
        return 0;
}

static int add_aliases(struct registries *r, const struct toml_value *root, struct error *err)
{
        const struct toml_value *table = NULL;
        int e = toml_get_table(root, "aliases", &table, err);

        if (e <= 0)
                return e;
        for (const struct toml_value *v = table->first; v; v = v->next) {
                struct reference ref;

                if (v->type != TOML_STRING)
                        return error_set(err, EINVAL, "aliases: %.100s: expected a string", v->key);
                e = *v->string ? reference_parse(v->string, &ref, err) : 0;
                if (e == 0 && *v->string && (!ref.qualified || ref.tagged || *ref.digest.text))
                        e = error_set(err, EINVAL, "\"%.200s\" is no name with a registry and without a tag",
                                      v->string);
                if (e < 0)
                        return error_wrap(err, "aliases: %.100s", v->key);
                e = add_alias(r, v->key, v->string, err);
                if (e < 0)
                        return e;
        }
        return 0;
}

static int read_search(struct registries *r, const struct toml_value *root, struct error *err)
{
        const struct toml_value *list = NULL;
        int e = toml_get_array(root, "unqualified-search-registries", TOML_STRING, &list, err);
        const char **search;
        size_t n = 0;

        if (e <= 0)
                return e;
        search = arena_alloc(&r->arena, count(list) + 1, sizeof *search);
        if (!search)
                return no_memory(err);
        for (const struct toml_value *v = list->first; v; v = v->next) {
                e = copy_place(r, v->string, false, &search[n++], err);
                if (e < 0)
                        return error_wrap(err, "unqualified-search-registries");
        }
        r->search = search;
        r->n_search = n;
        return 0;
}

static int add_root(struct registries *r, const struct toml_value *root, struct error *err)
{
        const struct toml_value *old = NULL;
        int e = toml_get_table(root, "registries", &old, err);

        if (e > 0)
                return error_set(err, EINVAL, "[registries.*] is the old version 1 of this file: use [[registry]]");
        if (e == 0)
                e = read_search(r, root, err);
        if (e >= 0)
                e = add_rules(r, root, err);
        return e < 0 ? e : add_aliases(r, root, err);
}

int registries_add(struct registries *r, const char *name, const char *text, size_t len, struct error *err)
{
        own_toml struct toml_value *root = NULL;
        int e = toml_parse(text, len, &root, err);

        if (e == 0)
                e = add_root(r, root, err);
        return e < 0 ? error_wrap(err, "%s", name) : 0;
}

int registries_parse(const char *name, const char *text, size_t len, struct registries **ret, struct error *err)
{
        own_registries struct registries *r = registries_new();
        int e = r ? registries_add(r, name, text, len, err) : no_memory(err);

        if (e < 0)
                return e;
        *ret = r;
        r = NULL;
        return 0;
}
