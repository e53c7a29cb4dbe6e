/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/format.h"
#include "cli/image_lookup.h"
#include "cli/image_place.h"

static const struct format_field fields[] = {
        { "ID", "IMAGE ID" }, { "Repository", "REPOSITORY" }, { "Tag", "TAG" }, { "Mount", "MOUNTED AT" }, {},
};

static int add_row(struct format *f, const struct image_info *info, const char *path, bool whole, struct error *err)
{
        own_buf struct buf row = {}, repository = {};
        struct json_writer w = { .out = &row };
        char id[sizeof(struct digest)];
        struct reference ref = {};

        if (*info->names && reference_parse(*info->names, &ref, NULL) == 0)
                reference_add_short_name(&repository, &ref);
        json_begin_object(&w, NULL);
        json_write_string(&w, "ID", image_id_text(&info->id, whole, id));
        json_write_string(&w, "Repository", repository.len ? buf_str(&repository) : "<none>");
        json_write_string(&w, "Tag", *ref.tag ? ref.tag : "<none>");
        json_write_string(&w, "Mount", path);
        json_end_object(&w);
        return format_add(f, &row, err);
}

static int list(struct store *s, const struct args *args, struct error *err)
{
        own_image_list struct image_list images = {};
        own_format struct format f = {};
        own_buf struct buf out = {};
        int r = image_list_all(s, &images, err);

        if (r == 0)
                r = format_open(&f, args_str(args, OPTION_FORMAT), "{{.ID}}\t{{.Repository}}\t{{.Tag}}\t{{.Mount}}",
                                fields, false, err);
        for (size_t i = 0; r == 0 && i < images.n; i++) {
                own_mem char *path = NULL;

                r = image_place_find(s, &images.items[i]->id, &path, err);
                if (r == 1)
                        r = add_row(&f, images.items[i], path, args_flag(args, OPTION_NO_TRUNC), err);
        }
        if (r == 0)
                r = format_write(&f, &out, err);
        return r < 0 ? r : output_write(&out, err);
}

static int mount_one(struct store *s, const char *name, struct error *err)
{
        own_mem struct image_info *info = NULL;
        own_mem char *path = NULL;
        own_buf struct buf line = {};
        int r = image_find(s, name, &info, err);

        if (r == 0)
                r = image_place_mount(s, info, &path, err);
        if (r < 0)
                return error_wrap(err, "%s", name);
        buf_addf(&line, "%s\n", path);
        return output_write(&line, err);
}

int cmd_image_mount(struct invocation *inv, struct error *err)
{
        own_store struct store *store = NULL;
        int r = invocation_store(inv, &store, err);

        if (r == 0 && !inv->args.n_operands)
                return list(store, &inv->args, err);
        for (unsigned i = 0; r == 0 && i < inv->args.n_operands; i++)
                r = mount_one(store, inv->args.operands[i], err);
        return r;
}
