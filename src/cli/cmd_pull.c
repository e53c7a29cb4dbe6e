/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/image_lookup.h"
#include "cli/mover.h"
#include "registry/registries_conf.h"

enum policy { POLICY_ALWAYS, POLICY_MISSING, POLICY_NEWER, POLICY_NEVER };

struct pull {
        const struct args *args;
        struct store *store;
        struct mover mover;
        struct registries *registries;
        enum policy policy;
        bool all_tags, quiet;
};

static int read_policy(const char *text, enum policy *ret, struct error *err)
{
        static const char *const names[] = { "always", "missing", "newer", "never", NULL };
        int r = check_choice("policy", text, names, err);

        for (size_t i = 0; r == 0 && text && names[i]; i++)
                if (strcmp(text, names[i]) == 0)
                        *ret = (enum policy)i;
        return r;
}

/* The manifest that the name has here, or "". */
static void find_manifest(struct store *s, const char *name, struct digest *ret)
{
        own_mem struct image_info *info = NULL;

        *ret = (struct digest){};
        if (store_image_find(s, name, &info, NULL) == 0)
                *ret = info->manifest;
}

/* "Digest: ...", "Status: ..." and the name, as Docker ends; -q leaves the name alone. */
static int report(const struct pull *p, const char *name, const struct digest *before, struct error *err)
{
        own_buf struct buf out = {}, short_name = {};
        struct digest now = {};

        find_manifest(p->store, name, &now);
        image_add_short_name(&short_name, name);
        if (!p->quiet) {
                buf_addf(&out, "Digest: %s\n", now.text);
                buf_addf(&out, "Status: %s for %s\n",
                         digest_equal(before, &now) ? "Image is up to date" : "Downloaded newer image",
                         buf_str(&short_name));
        }
        buf_addf(&out, "%s\n", name);
        return output_write(&out, err);
}

static void write_parameters(const struct pull *p, const char *name, struct buf *out)
{
        const char *platform = args_str(p->args, OPTION_PLATFORM);
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        json_write_string(&w, "reference", name);
        if (!p->all_tags)
                json_write_string(&w, "name", name);
        if (platform)
                json_write_string(&w, "platform", platform);
        json_write_bool(&w, "all_tags", p->all_tags);
        json_end_object(&w);
}

/* One place: `ref` is qualified. */
static int pull_from(struct pull *p, const struct reference *ref, struct error *err)
{
        own_buf struct buf name = {}, parameters = {};
        struct digest before;
        int r;

        if (p->all_tags)
                reference_add_name(&name, ref);
        else
                reference_add(&name, ref);
        write_parameters(p, buf_str(&name), &parameters);
        find_manifest(p->store, buf_str(&name), &before);
        r = mover_run(&p->mover, "pull", &parameters, -1, NULL, NULL, err);
        if (r < 0)
                return error_wrap(err, "%s", buf_str(&name));
        if (p->all_tags) {
                buf_add_str(&name, "\n");
                return output_write(&name, err);
        }
        return report(p, buf_str(&name), &before, err);
}

/* A short name may mean several places: the first that has it counts. What the others said is told only if none has. */
static int pull_candidates(struct pull *p, const struct reference *ref, struct error *err)
{
        own_mem struct reference *places = NULL;
        struct error failure = {};
        own_buf struct buf all = {};
        int n = registries_candidates(p->registries, ref, &places, err), r = -ENOENT;

        if (n < 0)
                return n;
        for (int i = 0; r < 0 && i < n; i++) {
                r = pull_from(p, &places[i], &failure);
                if (r < 0)
                        buf_addf(&all, "%s%s", i ? "; " : "", failure.text);
        }
        return r < 0 ? error_set(err, -r, "%s", buf_str(&all)) : 0;
}

static int pull_one(struct pull *p, const char *text, struct error *err)
{
        own_mem struct image_info *here = NULL;
        struct reference ref;
        struct error failure = {};
        int r = reference_parse(text, &ref, err);

        if (r < 0)
                return r;
        if (p->all_tags && (ref.tagged || *ref.digest.text))
                return error_set(err, EINVAL, "%s: a tag cannot be named with --all-tags", text);
        if (p->policy != POLICY_ALWAYS) {
                r = store_image_find(p->store, text, &here, err);
                if (r < 0 && (r != -ENOENT || p->policy == POLICY_NEVER))
                        return r;
        }
        if (here && p->policy != POLICY_NEWER) {
                own_buf struct buf out = {};

                buf_addf(&out, "%s\n", here->names[0] ? here->names[0] : here->id.text);
                return output_write(&out, err);
        }
        r = pull_candidates(p, &ref, &failure);
        if (r < 0 && !here) {
                *err = failure;
                return r;
        }
        if (r < 0)
                report_warning(failure.text);
        return 0;
}

static int pull_all(struct pull *p, struct error *err)
{
        int r = registries_load(&p->registries, err);

        for (unsigned i = 0; r == 0 && i < p->args->n_operands; i++)
                r = pull_one(p, p->args->operands[i], err);
        return r;
}

int cmd_pull(struct invocation *inv, struct error *err)
{
        own_store struct store *store = NULL;
        struct pull p = {
                .args = &inv->args,
                .all_tags = args_flag(&inv->args, OPTION_ALL_TAGS),
                .quiet = args_flag(&inv->args, OPTION_QUIET),
        };
        int r = read_policy(args_str(&inv->args, OPTION_POLICY), &p.policy, err);

        if (r == 0)
                r = invocation_store(inv, &store, err);
        if (r == 0)
                r = mover_open(&p.mover, inv, store, "downloading", err);
        p.store = store;
        if (r == 0)
                r = pull_all(&p, err);
        mover_finish(&p.mover);
        registries_free(p.registries);
        return r;
}
