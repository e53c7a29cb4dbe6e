/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever an image has for /etc/passwd and /etc/group: three lines, the user that is asked for, then both files with a
 * NUL between them. */
#include <string.h>
#include <sys/stat.h>

#include "instance/image_user.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *line = memchr(data, '\n', size), *end = data + size, *group;
        own_image_user struct image_user u = {};
        own_mem char *user = NULL;
        struct error err;
        int r;

        if (!line)
                return 0;
        user = strndup((const char *)data, (size_t)(line - data));
        line++;
        group = memchr(line, '\0', (size_t)(end - line));
        scratch_write("empty", NULL, 0);
        mkdirat(scratch_dirfd, "etc", 0700);
        scratch_write("etc/passwd", line, (size_t)((group ? group : end) - line));
        scratch_write("etc/group", group ? group + 1 : end, (size_t)(end - (group ? group + 1 : end)));
        r = image_user_find(scratch_dirfd, user, &u, &err);
        if (r == 0 && (!u.n_groups || u.groups[0] != u.gid))
                abort();
        /* Nobody becomes root who asked for another number. */
        if (r == 0 && u.uid == 0 && strspn(user, "0123456789") == strlen(user) && strspn(user, "0") != strlen(user) &&
            !memchr(line, ':', (size_t)(end - line)))
                abort();
        return 0;
}
