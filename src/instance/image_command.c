/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/image_command.h"

#include <errno.h>
#include <stdlib.h>

static size_t count(const char *const *list)
{
        size_t n = 0;

        while (list && list[n])
                n++;
        return n;
}

static void append(const char **to, const char *const *list)
{
        for (; list && *list; list++)
                *to++ = *list;
}

/* Another entry point than the image's takes the image's arguments with it. */
int image_command(const struct image_config *image, const struct instance_options *o, const char ***ret,
                  struct error *err)
{
        const char *const own[] = { o->entrypoint, NULL };
        const char *const *entry = image->entrypoint.v, *const *args = image->cmd.v;
        const char **all;
        size_t n;

        if (o->entrypoint) {
                entry = *o->entrypoint ? own : NULL;
                args = NULL;
        }
        if (count(o->command))
                args = o->command;
        n = count(entry);
        if (n + count(args) == 0)
                return error_set(err, EINVAL, "no command: the image has none, and none was given");
        all = calloc(n + count(args) + 1, sizeof *all);
        if (!all)
                return error_set(err, ENOMEM, "out of memory");
        append(all, entry);
        append(all + n, args);
        *ret = all;
        return 0;
}
