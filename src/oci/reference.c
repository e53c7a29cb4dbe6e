/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/reference.h"

#include <errno.h>
#include <string.h>

#define OFFICIAL "library/"
#define LOWER_ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"
#define ALNUM LOWER_ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char default_registry[] = "docker.io";

enum { NAME_MAX_LENGTH = 255 }; /* of registry and repository together */

/* The text from `begin` to `end`, while it is looked at. */
struct part {
        const char *begin, *end;
};

static size_t part_len(struct part p)
{
        return (size_t)(p.end - p.begin);
}

static bool part_is(struct part p, const char *s)
{
        return part_len(p) == strlen(s) && memcmp(p.begin, s, part_len(p)) == 0;
}

static bool part_has_only(struct part p, const char *accepted)
{
        for (const char *c = p.begin; c < p.end; c++)
                if (!strchr(accepted, *c))
                        return false;
        return true;
}

static void part_copy(struct part p, char *ret)
{
        memcpy(ret, p.begin, part_len(p));
        ret[part_len(p)] = '\0';
}

/* [a-z0-9]+ joined by ".", "_", "__" or dashes */
static bool is_path_component(struct part p)
{
        const char *c = p.begin;

        for (;;) {
                size_t run = 0;

                while (c + run < p.end && strchr(LOWER_ALNUM, c[run]))
                        run++;
                c += run;
                if (!run || c == p.end)
                        return run;
                if (*c == '-') {
                        while (c < p.end && *c == '-')
                                c++;
                } else if (*c == '.' || *c == '_') {
                        c += c[0] == '_' && c + 1 < p.end && c[1] == '_' ? 2 : 1;
                } else {
                        return false;
                }
        }
}

static bool is_path(struct part p)
{
        for (;;) {
                const char *slash = memchr(p.begin, '/', part_len(p));

                if (!is_path_component((struct part){ p.begin, slash ? slash : p.end }))
                        return false;
                if (!slash)
                        return true;
                p.begin = slash + 1;
        }
}

/* Labels of letters, digits and inner dashes, joined by dots. */
static bool is_host_name(struct part p)
{
        for (const char *label = p.begin;;) {
                const char *end = label;

                while (end < p.end && *end != '.')
                        end++;
                if (end == label || *label == '-' || end[-1] == '-' ||
                    !part_has_only((struct part){ label, end }, ALNUM "-"))
                        return false;
                if (end == p.end)
                        return true;
                label = end + 1;
        }
}

static bool is_registry(struct part p)
{
        const char *colon = memrchr(p.begin, ':', part_len(p));
        struct part host = p;

        if (colon && (colon == p.begin || colon[-1] == ']' || *p.begin != '[')) {
                host.end = colon;
                if (colon + 1 == p.end || p.end - colon > 6 ||
                    !part_has_only((struct part){ colon + 1, p.end }, "0123456789"))
                        return false;
        }
        if (part_len(host) > 2 && *host.begin == '[' && host.end[-1] == ']')
                return part_has_only((struct part){ host.begin + 1, host.end - 1 }, "0123456789abcdefABCDEF:");
        return is_host_name(host);
}

static bool is_tag(struct part p)
{
        return part_len(p) > 0 && part_len(p) <= 128 && *p.begin != '.' && *p.begin != '-' &&
               part_has_only(p, ALNUM "_.-");
}

static bool names_registry(struct part first)
{
        return memchr(first.begin, '.', part_len(first)) || memchr(first.begin, ':', part_len(first)) ||
               part_is(first, "localhost") || !part_has_only(first, LOWER_ALNUM "_-");
}

static int bad(const char *text, const char *why, struct error *err)
{
        return error_set(err, EINVAL, "invalid reference \"%.300s\": %s", text, why);
}

/* What stands before tag and digest. */
static int read_name(const char *text, struct part name, struct reference *ret, struct error *err)
{
        const char *slash = memchr(name.begin, '/', part_len(name));
        struct part registry = { name.begin, slash ? slash : name.begin }, path = name;
        bool official;

        if (slash && names_registry(registry)) {
                if (!is_registry(registry))
                        return bad(text, "the registry before the first slash is no host name", err);
                ret->qualified = true;
                path.begin = slash + 1;
        }
        if (!ret->qualified || part_is(registry, "index.docker.io"))
                registry = (struct part){ default_registry, default_registry + sizeof default_registry - 1 };
        if (!part_len(path))
                return bad(text, "the repository's name is missing", err);
        if (!is_path(path))
                return bad(
                        text,
                        part_has_only(path, LOWER_ALNUM "._-/")
                                ? "the parts of a repository's name begin and end with a letter or digit"
                                : "a repository's name has lower-case letters, digits, \".\", \"_\", \"-\" and \"/\"",
                        err);
        official = part_is(registry, default_registry) && !memchr(path.begin, '/', part_len(path));
        if (part_len(registry) + 1 + part_len(path) + (official ? strlen(OFFICIAL) : 0) > NAME_MAX_LENGTH)
                return bad(text, "the name is longer than 255 characters", err);
        part_copy(registry, ret->registry);
        memcpy(ret->repository, OFFICIAL, strlen(OFFICIAL));
        part_copy(path, ret->repository + (official ? strlen(OFFICIAL) : 0));
        return 0;
}

static bool is_image_id(const char *text)
{
        return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

int reference_parse(const char *text, struct reference *ret, struct error *err)
{
        struct reference ref = {};
        const char *at = strchr(text, '@'), *slash, *colon;
        struct part name = { text, at ? at : text + strlen(text) };
        int r;

        if (is_image_id(text))
                return bad(text, "64 hexadecimal digits are an image's id", err);
        if (at && digest_parse(at + 1, &ref.digest, err) < 0)
                return bad(text, "what follows \"@\" is no sha256 or sha512 digest", err);
        slash = memrchr(name.begin, '/', part_len(name));
        colon = memrchr(name.begin, ':', part_len(name));
        if (colon && (!slash || colon > slash)) {
                struct part tag = { colon + 1, name.end };

                if (!is_tag(tag))
                        return bad(text,
                                   "a tag has up to 128 letters, digits, \"_\", \".\" and \"-\", and begins with no "
                                   "\".\" or \"-\"",
                                   err);
                part_copy(tag, ref.tag);
                ref.tagged = true;
                name.end = colon;
        }
        r = read_name(text, name, &ref, err);
        if (r < 0)
                return r;
        if (!ref.tagged && !at)
                memcpy(ref.tag, "latest", sizeof "latest");
        *ret = ref;
        return 0;
}

void reference_add_name(struct buf *out, const struct reference *ref)
{
        buf_addf(out, "%s/%s", ref->registry, ref->repository);
}

void reference_add(struct buf *out, const struct reference *ref)
{
        reference_add_name(out, ref);
        if (*ref->tag)
                buf_addf(out, ":%s", ref->tag);
        if (*ref->digest.text)
                buf_addf(out, "@%s", ref->digest.text);
}

void reference_add_short_name(struct buf *out, const struct reference *ref)
{
        const char *repository = ref->repository;

        if (strcmp(ref->registry, default_registry) != 0) {
                reference_add_name(out, ref);
                return;
        }
        if (strncmp(repository, OFFICIAL, strlen(OFFICIAL)) == 0 && !strchr(repository + strlen(OFFICIAL), '/'))
                repository += strlen(OFFICIAL);
        buf_add_str(out, repository);
}
