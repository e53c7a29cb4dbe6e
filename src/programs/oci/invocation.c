/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/oci/invocation.h"

#include <errno.h>
#include <unistd.h>

#include "cli/path.h"
#include "sys/fd.h"

int invocation_options(const struct invocation *inv, struct container_options *ret, char **ret_bundle,
                       struct error *err)
{
        const struct args *a = &inv->args;
        const char *bundle = args_str(a, OPTION_BUNDLE);
        struct container_options o = {
                .root = inv->root.path,
                .id = inv->id,
                .pid_file = args_str(a, OPTION_PID_FILE),
                .console_socket = args_str(a, OPTION_CONSOLE_SOCKET),
                .pidfd_socket = args_str(a, OPTION_PIDFD_SOCKET),
                .systemd_cgroup = inv->systemd_cgroup,
                .no_pivot = args_flag(a, OPTION_NO_PIVOT),
                .no_new_keyring = args_flag(a, OPTION_NO_NEW_KEYRING),
                .detach = args_flag(a, OPTION_DETACH),
                .keep = args_flag(a, OPTION_KEEP),
                .no_subreaper = args_flag(a, OPTION_NO_SUBREAPER),
                .debug = inv->debug,
        };
        int r;

        r = args_u32(a, OPTION_PRESERVE_FDS, &o.preserve_fds, err);
        if (r < 0)
                return r;
        r = path_absolute(bundle ? bundle : ".", ret_bundle);
        if (r < 0)
                return error_errno(err, -r, "bundle \"%s\"", bundle ? bundle : ".");
        o.bundle = *ret_bundle;
        *ret = o;
        return 0;
}

int invocation_container(const struct invocation *inv, struct container *ret, struct error *err)
{
        return container_load(inv->root.path, inv->id, ret, err);
}

int output_write(const struct buf *out, struct error *err)
{
        int r = buf_failed(out) ? -ENOMEM : fd_write_all(STDOUT_FILENO, out->data, out->len);

        return r < 0 ? error_errno(err, -r, "standard output") : 0;
}
