/* SPDX-License-Identifier: Apache-2.0 */
/* Gets a kernel for guests: the distribution's package, which is unpacked for holt alone and not installed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "sys/fd.h"
#include "sys/program.h"

#define NEW ".new"

/* apt checks what it downloads against what the archive has signed. */
static const char script[] =
        "cd \"$1\" || exit\n"
        "if [ -z \"$2\" ]; then\n"
        "        name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/ *Depends: //p' | head -n 1)\n"
        "        [ -n \"$name\" ] || { echo 'apt knows no linux-image-cloud-amd64: is this Debian, with its lists "
        "(apt update)?' >&2; exit 1; }\n"
        "        apt-get -qq -o APT::Sandbox::User=root download \"$name\" || exit\n"
        "        set -- \"$1\" *.deb\n"
        "fi\n"
        "dpkg-deb --extract \"$2\" unpacked\n";

/* ROOT/vm/kernels, locked: what another one has begun there is its own, or nobody's. */
static int open_kernels(const char *path, struct error *err)
{
        own_fd int fd = -1;
        int r = fd_mkdir_all(path, 0700);

        if (r < 0)
                return error_errno(err, -r, "make %s", path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "open %s", path);
        while (flock(fd, LOCK_EX) < 0) {
                if (errno != EINTR)
                        return error_errno(err, errno, "lock %s", path);
        }
        return take_fd(&fd);
}

static int unpack(const char *path, const char *package, struct error *err)
{
        own_mem char *place = NULL, *from = package ? realpath(package, NULL) : NULL;
        const char *argv[] = { "sh", "-c", script, "sh", NULL, NULL, NULL };
        int r;

        if (package && !from)
                return error_errno(err, errno, "%s", package);
        if (asprintf(&place, "%s/" NEW, path) < 0) {
                place = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        argv[4] = place;
        argv[5] = from ? from : "";
        r = program_run(argv, "", err);
        return r < 0 ? error_wrap(err, "get the kernel's package") : 0;
}

/* The one whose modules and image are there. */
static int find_release(int kernels, char ret[NAME_MAX + 1], struct error *err)
{
        own_fd int fd = openat(kernels, NEW "/unpacked/lib/modules", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *e;

        if (dir)
                take_fd(&fd);
        while (dir && (e = readdir(dir))) {
                char image[2 * NAME_MAX];

                snprintf(image, sizeof image, NEW "/unpacked/boot/vmlinuz-%s", e->d_name);
                if (e->d_name[0] == '.' || faccessat(kernels, image, F_OK, 0) < 0)
                        continue;
                snprintf(ret, NAME_MAX + 1, "%s", e->d_name);
                return 0;
        }
        return error_set(err, EINVAL,
                         "the package has no kernel: linux-image-RELEASE has boot/vmlinuz-RELEASE and its "
                         "modules");
}

static int get(int kernels, const char *path, const char *package, char release[NAME_MAX + 1], struct error *err)
{
        int r = fd_remove_tree_at(kernels, NEW);

        if (r < 0 || mkdirat(kernels, NEW, 0700) < 0)
                return error_errno(err, r < 0 ? -r : errno, "make %s/" NEW, path);
        r = unpack(path, package, err);
        if (r == 0)
                r = find_release(kernels, release, err);
        if (r == 0 && renameat(kernels, NEW "/unpacked", kernels, release) < 0 && errno != EEXIST && errno != ENOTEMPTY)
                r = error_errno(err, errno, "rename the kernel %s", release);
        fd_remove_tree_at(kernels, NEW);
        return r;
}

int cmd_system_kernel(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_mem char *path = NULL;
        own_fd int kernels = -1;
        char release[NAME_MAX + 1];
        own_buf struct buf line = {};
        int r = invocation_engine(inv, &e, err);

        if (r < 0)
                return r;
        if (asprintf(&path, "%s/vm/kernels", e.root) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        kernels = open_kernels(path, err);
        if (kernels < 0)
                return kernels;
        r = get(kernels, path, inv->args.operands[0], release, err);
        if (r < 0)
                return r;
        buf_addf(&line, "%s\n", release);
        return output_write(&line, err);
}
