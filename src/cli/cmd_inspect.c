/* SPDX-License-Identifier: Apache-2.0 */
/* Instances, and images where there is no instance of that name. */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/image_inspect.h"
#include "cli/inspect.h"
#include "cli/instance_inspect.h"
#include "cli/instance_select.h"

struct inspection {
        struct engine e;
        bool instances, images; /* what may be meant */
};

static int write_one(void *userdata, const char *name, struct json_writer *w, struct error *err)
{
        struct inspection *n = userdata;
        own_instance struct instance *i = NULL;
        struct store *store;
        int r = n->instances ? instance_find(&n->e, name, &i, err) : -ENOENT;

        if (r == 0)
                instance_inspect(&n->e, i, w);
        if (r != -ENOENT || !n->images)
                return r;
        r = engine_store(&n->e, &store, err);
        if (r == 0)
                r = image_inspect(store, name, w, err);
        return r == -ENOENT && n->instances ? error_set(err, ENOENT, "no such instance or image: %s", name) : r;
}

int cmd_inspect(struct invocation *inv, struct error *err)
{
        static const char *const types[] = { "container", "image", NULL };
        const char *type = args_str(&inv->args, OPTION_TYPE);
        struct inspection n = {};
        int r = check_choice("type", type, types, err);

        n.instances = !type || strcmp(type, "container") == 0;
        n.images = !type || strcmp(type, "image") == 0;
        if (strncmp(inv->args.command->name, "container", 9) == 0)
                n.images = false;
        if (r == 0)
                r = invocation_engine(inv, &n.e, err);
        if (r == 0)
                r = inspect_operands(inv, write_one, &n, err);
        engine_close(&n.e);
        return r;
}
