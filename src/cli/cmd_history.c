/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "base/rfc3339.h"
#include "cli/format.h"
#include "cli/human.h"
#include "cli/image_lookup.h"
#include "cli/text_line.h"

enum { CREATED_BY_WIDTH = 45 };

static const struct format_field fields[] = {
        { "ID", "IMAGE" },
        { "CreatedAt", "CREATED AT" },
        { "CreatedSince", "CREATED" },
        { "CreatedBy", "CREATED BY" },
        { "Size", "SIZE" },
        { "Comment", "COMMENT" },
        {},
};

struct history {
        struct store *store;
        const struct image_info *info;
        struct format format;
        bool whole, exact; /* --no-trunc, --human=false */
        struct error *err;
};

static void write_times(const struct history *h, struct json_writer *w, const char *created)
{
        char since[HUMAN_TIME_MAX + 8] = "N/A", duration[HUMAN_TIME_MAX];
        int64_t t;

        if (rfc3339_parse(created, &t) == 0) {
                human_duration(time(NULL) - t, duration);
                snprintf(since, sizeof since, "%s ago", duration);
        }
        json_write_string(w, "CreatedAt", *created ? created : "N/A");
        json_write_string(w, "CreatedSince", h->exact ? created : since);
}

static int add_row(struct history *h, const struct image_history *entry, uint64_t size, bool newest)
{
        own_buf struct buf row = {}, by = {}, comment = {};
        struct json_writer w = { .out = &row };
        char text[HUMAN_SIZE_MAX], id[sizeof(struct digest)];

        if (h->exact)
                snprintf(text, sizeof text, "%" PRIu64, size);
        else
                human_size(size, 3, text);
        text_add_line(&by, entry->created_by, h->whole ? 0 : CREATED_BY_WIDTH);
        text_add_line(&comment, entry->comment, 0);
        json_begin_object(&w, NULL);
        json_write_string(&w, "ID", newest ? image_id_text(&h->info->id, h->whole, id) : "<missing>");
        write_times(h, &w, entry->created);
        json_write_string(&w, "CreatedBy", buf_str(&by));
        json_write_string(&w, "Size", text);
        json_write_string(&w, "Comment", buf_str(&comment));
        json_end_object(&w);
        return format_add(&h->format, &row, h->err);
}

static int layer_size(struct store *s, const struct digest *diff_id, uint64_t *ret, struct error *err)
{
        struct layer_info info;
        int fd = store_layer_open(s, diff_id, &info, NULL, err);

        if (fd < 0)
                return fd;
        close(fd);
        *ret = info.tar_size;
        return 0;
}

/* Newest first. An image that tells no history shows its layers. */
static int add_rows(struct history *h, const struct image_config *config)
{
        static const struct image_history unknown = { .created = "", .created_by = "", .author = "", .comment = "" };
        size_t layer = config->n_diff_ids, n = config->n_history ? config->n_history : config->n_diff_ids;
        int r = 0;

        for (size_t i = n; r == 0 && i-- > 0;) {
                const struct image_history *entry = config->n_history ? &config->history[i] : &unknown;
                uint64_t size = 0;

                if (!entry->empty_layer && layer > 0)
                        r = layer_size(h->store, &config->diff_ids[--layer], &size, h->err);
                if (r == 0)
                        r = add_row(h, entry, size, i + 1 == n);
        }
        return r;
}

static int show(struct history *h, const struct args *args, struct error *err)
{
        own_image_config struct image_config config = {};
        bool quiet = args_flag(args, OPTION_QUIET);
        own_buf struct buf out = {};
        int r = image_config_load(h->store, &h->info->id, &config, err);

        if (r < 0)
                return r;
        r = format_open(&h->format, quiet ? NULL : args_str(args, OPTION_FORMAT),
                        quiet ? "{{.ID}}" : "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
                        fields, quiet, err);
        if (r == 0)
                r = add_rows(h, &config);
        if (r == 0)
                r = format_write(&h->format, &out, err);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_history(struct invocation *inv, struct error *err)
{
        own_mem struct image_info *info = NULL;
        own_store struct store *store = NULL;
        struct history h = {
                .whole = args_flag(&inv->args, OPTION_NO_TRUNC),
                .exact = args_has(&inv->args, OPTION_HUMAN) && !args_flag(&inv->args, OPTION_HUMAN),
                .err = err,
        };
        int r = invocation_store(inv, &store, err);

        if (r == 0)
                r = image_find(store, inv->args.operands[0], &info, err);
        h.store = store;
        h.info = info;
        if (r == 0)
                r = show(&h, &inv->args, err);
        format_finish(&h.format);
        return r;
}
