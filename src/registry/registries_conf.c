/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registries_conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "registry/registries_conf_rules.h"

/* Length of the beginning of `name` that the prefix stands for; 0: none. */
static size_t match_length(const char *prefix, const char *name)
{
        size_t host = strcspn(name, "/"), n = strlen(prefix);

        if (strncmp(prefix, "*.", 2) == 0) {
                n--;
                return host > n && memcmp(name + host - n, prefix + 1, n) == 0 ? host : 0;
        }
        /* What follows a host is a slash: a colon would begin another port. */
        return strncmp(name, prefix, n) == 0 && strchr(n > host ? "/:@" : "/", name[n]) ? n : 0;
}

/* The rule with the longest prefix; a host's own one before one for many. */
static const struct rule *find_rule(const struct registries *r, const char *name, size_t *ret_matched)
{
        const struct rule *best = NULL;
        size_t longest = 0;

        for (size_t i = 0; i < r->n_rules; i++) {
                size_t n = match_length(r->rules[i].prefix, name);

                if (n > longest || (n && n == longest && *best->prefix == '*')) {
                        best = &r->rules[i];
                        longest = n;
                }
        }
        *ret_matched = longest;
        return best;
}

static bool is_loopback(const char *registry)
{
        char host[256];
        struct in_addr a;

        snprintf(host, sizeof host, "%.*s", (int)strcspn(registry, *registry == '[' ? "]" : ":"), registry);
        if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1") == 0)
                return true;
        return inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}

/* Fills e with the place "registry/repository[:tag][@digest]". */
static int fill_endpoint(const char *place, enum answer insecure, struct endpoint *e, struct error *err)
{
        const char *slash = strchr(place, '/');

        if (!slash || !slash[1])
                return error_set(err, EINVAL, "registries.conf makes \"%.200s\" of it: no registry and repository",
                                 place);
        e->registry = strndup(place, (size_t)(slash - place));
        e->repository = strndup(slash + 1, strcspn(slash + 1, ":@"));
        if (!e->registry || !e->repository)
                return error_set(err, ENOMEM, "out of memory");
        e->insecure = insecure == NOT_SAID ? is_loopback(e->registry) : insecure == YES;
        return 0;
}

/* The same with the first `matched` bytes of the name replaced by the location. */
static int fill_moved(const char *location, const char *name, size_t matched, enum answer insecure, struct endpoint *e,
                      struct error *err)
{
        char place[1024];

        snprintf(place, sizeof place, "%s%s", location, name + matched);
        return fill_endpoint(*location ? place : name, insecure, e, err);
}

void endpoints_free(struct endpoint *e)
{
        for (struct endpoint *i = e; i && (i->registry || i->repository); i++) {
                free(i->registry);
                free(i->repository);
        }
        free(e);
}

static bool mirror_fits(const struct mirror *m, const struct reference *ref)
{
        return m->use == USE_ALWAYS || (m->use == USE_FOR_DIGESTS) == (*ref->digest.text != '\0');
}

/* Where the rule leads; *ret has room for all its mirrors, the location and the end. */
static int follow_rule(const struct rule *rule, const struct reference *ref, const char *name, size_t matched,
                       struct endpoint *ret, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < rule->n_mirrors && r == 0; i++) {
                const struct mirror *m = &rule->mirrors[i];

                if (mirror_fits(m, ref))
                        r = fill_moved(m->location, name, matched, m->insecure, ret++, err);
        }
        return r < 0 ? r : fill_moved(rule->location, name, matched, rule->insecure, ret, err);
}

int registries_endpoints(const struct registries *r, const struct reference *ref, bool for_push, struct endpoint **ret,
                         struct error *err)
{
        own_buf struct buf name = {};
        const struct rule *rule;
        struct endpoint *list;
        size_t matched = 0;
        int e;

        reference_add(&name, ref);
        if (buf_failed(&name))
                return error_set(err, ENOMEM, "out of memory");
        rule = find_rule(r, buf_str(&name), &matched);
        if (rule && rule->blocked)
                return error_set(err, EACCES, "registries.conf blocks %s", rule->prefix);
        list = calloc((rule ? rule->n_mirrors : 0) + 2, sizeof *list);
        if (!list)
                return error_set(err, ENOMEM, "out of memory");
        /* As others that read this file do: what is pushed goes where its name says. */
        if (rule && !for_push)
                e = follow_rule(rule, ref, buf_str(&name), matched, list, err);
        else
                e = fill_endpoint(buf_str(&name), rule ? rule->insecure : NOT_SAID, list, err);
        if (e < 0) {
                endpoints_free(list);
                return e;
        }
        *ret = list;
        return 0;
}

/* --- names without a registry --- */

static const char *find_alias(const struct registries *r, const char *name)
{
        for (size_t i = 0; i < r->n_aliases; i++) {
                if (strcmp(r->aliases[i].name, name) == 0)
                        return *r->aliases[i].value ? r->aliases[i].value : NULL;
        }
        return NULL;
}

/* The name (registry and repository) with ref's tag and digest. */
static int candidate(const char *name, const struct reference *ref, struct reference *ret, struct error *err)
{
        struct reference named;
        int r = reference_parse(name, &named, err);

        if (r < 0)
                return r;
        if (!named.qualified)
                return error_set(err, EINVAL, "registries.conf: \"%.200s\" names no registry", name);
        *ret = *ref;
        memcpy(ret->registry, named.registry, sizeof ret->registry);
        memcpy(ret->repository, named.repository, sizeof ret->repository);
        return 0;
}

/* One for each registry that is searched. */
static int search_candidates(const struct registries *r, const struct reference *ref, const char *name,
                             struct reference *ret, struct error *err)
{
        for (size_t i = 0; i < r->n_search; i++) {
                char full[600];
                int e;

                snprintf(full, sizeof full, "%s/%s", r->search[i], name);
                e = candidate(full, ref, &ret[i], err);
                if (e < 0)
                        return e;
        }
        return (int)r->n_search;
}

int registries_candidates(const struct registries *r, const struct reference *ref, struct reference **ret,
                          struct error *err)
{
        own_mem struct reference *list = calloc(r->n_search + 1, sizeof *list);
        own_buf struct buf name = {};
        const char *alias;
        int n = 1, e = 0;

        reference_add_short_name(&name, ref);
        if (!list || buf_failed(&name))
                return error_set(err, ENOMEM, "out of memory");
        list[0] = *ref;
        alias = ref->qualified ? NULL : find_alias(r, buf_str(&name));
        if (alias)
                e = candidate(alias, ref, list, err);
        else if (!ref->qualified && r->n_search)
                e = n = search_candidates(r, ref, buf_str(&name), list, err);
        if (e < 0)
                return e;
        *ret = take_ptr(list);
        return n;
}
