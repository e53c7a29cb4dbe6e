/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first start of an instance that is a copy of one that ran: its memory, with the program in it, as save.c kept it.
 * The job names a directory, or a link to one: ROOT/instances/ID/copy. It is gone before anything runs: what the disk
 * is later does not fit that memory any more, and a later start is one as of any other machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "sys/fd.h"

#define USED ".used"

/* 1: it is gone. */
static int find(const char *copy, char ret[PATH_MAX], struct error *err)
{
        ssize_t n = readlink(copy, ret, PATH_MAX - 1);

        if (n < 0 && errno == ENOENT)
                return 1;
        if (n < 0 && errno == EINVAL)
                n = snprintf(ret, PATH_MAX, "%s", copy);
        if (n < 0 || n >= PATH_MAX)
                return error_errno(err, n < 0 ? errno : ENAMETOOLONG, "open %s", copy);
        ret[n] = '\0';
        return 0;
}

static int open_template(char *path, struct template *ret, int *ret_image, struct error *err)
{
        own_fd int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        char *slash = strrchr(path, '/');
        int r;

        if (!slash)
                return error_set(err, EINVAL, "%s is no path of a template", path);
        *slash = '\0';
        r = template_open(path, slash + 1, ret, err);
        *ret_image = r < 0 ? -1 : monitor_open_whole(directory);
        return r;
}

static int check_key(const struct monitor *m, const struct template *t, struct error *err)
{
        char key[SHA256_HEX];
        int r = monitor_find_key(m, key, err);

        if (r == 0 && strcmp(key, t->manifest.key) != 0)
                r = error_set(err, EBADMSG,
                              "it was made by another QEMU, processor, guest kernel or version of holt, or "
                              "for another size");
        return r;
}

/* At once: who is killed meanwhile has used it. */
static int use_up(const char *copy, struct error *err)
{
        char used[PATH_MAX];

        if (snprintf(used, sizeof(used), "%s" USED, copy) >= (int)sizeof(used))
                return error_set(err, ENAMETOOLONG, "%s is too long", copy);
        if (rename(copy, used) < 0)
                return error_errno(err, errno, "use %s", copy);
        fd_remove_tree_at(AT_FDCWD, used);
        return 0;
}

/* As its process stood, or in a new one. */
static int load(struct monitor *m, const struct template *t, int image, struct error *err)
{
        if (monitor_thaw_whole(m, image, t, err) > 0)
                return monitor_load_template(m, t, err);
        return 0;
}

int monitor_copy(struct monitor *m, struct error *err)
{
        struct template *t;
        own_fd int image = -1;
        char path[PATH_MAX];
        int r = find(m->job.copy, path, err);

        if (r != 0)
                return r;
        t = calloc(1, sizeof(*t));
        if (!t)
                return error_set(err, ENOMEM, "out of memory");
        *t = (struct template){ .memory = -1, .state = -1 };
        m->origin = t;
        r = open_template(path, t, &image, err);
        if (r == 0)
                r = check_key(m, t, err);
        if (r == 0)
                r = template_check_state(t, err);
        if (r == 0)
                r = use_up(m->job.copy, err);
        if (r == 0)
                r = load(m, t, take_fd(&image), err);
        if (r == 0)
                r = monitor_resume_program(m, err);
        if (r == 0 && m->disks)
                monitor_drop_disks(m);
        return r < 0 ? error_wrap(err, "the template of a machine that ran") : 0;
}
