/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/image_event.h"
#include "cli/mover.h"

struct push {
        const struct args *args;
        struct store *store;
        struct mover mover;
        char tag[sizeof(struct digest)]; /* of what is being pushed, or its digest */
        bool quiet;
};

/* "12: digest: sha256:... size: 1234" */
static int on_result(void *userdata, struct json_object *result)
{
        const struct push *p = userdata;
        const char *digest = "";
        own_buf struct buf out = {};
        uint64_t size = 0;

        if (json_get_string(result, "digest", &digest, NULL) < 0 || json_get_u64(result, "size", &size, NULL) < 0)
                return -1;
        if (!p->quiet)
                buf_addf(&out, "%s: digest: %s size: %llu\n", p->tag, digest, (unsigned long long)size);
        return output_write(&out, NULL) < 0 ? -1 : 0;
}

static int write_parameters(const struct push *p, const struct image_info *info, const char *to, struct buf *out,
                            struct error *err)
{
        static const char *const kinds[] = { "gzip", "zstd", NULL };
        const char *compression = args_str(p->args, OPTION_COMPRESSION);
        struct json_writer w = { .out = out };
        int64_t chunk = 0, level = 0;
        int r = check_choice("compression", compression, kinds, err), has_level = 0, has_chunk = 0;

        if (r == 0)
                r = has_level = args_i64(p->args, OPTION_COMPRESSION_LEVEL, &level, err);
        if (r >= 0)
                r = has_chunk = args_size(p->args, OPTION_CHUNK_SIZE, &chunk, err);
        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        json_write_string(&w, "reference", to);
        json_write_string(&w, "manifest", info->manifest.text);
        if (compression)
                json_write_string(&w, "compression", compression);
        if (has_level)
                json_write_i64(&w, "level", level);
        if (has_chunk && chunk > 0)
                json_write_i64(&w, "chunk_size", chunk);
        json_end_object(&w);
        return 0;
}

static int push_one(struct push *p, const struct image_info *info, const struct reference *to, struct error *err)
{
        own_buf struct buf name = {}, parameters = {};
        int r;

        reference_add(&name, to);
        snprintf(p->tag, sizeof p->tag, "%s", *to->tag ? to->tag : to->digest.text);
        r = write_parameters(p, info, buf_str(&name), &parameters, err);
        if (r < 0)
                return r;
        r = mover_run(&p->mover, "push", &parameters, -1, on_result, p, err);
        if (r < 0)
                return error_wrap(err, "%s", buf_str(&name));
        image_tell_name(p->store, "push", buf_str(&name));
        if (!p->quiet)
                return 0;
        buf_add_str(&name, "\n");
        return output_write(&name, err);
}

/* Every tag of the repository. */
static int push_tags(struct push *p, const struct reference *to, struct error *err)
{
        own_image_list struct image_list all = {};
        int r = image_list_all(p->store, &all, err);
        bool any = false;

        for (size_t i = 0; r == 0 && i < all.n; i++) {
                for (const char *const *name = all.items[i]->names; r == 0 && *name; name++) {
                        struct reference ref;

                        if (reference_parse(*name, &ref, NULL) < 0 || strcmp(ref.registry, to->registry) != 0 ||
                            strcmp(ref.repository, to->repository) != 0)
                                continue;
                        any = true;
                        r = push_one(p, all.items[i], &ref, err);
                }
        }
        return r < 0 || any ? r : error_set(err, ENOENT, "no such image: %s", p->args->operands[0]);
}

static int push(struct push *p, struct error *err)
{
        own_mem struct image_info *info = NULL;
        const char *from = p->args->operands[0], *destination = p->args->operands[1];
        struct reference to, found;
        int r = reference_parse(destination ? destination : from, &to, err);

        if (r < 0)
                return r;
        if (args_flag(p->args, OPTION_ALL_TAGS)) {
                if (to.tagged || destination)
                        return error_set(err, EMISUSED, "a tag or a destination cannot be named with --all-tags");
                return push_tags(p, &to, err);
        }
        r = image_find_named(p->store, from, &info, &found, err);
        if (r < 0)
                return r;
        /* A short name may stand for another registry than Docker's. */
        return push_one(p, info, destination || !*found.registry ? &to : &found, err);
}

int cmd_push(struct invocation *inv, struct error *err)
{
        own_store struct store *store = NULL;
        struct push p = { .args = &inv->args, .quiet = args_flag(&inv->args, OPTION_QUIET) };
        int r = invocation_store(inv, &store, err);

        if (r == 0)
                r = mover_open(&p.mover, inv, store, "uploading", err);
        p.store = store;
        if (r == 0)
                r = push(&p, err);
        mover_finish(&p.mover);
        return r;
}
