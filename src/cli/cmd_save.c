/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/image_event.h"
#include "cli/mover.h"
#include "cli/output_file.h"

/* The name under which the image was asked for: all for one asked for by id or digest. */
static void write_names(struct json_writer *w, const struct image_info *info, const struct reference *asked)
{
        bool named = *asked->registry && !*asked->digest.text;
        own_buf struct buf full = {};

        if (named)
                reference_add(&full, asked);
        json_begin_array(w, "names");
        for (const char *const *n = info->names; *n; n++)
                if (!named || strcmp(*n, buf_str(&full)) == 0)
                        json_write_string(w, NULL, *n);
        json_end_array(w);
}

static int write_parameters(const struct args *args, const char *format, struct store *store, struct buf *out,
                            struct error *err)
{
        const char *compression = args_str(args, OPTION_COMPRESSION);
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        json_write_string(&w, "format", format);
        if (compression)
                json_write_string(&w, "compression", compression);
        json_begin_array(&w, "images");
        for (unsigned i = 0; i < args->n_operands; i++) {
                own_mem struct image_info *info = NULL;
                struct reference name;
                int r = image_find_named(store, args->operands[i], &info, &name, err);

                if (r < 0)
                        return r;
                json_begin_object(&w, NULL);
                json_write_string(&w, "manifest", info->manifest.text);
                write_names(&w, info, &name);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        return 0;
}

static int save_directory(struct mover *m, const struct buf *parameters, const char *path, struct error *err)
{
        own_fd int fd = -1;

        if (!path)
                return error_set(err, EMISUSED, "a directory needs a name: use -o");
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
                return error_errno(err, errno, "%s", path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "%s", path);
        return mover_run(m, "save", parameters, fd, NULL, NULL, err);
}

static int save_file(struct mover *m, const struct buf *parameters, const char *path, struct error *err)
{
        own_output_file struct output_file file = OUTPUT_FILE_NONE;
        int r;

        if (!path && isatty(STDOUT_FILENO))
                return error_set(err, EINVAL, "an archive is not for a terminal: use -o or redirect");
        if (!path)
                return mover_run(m, "save", parameters, STDOUT_FILENO, NULL, NULL, err);
        r = output_file_open(path, &file, err);
        if (r == 0)
                r = mover_run(m, "save", parameters, file.fd, NULL, NULL, err);
        return r < 0 ? r : output_file_commit(&file, err);
}

static void tell(struct store *s, const struct args *args)
{
        for (unsigned i = 0; i < args->n_operands; i++) {
                own_mem struct image_info *info = NULL;
                struct error ignored;

                if (image_find(s, args->operands[i], &info, &ignored) == 0)
                        image_tell(s, "save", info->id.text, info->id.text);
        }
}

int cmd_save(struct invocation *inv, struct error *err)
{
        static const char *const formats[] = { "docker-archive", "oci-archive", "oci-dir", NULL };
        static const char *const kinds[] = { "none", "gzip", "zstd", NULL };
        const char *format = args_str(&inv->args, OPTION_FORMAT), *path = args_str(&inv->args, OPTION_OUTPUT);
        own_store struct store *store = NULL;
        own_buf struct buf parameters = {};
        own_mover struct mover m = {};
        int r = check_choice("format", format, formats, err);

        format = format ? format : formats[0];
        if (r == 0)
                r = check_choice("compression", args_str(&inv->args, OPTION_COMPRESSION), kinds, err);
        if (r == 0)
                r = invocation_store(inv, &store, err);
        if (r == 0)
                r = write_parameters(&inv->args, format, store, &parameters, err);
        if (r == 0)
                r = mover_open(&m, inv, store, "saving", err);
        if (r < 0)
                return r;
        r = strcmp(format, "oci-dir") == 0 ? save_directory(&m, &parameters, path, err)
                                           : save_file(&m, &parameters, path, err);
        if (r == 0)
                tell(store, &inv->args);
        return r;
}
