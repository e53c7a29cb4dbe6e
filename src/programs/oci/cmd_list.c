/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "programs/oci/invocation.h"
#include "programs/oci/owner.h"
#include "cli/table.h"

struct listing {
        bool quiet;
        struct table *table;
        struct json_writer *json; /* NULL: a table or ids */
        struct buf *out;
        struct error *err;
};

static int add_row(struct listing *l, struct container *c, const char *owner, enum container_status status)
{
        char pid[16];

        snprintf(pid, sizeof pid, "%d", status == CONTAINER_STOPPED ? 0 : (int)c->pid);
        return table_add(l->table,
                         (const char *[]){ c->id, pid, container_status_name(status), c->bundle, c->created, owner });
}

static int list_one(struct container *c, void *userdata)
{
        struct listing *l = userdata;
        char owner[OWNER_NAME_MAX];
        enum container_status status;
        int r;

        if (l->quiet) {
                buf_addf(l->out, "%s\n", c->id);
                return 0;
        }
        owner_name(c->owner, owner);
        if (l->json)
                return container_state(c, owner, l->json, l->err);
        r = container_status(c, &status, l->err);
        if (r < 0)
                return r;
        r = add_row(l, c, owner, status);
        return r < 0 ? error_errno(l->err, -r, "list") : 0;
}

/* A root of the user's own choice has to exist; the default one may be missing as long as nothing was created. */
static int check_root(const struct root *root, struct error *err)
{
        struct stat st;

        if (stat(root->path, &st) < 0 && (root->given || errno != ENOENT))
                return error_errno(err, errno, "%s", root->path);
        return 0;
}

int cmd_list(struct invocation *inv, struct error *err)
{
        static const char *const titles[] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        own_table struct table table = { .columns = 6, .min_width = 12, .gap = 3 };
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out };
        struct listing l = { .table = &table, .out = &out, .err = err };
        int r, q;

        l.quiet = args_flag(&inv->args, OPTION_QUIET);
        if (format && strcmp(format, "json") == 0 && !l.quiet)
                l.json = &w;
        else if (format && strcmp(format, "table") != 0 && strcmp(format, "json") != 0)
                return error_set(err, EINVAL, "option --format: invalid value \"%s\"", format);
        if (l.json)
                json_begin_array(&w, NULL);
        else if (!l.quiet && table_add(&table, titles) < 0)
                return error_errno(err, ENOMEM, "list");
        r = check_root(&inv->root, err);
        if (r < 0)
                return r;
        r = container_each(inv->root.path, list_one, &l, err);
        /* One container that cannot be read does not hide the others. */
        if (l.json) {
                json_end_array(&w);
                buf_add(&out, "\n", 1);
        } else if (!l.quiet) {
                table_write(&table, &out);
        }
        q = output_write(&out, r < 0 ? NULL : err);
        return r < 0 ? r : q;
}
