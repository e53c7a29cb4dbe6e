/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer_backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "sys/loop_device.h"
#include "sys/mount_tree.h"
#include "sys/selinux.h"

#define MEMORY ".layer"

/*
 * What a container maps into its memory is, for SELinux, the layer's own file: its loader is denied what mprotect(2)
 * asks for unless that has a label of containers, whatever the overlay's is.
 */
static int find_context(char ret[SELINUX_LABEL_SIZE], struct error *err)
{
        struct selinux_contexts c;
        int r = 0;

        *ret = '\0';
        if (!selinux_is_there())
                return 0;
        r = selinux_contexts_load(&c, err);
        if (r == 0)
                memcpy(ret, c.layer, SELINUX_LABEL_SIZE);
        return r;
}

static int mount_erofs(const char *path, bool directio, struct error *err)
{
        char label[SELINUX_LABEL_SIZE], context[SELINUX_LABEL_SIZE + sizeof "context="];
        const char *data[4] = { "ro" };
        size_t n = 1;
        int r = find_context(label, err);

        if (r < 0)
                return r;
        if (directio)
                data[n++] = "directio";
        if (*label) {
                snprintf(context, sizeof context, "context=%s", label);
                data[n] = context;
        }
        return mount_new("erofs", path, data, MOUNT_ATTR_RDONLY, err);
}

static int mount_file(int image_fd, bool directio, struct error *err)
{
        char path[32];

        snprintf(path, sizeof path, "/proc/self/fd/%d", image_fd);
        return mount_erofs(path, directio, err);
}

/* The device keeps what it is given open, and with that a lock on it: the layer would be in use as long as it is
 * mounted. */
static int mount_loop(int image_fd, struct error *err)
{
        char path[LOOP_PATH_MAX];
        own_fd int file = -1, device = -1;

        snprintf(path, sizeof path, "/proc/self/fd/%d", image_fd);
        file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return error_errno(err, errno, "open the layer again");
        device = loop_device_new(file, path, err);
        return device < 0 ? device : mount_erofs(path, false, err);
}

/*
 * Not every file system's files will do: one may lie too deep, or have no pages. That is no trait of the kernel, as
 * ENOTBLK is.
 */
static int mount_otherwise(int image_fd, int refusal, struct error *err)
{
        return refusal == -EINVAL || refusal == -ENOTBLK ? mount_loop(image_fd, err) : refusal;
}

static int refuse(struct error *err)
{
        return error_set(err, EOPNOTSUPP, "nobody may mount an EROFS image here");
}

static int find_out(struct layer_mounts *m, int image_fd, struct error *err)
{
        int fd = mount_file(image_fd, true, err);

        m->directio = fd >= 0;
        if (fd == -EINVAL)
                fd = mount_file(image_fd, false, err);
        /* Root of a user namespace; a kernel without it. */
        if (fd == -EPERM || fd == -ENODEV) {
                m->known = true;
                m->backing = LAYER_BACKING_USER;
                layer_mounts_remember(m, MEMORY, "user", NULL);
                return refuse(err);
        }
        m->backing = fd == -ENOTBLK ? LAYER_BACKING_LOOP : LAYER_BACKING_FILE;
        m->known = fd >= 0 || fd == -ENOTBLK;
        if (m->known)
                layer_mounts_remember(m, MEMORY,
                                      m->backing == LAYER_BACKING_LOOP ? "loop"
                                      : m->directio                    ? "directio"
                                                                       : "file",
                                      NULL);
        return mount_otherwise(image_fd, fd, err);
}

static void recall(struct layer_mounts *m)
{
        char text[16];

        layer_mounts_recall(m, MEMORY, text, sizeof text);
        m->known = *text;
        m->backing = strcmp(text, "user") == 0   ? LAYER_BACKING_USER
                     : strcmp(text, "loop") == 0 ? LAYER_BACKING_LOOP
                                                 : LAYER_BACKING_FILE;
        m->directio = strcmp(text, "directio") == 0;
}

int layer_backing_mount(struct layer_mounts *m, int image_fd, struct error *err)
{
        if (!m->known)
                recall(m);
        if (!m->known)
                return find_out(m, image_fd, err);
        if (m->backing == LAYER_BACKING_USER)
                return refuse(err);
        if (m->backing == LAYER_BACKING_LOOP)
                return mount_loop(image_fd, err);
        return mount_otherwise(image_fd, mount_file(image_fd, m->directio, err), err);
}
