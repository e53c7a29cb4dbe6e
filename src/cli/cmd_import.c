/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/image_change.h"
#include "cli/image_event.h"
#include "cli/mover.h"
#include "cli/timestamp.h"

static int on_result(void *store, struct json_object *result)
{
        own_buf struct buf line = {};
        const char *id = "";

        if (json_get_string(result, "id", &id, NULL) < 0)
                return -1;
        image_tell(store, "import", id, id);
        buf_addf(&line, "%s\n", id);
        return output_write(&line, NULL) < 0 ? -1 : 0;
}

/* As image-spec's config.md has it, without what the archive decides. */
static int write_config(const struct args *args, struct json_writer *w, struct error *err)
{
        const char *wanted = args_str(args, OPTION_PLATFORM);
        own_mem const char **changes = NULL;
        own_buf struct buf config = {};
        struct platform platform = platform_host();
        char storage[128], created[TIMESTAMP_MAX];
        int r = wanted ? platform_parse(wanted, storage, &platform, err) : 0;

        if (r == 0)
                r = args_list(args, OPTION_CHANGE, &changes, err);
        if (r == 0)
                r = image_change_config(changes, &config, err);
        if (r < 0)
                return r;
        timestamp_rfc3339(time(NULL), created);
        json_begin_object(w, "config");
        json_write_string(w, "created", created);
        json_write_string(w, "architecture", platform.architecture);
        if (*platform.variant)
                json_write_string(w, "variant", platform.variant);
        json_write_string(w, "os", platform.os);
        json_write_raw(w, "config", buf_str(&config));
        json_end_object(w);
        return 0;
}

static int write_parameters(const struct args *args, struct buf *out, struct error *err)
{
        const char *message = args_str(args, OPTION_MESSAGE);
        own_buf struct buf name = {}, comment = {};
        struct json_writer w = { .out = out };
        struct reference ref;
        int r = 0;

        json_begin_object(&w, NULL);
        if (args->operands[1]) {
                r = reference_parse(args->operands[1], &ref, err);
                if (r == 0 && *ref.digest.text)
                        r = error_set(err, EINVAL, "%s: a name with a digest cannot be given", args->operands[1]);
                if (r < 0)
                        return r;
                reference_add(&name, &ref);
                json_write_string(&w, "name", buf_str(&name));
        }
        buf_addf(&comment, "Imported from %s", args->operands[0]);
        json_write_string(&w, "comment", message ? message : buf_str(&comment));
        r = write_config(args, &w, err);
        json_end_object(&w);
        return r;
}

int cmd_import(struct invocation *inv, struct error *err)
{
        const char *path = inv->args.operands[0];
        own_store struct store *store = NULL;
        own_buf struct buf parameters = {};
        own_mover struct mover m = {};
        own_fd int fd = -1;
        int r = write_parameters(&inv->args, &parameters, err);

        if (r < 0)
                return r;
        if (strstr(path, "://"))
                return error_set(err, EINVAL, "%s: download it first: only files and standard input are imported",
                                 path);
        if (strcmp(path, "-") != 0) {
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        return error_errno(err, errno, "%s", path);
        }
        r = invocation_store(inv, &store, err);
        if (r == 0)
                r = mover_open(&m, inv, store, "importing", err);
        return r < 0 ? r : mover_run(&m, "import", &parameters, fd < 0 ? STDIN_FILENO : fd, on_result, store, err);
}
