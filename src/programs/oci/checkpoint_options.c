/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/oci/checkpoint_options.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/path.h"

static int read_cgroups(const struct args *a, enum checkpoint_cgroups *ret, struct error *err)
{
        static const char *const names[] = { [CHECKPOINT_CGROUPS_SOFT] = "soft",
                                             [CHECKPOINT_CGROUPS_FULL] = "full",
                                             [CHECKPOINT_CGROUPS_STRICT] = "strict",
                                             [CHECKPOINT_CGROUPS_IGNORE] = "ignore" };
        const char *mode = args_str(a, OPTION_MANAGE_CGROUPS_MODE);

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (!mode || strcmp(mode, names[i]) == 0) {
                        *ret = (enum checkpoint_cgroups)i;
                        return 0;
                }
        }
        return error_set(err, EINVAL, "option --manage-cgroups-mode: \"%s\" is not soft, full, strict or ignore", mode);
}

/* The network is left empty always; another namespace cannot be. */
static int check_empty_namespaces(const struct args *a, struct error *err)
{
        own_mem const char **names = NULL;
        int r = args_list(a, OPTION_EMPTY_NS, &names, err);

        for (size_t i = 0; r == 0 && names && names[i]; i++) {
                if (strcmp(names[i], "network") != 0)
                        r = error_set(err, EINVAL, "option --empty-ns: namespace \"%s\" is not supported", names[i]);
        }
        return r;
}

static int read_path(const char *given, const char *otherwise, char **ret, struct error *err)
{
        int r = path_absolute(given ? given : otherwise, ret);

        return r < 0 ? error_errno(err, -r, "path \"%s\"", given ? given : otherwise) : 0;
}

int checkpoint_options_read(const struct invocation *inv, struct checkpoint_options *ret,
                            struct checkpoint_paths *paths, struct error *err)
{
        const struct args *a = &inv->args;
        const char *work = args_str(a, OPTION_WORK_PATH);
        struct checkpoint_options o = {
                .tcp_established = args_flag(a, OPTION_TCP_ESTABLISHED),
                .ext_unix_sk = args_flag(a, OPTION_EXT_UNIX_SK),
                .shell_job = args_flag(a, OPTION_SHELL_JOB),
                .file_locks = args_flag(a, OPTION_FILE_LOCKS),
                .auto_dedup = args_flag(a, OPTION_AUTO_DEDUP),
                .lazy_pages = args_flag(a, OPTION_LAZY_PAGES),
                .status_fd = -1,
        };
        int r;

        r = read_cgroups(a, &o.cgroups, err);
        if (r == 0)
                r = check_empty_namespaces(a, err);
        if (r == 0)
                r = read_path(args_str(a, OPTION_IMAGE_PATH), "checkpoint", &paths->image, err);
        if (r == 0 && work)
                r = read_path(work, NULL, &paths->work, err);
        if (r < 0)
                return r;
        o.image_path = paths->image;
        o.work_path = paths->work;
        *ret = o;
        return 0;
}

void checkpoint_paths_finish(struct checkpoint_paths *paths)
{
        free(paths->image);
        free(paths->work);
}
