/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/transfer_service.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/grow.h"
#include "base/own.h"
#include "registry/auth_file.h"
#include "registry/image_digest.h"
#include "sys/fd.h"

typedef int answer_function(struct transfer_service *s, struct json_object *q, const int *fds,
                            struct service_reply *reply, struct error *err);

void transfer_debug(const struct transfer *t, const char *format, ...)
{
        char text[1000];
        va_list args;

        if (!t->debug)
                return;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        t->debug(t->userdata, text);
}

static int need_string(struct json_object *q, const char *key, const char **ret, struct error *err)
{
        int r = json_get_string(q, key, ret, err);

        return r == 0 ? error_set(err, EBADMSG, "%s: missing", key) : r < 0 ? r : 0;
}

static int need_digest(struct json_object *q, const char *key, struct digest *ret, struct error *err)
{
        const char *text = NULL;
        int r = need_string(q, key, &text, err);

        return r < 0 ? r : digest_parse(text, ret, err);
}

/* The layer stays until the job's end: whoever was told that it is there counts on it. */
static int pin(struct transfer_service *s, int fd, struct error *err)
{
        if (array_grow(&s->pins, &s->cap_pins, s->n_pins + 1, sizeof *s->pins) < 0) {
                close(fd);
                return error_set(err, ENOMEM, "out of memory");
        }
        s->pins[s->n_pins++] = fd;
        return 0;
}

static int new_file(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                    struct error *err)
{
        int fd = store_new_file(s->transfer->store, err);

        if (fd < 0)
                return fd;
        reply->fds[reply->n_fds++] = fd;
        return 0;
}

static int has_layer(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                     struct error *err)
{
        struct digest diff_id = {};
        int r = need_digest(q, "diff_id", &diff_id, err);

        if (r < 0)
                return r;
        r = store_layer_open(s->transfer->store, &diff_id, NULL, NULL, err);
        if (r < 0 && r != -ENOENT)
                return r;
        json_write_bool(&reply->w, "has", r >= 0);
        return r >= 0 ? pin(s, r, err) : 0;
}

static int open_layer(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                      struct error *err)
{
        struct layer_info info = {};
        struct digest diff_id = {};
        int recipe = -1, r = need_digest(q, "diff_id", &diff_id, err);

        if (r == 0)
                r = store_layer_open(s->transfer->store, &diff_id, &info, &recipe, err);
        if (r < 0)
                return r;
        reply->fds[reply->n_fds++] = r;
        if (recipe < 0)
                return error_set(err, ENOENT, "layer %s has no recipe to make its archive again", diff_id.text);
        reply->fds[reply->n_fds++] = recipe;
        json_write_u64(&reply->w, "tar_size", info.tar_size);
        return 0;
}

static int memory_file(const struct buf *content, struct error *err)
{
        own_fd int fd = memfd_create("blob", MFD_CLOEXEC);
        int r = fd < 0 ? -errno : fd_write_all(fd, buf_str(content), content->len);

        if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
                r = -errno;
        return r < 0 ? error_errno(err, -r, "make a file in memory") : take_fd(&fd);
}

static int read_blob(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                     struct error *err)
{
        own_buf struct buf content = {};
        struct digest digest = {};
        int r = need_digest(q, "digest", &digest, err);

        if (r < 0)
                return r;
        r = store_blob_read(s->transfer->store, &digest, &content, err);
        if (r < 0 && r != -ENOENT)
                return r;
        json_write_bool(&reply->w, "has", r >= 0);
        if (r < 0)
                return 0;
        r = memory_file(&content, err);
        if (r >= 0)
                reply->fds[reply->n_fds++] = r;
        return r < 0 ? r : 0;
}

struct blob_list {
        struct json_writer *w;
        size_t n;
};

static int list_blob(void *userdata, const struct layer_blob *b)
{
        struct blob_list *list = userdata;

        json_begin_object(list->w, NULL);
        json_write_string(list->w, "digest", b->digest.text);
        json_write_u64(list->w, "size", b->size);
        json_write_u64(list->w, "compression", b->compression);
        json_write_bool(list->w, "ours", b->ours);
        json_write_string(list->w, "source", b->source);
        json_end_object(list->w);
        return ++list->n == TRANSFER_MAX_BLOBS;
}

static int layer_blobs(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                       struct error *err)
{
        struct blob_list list = { .w = &reply->w };
        struct digest diff_id = {};
        int r = need_digest(q, "diff_id", &diff_id, err);

        if (r < 0)
                return r;
        json_begin_array(&reply->w, "blobs");
        r = store_layer_blobs(s->transfer->store, &diff_id, list_blob, &list, err);
        json_end_array(&reply->w);
        return r < 0 ? r : 0;
}

static int add_layer_blob(struct transfer_service *s, struct json_object *q, const int *fds,
                          struct service_reply *reply, struct error *err)
{
        struct layer_blob b = {};
        uint64_t compression = 0;
        const char *source = "";
        int r = need_digest(q, "diff_id", &b.diff_id, err);

        if (r == 0)
                r = need_digest(q, "digest", &b.digest, err);
        if (r >= 0)
                r = json_get_u64(q, "size", &b.size, err);
        if (r >= 0)
                r = json_get_u64(q, "compression", &compression, err);
        if (r >= 0)
                r = json_get_bool(q, "ours", &b.ours, err);
        if (r >= 0)
                r = json_get_string(q, "source", &source, err);
        if (r < 0)
                return r;
        if (compression > COMPRESSION_XZ || strlen(source) >= sizeof b.source || b.size > INT64_MAX)
                return error_set(err, EBADMSG, "a layer's blob that cannot be");
        b.compression = (enum compression)compression;
        memcpy(b.source, source, strlen(source) + 1);
        return store_layer_blob_add(s->transfer->store, &b, err);
}

static int add_layer(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                     struct error *err)
{
        struct layer_info info = {};
        int r = need_digest(q, "diff_id", &info.diff_id, err);

        if (r == 0)
                r = json_get_u64(q, "tar_size", &info.tar_size, err);
        if (r >= 0 && info.tar_size > INT64_MAX)
                r = error_set(err, EBADMSG, "tar_size: too large");
        if (r >= 0)
                r = store_layer_add(s->transfer->store, &info, fds[0], fds[1], err);
        return r < 0 ? r : pin(s, r, err);
}

static int add_blob(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                    struct error *err)
{
        const char *media_type = "";
        struct digest digest = {};
        int r = need_digest(q, "digest", &digest, err);

        if (r == 0)
                r = need_string(q, "media_type", &media_type, err);
        return r < 0 ? r : store_blob_add(s->transfer->store, &digest, media_type, fds[0], err);
}

static int add_image(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                     struct error *err)
{
        struct digest manifest = {};
        struct reference name;
        const char *text = NULL;
        int r = need_digest(q, "manifest", &manifest, err);

        if (r == 0 && json_get_string(q, "name", &text, err) < 0)
                r = -err->code;
        if (r == 0)
                r = transfer_limits_name(&s->limits, text, err);
        if (r == 0 && text)
                r = reference_parse(text, &name, err);
        if (r == 0 && text && *name.digest.text)
                r = image_digest_check(s->transfer->store, &name.digest, &manifest, err);
        return r < 0 ? r : store_image_add(s->transfer->store, &manifest, text ? &name : NULL, err);
}

static int credentials(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                       struct error *err)
{
        const struct transfer *t = s->transfer;
        const char *registry = NULL, *repository = "";
        own_auth struct auth auth = {};
        int r = need_string(q, "registry", &registry, err);

        if (r == 0)
                r = need_string(q, "repository", &repository, err);
        if (r == 0)
                r = transfer_limits_place(&s->limits, registry, err);
        if (r < 0)
                return r;
        r = t->username ? 0 : auth_find(t->auth_file, registry, repository, &auth, err);
        if (r < 0)
                return r;
        transfer_debug(t, "credentials for %s: %s", registry,
                       t->username   ? "those that were given"
                       : auth.source ? auth.source
                                     : "none");
        json_write_string(&reply->w, "username", t->username ? t->username : auth.username ? auth.username : "");
        json_write_string(&reply->w, "password", t->username ? t->password : auth.password ? auth.password : "");
        json_write_string(&reply->w, "identity_token", auth.identity_token ? auth.identity_token : "");
        return 0;
}

/* The reference that the request means: a tag, a digest or (for a repository as a whole) neither. */
static int endpoint_reference(struct json_object *q, struct reference *ret, struct error *err)
{
        const char *registry = NULL, *repository = NULL, *tag = "";
        own_buf struct buf text = {};
        int r = need_string(q, "registry", &registry, err);

        if (r == 0)
                r = need_string(q, "repository", &repository, err);
        if (r == 0)
                r = need_string(q, "tag", &tag, err);
        if (r < 0)
                return r;
        buf_addf(&text, "%s/%s%s%s", registry, repository, strchr(tag, ':') ? "@" : *tag ? ":" : "", tag);
        return reference_parse(buf_str(&text), ret, err);
}

static int load_registries(struct transfer_service *s, struct error *err)
{
        int r = registries_load(&s->registries, err);

        if (r == 0)
                transfer_debug(s->transfer, "read %s", registries_files(s->registries));
        return r;
}

static int endpoints(struct transfer_service *s, struct json_object *q, const int *fds, struct service_reply *reply,
                     struct error *err)
{
        const char *verify = s->transfer->tls_verify;
        struct endpoint *list = NULL;
        struct reference ref;
        bool push = false;
        int r = endpoint_reference(q, &ref, err);

        if (r == 0)
                r = transfer_limits_registry(&s->limits, ref.registry, err);
        if (r == 0 && json_get_bool(q, "push", &push, err) < 0)
                r = -err->code;
        if (r == 0 && !s->registries)
                r = load_registries(s, err);
        if (r == 0)
                r = registries_endpoints(s->registries, &ref, push, &list, err);
        for (const struct endpoint *e = list; r == 0 && e && e->registry; e++)
                r = transfer_limits_add_place(&s->limits, e->registry, err);
        if (r < 0) {
                endpoints_free(list);
                return r;
        }
        json_begin_array(&reply->w, "endpoints");
        for (const struct endpoint *e = list; e && e->registry; e++) {
                transfer_debug(s->transfer, "%s/%s may be had at %s/%s", ref.registry, ref.repository, e->registry,
                               e->repository);
                json_begin_object(&reply->w, NULL);
                json_write_string(&reply->w, "registry", e->registry);
                json_write_string(&reply->w, "repository", e->repository);
                json_write_bool(&reply->w, "insecure", verify ? strcmp(verify, "false") == 0 : e->insecure);
                json_end_object(&reply->w);
        }
        json_end_array(&reply->w);
        endpoints_free(list);
        return 0;
}

int transfer_answer(struct transfer_service *s, struct json_object *request, const int *fds, size_t n_fds,
                    struct service_reply *reply, struct error *err)
{
        enum { TAKES = JOB_PULL | JOB_LOAD | JOB_IMPORT, GIVES = JOB_PUSH | JOB_SAVE | JOB_VERIFY };
        enum { MEETS = JOB_PULL | JOB_PUSH | JOB_LOGIN | JOB_SEARCH };
        static const struct {
                const char *name;
                answer_function *answer;
                size_t n_fds;
                int jobs; /* that may ask so */
        } asks[] = {
                { "new-file", new_file, 0, TAKES | JOB_LAYER | JOB_PUSH | JOB_SAVE },
                { "has-layer", has_layer, 0, TAKES },
                { "open-layer", open_layer, 0, GIVES },
                { "read-blob", read_blob, 0, GIVES },
                { "layer-blobs", layer_blobs, 0, GIVES },
                { "add-layer-blob", add_layer_blob, 0, TAKES | JOB_PUSH },
                { "add-layer", add_layer, 2, TAKES | JOB_LAYER },
                { "add-blob", add_blob, 1, TAKES | JOB_PUSH },
                { "add-image", add_image, 0, TAKES | JOB_PUSH },
                { "credentials", credentials, 0, MEETS },
                { "endpoints", endpoints, 0, MEETS },
        };
        const char *name = NULL;
        int r = need_string(request, "ask", &name, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
                if (strcmp(name, asks[i].name) != 0)
                        continue;
                if (!(asks[i].jobs & s->limits.job))
                        return error_set(err, EPERM, "%s: the job has no need of it", name);
                if (n_fds < asks[i].n_fds)
                        return error_set(err, EBADMSG, "%s: a descriptor is missing", name);
                return asks[i].answer(s, request, fds, reply, err);
        }
        return error_set(err, EBADMSG, "%.50s: unknown request", name);
}

void transfer_service_finish(struct transfer_service *s)
{
        for (size_t i = 0; i < s->n_pins; i++)
                close(s->pins[i]);
        free(s->pins);
        registries_free(s->registries);
        transfer_limits_finish(&s->limits);
        *s = (struct transfer_service){};
}
