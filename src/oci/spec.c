/* SPDX-License-Identifier: Apache-2.0 */
/* The document as a whole (runtime-spec, config.md); its objects are read by the files beside this one. */
#include "oci/spec_parse.h"

#include <errno.h>
#include <string.h>

/* 1.MINOR.PATCH with an optional pre-release or build (semver.org). */
static bool is_supported_version(const char *s)
{
        static const char digits[] = "0123456789";
        size_t minor, patch;

        if (strncmp(s, "1.", 2) != 0)
                return false;
        s += 2;
        minor = strspn(s, digits);
        if (!minor || s[minor] != '.')
                return false;
        s += minor + 1;
        patch = strspn(s, digits);
        s += patch;
        if (!patch || (*s && *s != '-' && *s != '+'))
                return false;
        return !*s ||
               (s[1] && !s[1 + strspn(s + 1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.+-")]);
}

static int version_read(struct json_object *o, const char **ret, struct error *err)
{
        const char *s = NULL;

        if (read_required(o, "ociVersion", &s, err) < 0)
                return -err->code;
        if (!is_supported_version(s))
                return error_set(err, EINVAL, "ociVersion: \"%s\" is not supported, only 1.x.y", s);
        *ret = s;
        return 0;
}

static int root_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec *s = ret;

        if (read_required(o, "path", &s->root_path, err) < 0)
                return -err->code;
        return read_bool(o, "readonly", &s->root_readonly, err);
}

static int spec_read(struct spec *s, struct error *err)
{
        struct json_object *o = s->json;
        struct arena *a = &s->arena;

        if (version_read(o, &s->oci_version, err) < 0 ||
            read_new(a, o, "process", process_read, sizeof *s->process, &s->process, err) < 0 ||
            read_object(a, o, "root", root_read, s, err) < 0 || read_string(o, "hostname", &s->hostname, err) < 0 ||
            read_string(o, "domainname", &s->domainname, err) < 0 ||
            read_objects(a, o, "mounts", mount_read, sizeof *s->mounts, &s->mounts, &s->n_mounts, err) < 0 ||
            read_object(a, o, "hooks", hooks_read, &s->hooks, err) < 0 ||
            read_str_map(a, o, "annotations", &s->annotations, err) < 0 ||
            read_object(a, o, "linux", linux_read, &s->linux_, err) < 0)
                return -err->code;
        return spec_check(s, err);
}

static int process_alone_read(struct spec *s, struct error *err)
{
        s->process = arena_alloc(&s->arena, 1, sizeof *s->process);
        return s->process ? process_read(&s->arena, s->json, s->process, err) : no_memory(err);
}

static int resources_alone_read(struct spec *s, struct error *err)
{
        s->linux_.has_resources = true;
        return resources_read(&s->arena, s->json, &s->linux_.resources, err);
}

static int parse(const char *text, size_t len, struct spec *ret, int (*read)(struct spec *s, struct error *err),
                 struct error *err)
{
        struct error unwanted;
        own_spec struct spec s = {};

        if (!err)
                err = &unwanted; /* the readers look into it */
        if (json_parse(text, len, &s.json, err) < 0)
                return -err->code;
        if (!json_is_object(s.json))
                return error_set(err, EINVAL, "the document is not an object");
        if (read(&s, err) < 0)
                return -err->code;
        *ret = s;
        s = (struct spec){};
        return 0;
}

int spec_parse(const char *text, size_t len, struct spec *ret, struct error *err)
{
        *ret = (struct spec){};
        return parse(text, len, ret, spec_read, err);
}

int spec_parse_process(const char *text, size_t len, struct spec *owner, struct error *err)
{
        return parse(text, len, owner, process_alone_read, err);
}

int spec_parse_resources(const char *text, size_t len, struct spec *owner, struct error *err)
{
        return parse(text, len, owner, resources_alone_read, err);
}

void spec_finish(struct spec *s)
{
        arena_finish(&s->arena);
        json_put(s->json);
        *s = (struct spec){};
}

const struct spec_namespace *spec_namespace(const struct spec *s, int type)
{
        for (size_t i = 0; i < s->linux_.n_namespaces; i++) {
                if (s->linux_.namespaces[i].type == type)
                        return &s->linux_.namespaces[i];
        }
        return NULL;
}

const char *spec_annotation(const struct spec *s, const char *key)
{
        for (size_t i = 0; i < s->annotations.n; i++) {
                if (strcmp(s->annotations.v[i].key, key) == 0)
                        return s->annotations.v[i].value;
        }
        return NULL;
}
