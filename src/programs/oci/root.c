/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/oci/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/path.h"
#include "sys/fd.h"

/* Whether uid 0 is only that of a user namespace. */
static bool in_user_namespace(void)
{
        static const char everybody[] = "         0          0 4294967295"; /* the kernel's own layout */
        char map[128];

        return fd_read_file_at(AT_FDCWD, "/proc/self/uid_map", map, sizeof map) > 0 && strcmp(map, everybody) != 0;
}

/* Real root keeps to /run even where a login set $XDG_RUNTIME_DIR, as with runc. */
static const char *find_runtime_dir(void)
{
        const char *dir = getenv("XDG_RUNTIME_DIR"), *user;

        if (!dir || !*dir)
                return NULL;
        if (geteuid() != 0)
                return dir;
        user = getenv("USER");
        return (!user || strcmp(user, "root") != 0) && in_user_namespace() ? dir : NULL;
}

int root_find(const char *given, struct root *ret, struct error *err)
{
        const char *dir = given ? NULL : find_runtime_dir();
        struct root root = { .given = given != NULL, .runtime_dir = dir != NULL };
        int r = 0;

        if (given)
                r = path_absolute(given, &root.path);
        else if (!dir)
                root.path = strdup("/run/holt-oci");
        else if (asprintf(&root.path, "%s/holt-oci", dir) < 0)
                root.path = NULL;
        if (r < 0 || !root.path)
                return error_errno(err, r < 0 ? -r : ENOMEM, "option --root");
        if (strcmp(root.path, "/") == 0) {
                root_finish(&root);
                return error_set(err, EINVAL, "option --root must not be /");
        }
        *ret = root;
        return 0;
}

void root_finish(struct root *root)
{
        free(root->path);
        *root = (struct root){};
}

int root_make(const struct root *root, struct error *err)
{
        if (!root->runtime_dir)
                return 0;
        if (mkdir(root->path, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, "mkdir %s", root->path);
        if (chmod(root->path, 0700 | S_ISVTX) < 0)
                return error_errno(err, errno, "chmod %s", root->path);
        return 0;
}
