/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "cli/text_line.h"
#include "instance/backend.h"
#include "instance/changes.h"
#include "instance/instance_mounts.h"
#include "instance/instance_root.h"
#include "instance/vm_errand.h"

/* Bytes that a guest may say. */
enum { MAX_TOLD = 64 << 20 };

/* Places that the runtime makes to mount on. */
static const char *const places[] = {
        "/dev",       "/dev/console",     "/dev/mqueue", "/dev/pts", "/dev/shm", "/etc/hostname",
        "/etc/hosts", "/etc/resolv.conf", "/proc",       "/run",     "/sbin",    "/sys",
};

/* Behind the name of the errand that finds it out in a guest. */
static int list_places(const struct instance_mounts *m, const char ***ret, struct error *err)
{
        const char **list = calloc(1 + ARRAY_SIZE(places) + m->n + 1, sizeof *list);

        if (!list)
                return error_set(err, ENOMEM, "out of memory");
        list[0] = "changes";
        for (size_t k = 0; k < ARRAY_SIZE(places); k++)
                list[1 + k] = places[k];
        for (size_t k = 0; k < m->n; k++)
                list[1 + ARRAY_SIZE(places) + k] = m->items[k].destination;
        *ret = list;
        return 0;
}

static int add_line(void *userdata, enum change_kind kind, const char *path, struct error *err)
{
        buf_addf(userdata, "%c ", (char)kind);
        text_add_line(userdata, path, 0);
        buf_add_str(userdata, "\n");
        return 0;
}

/* Its agent tells kind and path, with a NUL behind. */
static int add_told(const struct buf *told, struct buf *out, struct error *err)
{
        for (size_t at = 0; at < told->len;) {
                const char *line = vm_errand_word(told, &at);

                if (!line || !line[0] || !strchr("CAD", line[0]) || line[1] != '/')
                        return error_set(err, EPROTO, "the guest says nothing sensible");
                add_line(out, (enum change_kind)line[0], line + 1, err);
        }
        return 0;
}

static int diff_machine(struct engine *e, struct instance *i, const char *const *args, struct buf *out,
                        struct error *err)
{
        own_vm_guest struct vm_guest guest = VM_GUEST_NONE;
        own_vm_errand struct vm_errand errand = VM_ERRAND_NONE;
        own_buf struct buf told = {};
        int r = vm_guest_open(e, i, &guest, err);

        if (r == 0)
                r = vm_errand_begin(&guest, &(struct vm_errand_request){ .args = args }, &errand, err);
        if (r == 0)
                r = vm_errand_read_all(&errand, MAX_TOLD, &told, err);
        return r < 0 ? r : add_told(&told, out, err);
}

static int diff(struct engine *e, struct instance *i, struct buf *out, struct error *err)
{
        own_instance_root struct instance_root image = INSTANCE_ROOT_NONE;
        own_instance_mounts struct instance_mounts m = {};
        own_mem const char **list = NULL;
        own_fd int upper = -1;
        int r = instance_mounts_all(i, &m, err);

        if (r == 0)
                r = list_places(&m, &list, err);
        if (r == 0 && i->backend->is_machine && vm_guest_has_disk(i))
                return diff_machine(e, i, list, out, err);
        if (r == 0)
                r = instance_root_open_image(e, i, &image, err);
        if (r < 0)
                return r;
        upper = openat(i->fd, i->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (upper < 0)
                return error_errno(err, errno, "open what %s has written", i->name);
        return changes_find(&(struct changes_options){ upper, image.fd, list + 1 }, add_line, out, err);
}

int cmd_diff(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        own_buf struct buf out = {};
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        if (r == 0)
                r = diff(&e, i, &out, err);
        return r == 0 ? output_write(&out, err) : r;
}
