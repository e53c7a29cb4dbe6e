/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/own.h"
#include "oci/spec_default.h"
#include "programs/oci/invocation.h"
#include "sys/fd.h"

int cmd_spec(struct invocation *inv, struct error *err)
{
        const char *bundle = args_str(&inv->args, OPTION_BUNDLE);
        own_fd int dir = -1, file = -1;
        own_buf struct buf text = {};
        int r;

        r = spec_default(args_flag(&inv->args, OPTION_ROOTLESS), &text, err);
        if (r < 0)
                return r;
        dir = open(bundle ? bundle : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return error_errno(err, errno, "%s", bundle);
        file = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno == EEXIST)
                return error_set(err, EEXIST, "file config.json exists; remove it first");
        if (file < 0)
                return error_errno(err, errno, "config.json");
        r = fd_write_all(file, buf_str(&text), text.len);
        if (r < 0) {
                unlinkat(dir, "config.json", 0);
                return error_errno(err, -r, "write config.json");
        }
        return 0;
}
