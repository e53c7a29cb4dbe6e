/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/image_event.h"
#include "cli/mover.h"

static int on_result(void *store, struct json_object *result)
{
        own_buf struct buf line = {};
        const char *name = NULL, *id = "";

        if (json_get_string(result, "name", &name, NULL) < 0 || json_get_string(result, "id", &id, NULL) < 0)
                return -1;
        image_tell(store, "load", id, id);
        if (name) {
                buf_add_str(&line, "Loaded image: ");
                image_add_short_name(&line, name);
                buf_add_str(&line, "\n");
        } else {
                buf_addf(&line, "Loaded image ID: %s\n", id);
        }
        return output_write(&line, NULL) < 0 ? -1 : 0;
}

int cmd_load(struct invocation *inv, struct error *err)
{
        const char *path = args_str(&inv->args, OPTION_INPUT), *platform = args_str(&inv->args, OPTION_PLATFORM);
        own_store struct store *store = NULL;
        own_buf struct buf parameters = {};
        struct json_writer w = { .out = &parameters };
        own_mover struct mover m = {};
        own_fd int fd = -1;
        int r;

        if (!path && isatty(STDIN_FILENO))
                return error_set(err, EINVAL, "an archive is not typed at a terminal: use -i or redirect");
        if (path) {
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        return error_errno(err, errno, "%s", path);
        }
        json_begin_object(&w, NULL);
        json_write_string(&w, "format", "auto");
        if (platform)
                json_write_string(&w, "platform", platform);
        json_end_object(&w);
        r = invocation_store(inv, &store, err);
        if (r == 0)
                r = mover_open(&m, inv, store, "loading", err);
        return r < 0 ? r : mover_run(&m, "load", &parameters, path ? fd : STDIN_FILENO, on_result, store, err);
}
