/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_pull.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/image_event.h"

int pull_policy_parse(const char *option, const char *text, bool knows_newer, enum pull_policy *ret, struct error *err)
{
        static const char *const names[] = { "always", "missing", "newer", "never", NULL };
        static const char *const fewer[] = { "always", "missing", "never", NULL };
        int r = check_choice(option, text, knows_newer ? names : fewer, err);

        for (size_t i = 0; r == 0 && text && names[i]; i++)
                if (strcmp(text, names[i]) == 0)
                        *ret = (enum pull_policy)i;
        return r;
}

int image_pull_open(struct image_pull *p, const struct invocation *inv, struct store *store, struct error *err)
{
        *p = (struct image_pull){ .store = store, .platform = args_str(&inv->args, OPTION_PLATFORM) };
        return mover_open(&p->mover, inv, store, "downloading", err);
}

void image_pull_finish(struct image_pull *p)
{
        mover_finish(&p->mover);
        registries_free(p->registries);
}

void pulled_image_finish(struct pulled_image *i)
{
        free(i->info);
        buf_finish(&i->name);
}

void pulled_image_add_status(const struct pulled_image *i, struct buf *out)
{
        buf_addf(out, "Digest: %s\nStatus: %s for ", i->digest.text,
                 i->is_new ? "Downloaded newer image" : "Image is up to date");
        image_add_short_name(out, buf_str(&i->name));
        buf_add_str(out, "\n");
}

/* --- what is here --- */

static int check_platform(const struct image_pull *p, const char *name, const struct image_info *info,
                          struct error *err)
{
        const struct platform *have = &info->platform;
        struct platform want;
        char text[128];
        int r = p->platform ? platform_parse(p->platform, text, &want, err) : 0;

        if (r < 0 || !p->platform || platform_fits(have, &want))
                return r;
        return error_set(err, ENOENT, "the image %s that is here is for %s/%s%s%s", name, have->os, have->architecture,
                         *have->variant ? "/" : "", have->variant);
}

/* An image that is here but for another platform is not the one that is wanted. */
static int find_here(const struct image_pull *p, const char *name, struct image_info **ret, struct error *err)
{
        own_mem struct image_info *info = NULL;
        int r = image_find(p->store, name, &info, err);

        if (r == 0)
                r = check_platform(p, name, info, err);
        if (r == 0)
                *ret = take_ptr(info);
        return r;
}

/* Takes over *info. */
static int take_here(struct image_info **info_, struct pulled_image *ret, struct error *err)
{
        struct image_info *info = ret->info = take_ptr(*info_);

        buf_finish(&ret->name);
        buf_add_str(&ret->name, info->names[0] ? info->names[0] : info->id.text);
        return buf_failed(&ret->name) ? error_set(err, ENOMEM, "out of memory") : 0;
}

/* --- what a registry has --- */

static int on_result(void *userdata, struct json_object *result)
{
        struct image_pull *p = userdata;
        const char *digest = NULL;

        return json_get_string(result, "digest", &digest, NULL) == 1 ? digest_parse(digest, &p->told, NULL) : -1;
}

static void write_parameters(const struct image_pull *p, const char *name, struct buf *out)
{
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        json_write_string(&w, "reference", name);
        if (!p->all_tags)
                json_write_string(&w, "name", name);
        if (p->platform)
                json_write_string(&w, "platform", p->platform);
        json_write_bool(&w, "all_tags", p->all_tags);
        json_end_object(&w);
}

/* One place: `ref` is qualified. */
static int pull_from(struct image_pull *p, const struct reference *ref, struct pulled_image *ret, struct error *err)
{
        own_mem struct image_info *before = NULL;
        own_buf struct buf parameters = {};
        const char *name;
        int r;

        buf_finish(&ret->name);
        if (p->all_tags)
                reference_add_name(&ret->name, ref);
        else
                reference_add(&ret->name, ref);
        if (buf_failed(&ret->name))
                return error_set(err, ENOMEM, "out of memory");
        name = buf_str(&ret->name);
        write_parameters(p, name, &parameters);
        if (!p->all_tags && store_image_find(p->store, name, &before, NULL) < 0)
                before = NULL;
        r = mover_run(&p->mover, "pull", &parameters, -1, on_result, p, err);
        if (r == 0 && !p->all_tags)
                r = store_image_find(p->store, name, &ret->info, err);
        if (r < 0)
                return error_wrap(err, "%s", name);
        image_tell_name(p->store, "pull", name);
        ret->digest = p->told;
        ret->is_new = !before || !ret->info || !digest_equal(&before->manifest, &ret->info->manifest);
        return 0;
}

/* A short name may mean several places: the first that has it counts. What the others said is told only if none has. */
static int pull_candidates(struct image_pull *p, const struct reference *ref, struct pulled_image *ret,
                           struct error *err)
{
        own_mem struct reference *places = NULL;
        struct error failure = {};
        own_buf struct buf all = {};
        int r = p->registries ? 0 : registries_load(&p->registries, err), n;

        if (r < 0)
                return r;
        n = registries_candidates(p->registries, ref, &places, err);
        if (n < 0)
                return n;
        r = -ENOENT;
        for (int i = 0; r < 0 && i < n; i++) {
                r = pull_from(p, &places[i], ret, &failure);
                if (r < 0)
                        buf_addf(&all, "%s%s", i ? "; " : "", failure.text);
        }
        return r < 0 ? error_set(err, -r, "%s", buf_str(&all)) : 0;
}

static int read_reference(const struct image_pull *p, const char *name, struct reference *ret, struct error *err)
{
        int r = reference_parse(name, ret, err);

        if (r == 0 && p->all_tags && (ret->tagged || *ret->digest.text))
                return error_set(err, EMISUSED, "%s: a tag cannot be named with --all-tags", name);
        return r;
}

int image_pull(struct image_pull *p, const char *name, struct pulled_image *ret, struct error *err)
{
        own_mem struct image_info *here = NULL;
        struct reference ref;
        struct error failure = {};
        int r = p->policy == PULL_ALWAYS ? -ENOENT : find_here(p, name, &here, err);

        if (r < 0 && (r != -ENOENT || p->policy == PULL_NEVER))
                return r;
        if (here && p->policy != PULL_NEWER)
                return take_here(&here, ret, err);
        r = read_reference(p, name, &ref, err);
        if (r < 0)
                return r;
        if (p->missing && p->policy == PULL_MISSING)
                p->missing(name);
        r = pull_candidates(p, &ref, ret, &failure);
        if (r < 0 && here) {
                report_warning(failure.text);
                return take_here(&here, ret, err);
        }
        if (r < 0)
                *err = failure;
        return r;
}

static int list_candidates(struct image_pull *p, const char *name, struct buf *places, struct error *err)
{
        own_mem struct reference *found = NULL;
        struct reference ref;
        int n = 0, r = reference_parse(name, &ref, err);

        if (r == 0)
                r = registries_load(&p->registries, err);
        if (r == 0)
                r = n = registries_candidates(p->registries, &ref, &found, err);
        for (int i = 0; i < n; i++) {
                reference_add(places, &found[i]);
                buf_add_str(places, "\n");
        }
        return r < 0 ? r : 0;
}

int image_pull_look(struct image_pull *p, const char *name, struct image_info **ret_here, struct buf *places,
                    struct error *err)
{
        own_mem struct image_info *here = NULL;
        int r = find_here(p, name, &here, err);

        if (r < 0 && (r != -ENOENT || p->policy == PULL_NEVER))
                return r;
        r = here && p->policy != PULL_ALWAYS ? 0 : list_candidates(p, name, places, err);
        if (r == 0)
                *ret_here = take_ptr(here);
        return r;
}
