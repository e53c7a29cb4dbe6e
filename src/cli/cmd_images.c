/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/format.h"
#include "cli/human.h"
#include "cli/image_filter.h"
#include "cli/timestamp.h"
#include "instance/instance_image_make.h"

static const struct format_field fields[] = {
        { "Containers", "CONTAINERS" },
        { "CreatedAt", "CREATED AT" },
        { "CreatedSince", "CREATED" },
        { "Digest", "DIGEST" },
        { "ID", "IMAGE ID" },
        { "Repository", "REPOSITORY" },
        { "SharedSize", "SHARED SIZE" },
        { "Size", "SIZE" },
        { "Tag", "TAG" },
        { "UniqueSize", "UNIQUE SIZE" },
        { "VirtualSize", "SIZE" },
        {},
};

struct listing {
        struct store *store;
        bool all; /* also those of snapshots and clones */
        struct format format;
        struct image_filter filter;
        bool whole_ids;
        struct error *err;
};

/* The digest under which the image is known in the repository of the name, or "<none>". That of an index, which is the
 * tag's, goes before the manifest's own. */
static const char *find_digest(const struct image_info *info, const char *name)
{
        const char *found = "<none>";
        struct reference wanted, ref;

        if (reference_parse(name, &wanted, NULL) < 0)
                return found;
        for (const char *const *d = info->digests; *d; d++) {
                if (reference_parse(*d, &ref, NULL) < 0 || strcmp(ref.registry, wanted.registry) != 0 ||
                    strcmp(ref.repository, wanted.repository) != 0)
                        continue;
                found = strchr(*d, '@') + 1;
                if (!digest_equal(&ref.digest, &info->manifest))
                        break;
        }
        return found;
}

static void write_times(struct json_writer *w, int64_t created)
{
        char at[TIMESTAMP_MAX], since[HUMAN_TIME_MAX], text[HUMAN_TIME_MAX + 8];

        timestamp_docker(created, at);
        human_duration(time(NULL) - created, since);
        snprintf(text, sizeof text, "%s ago", since);
        json_write_string(w, "CreatedAt", created ? at : "N/A");
        json_write_string(w, "CreatedSince", created ? text : "N/A");
}

/* name: full, or a name with a digest for an image without a tag, or NULL. */
static int add_row(struct listing *l, const struct image_info *info, const char *name, bool tagged)
{
        own_buf struct buf row = {}, repository = {};
        struct json_writer w = { .out = &row };
        char size[HUMAN_SIZE_MAX], id[sizeof(struct digest)];
        struct reference ref = {};

        if (name && reference_parse(name, &ref, NULL) == 0)
                reference_add_short_name(&repository, &ref);
        human_size(info->size, 3, size);
        json_begin_object(&w, NULL);
        json_write_string(&w, "Containers", "N/A");
        write_times(&w, info->created);
        json_write_string(&w, "Digest", name ? find_digest(info, name) : "<none>");
        json_write_string(&w, "ID", image_id_text(&info->id, l->whole_ids, id));
        json_write_string(&w, "Repository", repository.len ? buf_str(&repository) : "<none>");
        json_write_string(&w, "SharedSize", "N/A");
        json_write_string(&w, "Size", size);
        json_write_string(&w, "Tag", tagged && *ref.tag ? ref.tag : "<none>");
        json_write_string(&w, "UniqueSize", "N/A");
        json_write_string(&w, "VirtualSize", size);
        json_end_object(&w);
        return format_add(&l->format, &row, l->err);
}

/* It was made for a snapshot or a clone, and is shown with them. One that cannot be read is shown as it is. */
static bool is_internal(const struct listing *l, const struct image_info *info)
{
        own_buf struct buf text = {};

        return !*info->names && !l->all && store_blob_read(l->store, &info->id, &text, NULL) == 0 &&
               image_is_internal(buf_str(&text), text.len);
}

static int add_image(void *userdata, const struct image_info *info)
{
        struct listing *l = userdata;
        int r = image_filter_matches(&l->filter, info, l->err);

        if (r <= 0 || is_internal(l, info))
                return r < 0 ? r : 0;
        r = 0;
        for (const char *const *name = info->names; r == 0 && *name; name++)
                if (image_filter_matches_name(&l->filter, *name))
                        r = add_row(l, info, *name, true);
        if (!*info->names && image_filter_matches_name(&l->filter, *info->digests))
                r = add_row(l, info, *info->digests, false);
        return r;
}

static const char *usual_template(const struct args *args)
{
        if (args_flag(args, OPTION_QUIET))
                return "{{.ID}}";
        if (args_flag(args, OPTION_DIGESTS))
                return "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
        return "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
}

static int list(struct listing *l, struct store *store, const struct args *args, struct error *err)
{
        static const char *const known[] = { "dangling", "label", "before", "since", "until", "reference", NULL };
        bool quiet = args_flag(args, OPTION_QUIET);
        own_buf struct buf out = {};
        int r = image_filter_open(&l->filter, store, args, OPTION_FILTER, known, err);

        if (r < 0)
                return r;
        l->filter.pattern = args->operands[0];
        r = format_open(&l->format, quiet ? NULL : args_str(args, OPTION_FORMAT), usual_template(args), fields, quiet,
                        err);
        if (r == 0)
                r = store_images(store, add_image, l, err);
        if (r == 0)
                r = format_write(&l->format, &out, err);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_images(struct invocation *inv, struct error *err)
{
        struct listing l = { .err = err,
                             .all = args_flag(&inv->args, OPTION_ALL),
                             .whole_ids = args_flag(&inv->args, OPTION_NO_TRUNC) };
        own_store struct store *store = NULL;
        int r = invocation_store(inv, &store, err);

        l.store = store;
        if (r == 0)
                r = list(&l, store, &inv->args, err);
        image_filter_finish(&l.filter);
        format_finish(&l.format);
        return r;
}
