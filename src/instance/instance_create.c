/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_event.h"
#include "instance/instance_explain.h"
#include "instance/instance_lock.h"
#include "instance/instance_mounts.h"
#include "instance/instance_name.h"
#include "instance/instance_record.h"
#include "instance/user_range.h"

static int make_directory(int dir, const char *name, mode_t mode, struct error *err)
{
        int fd;

        if (mkdirat(dir, name, mode) < 0)
                return error_errno(err, errno, "make the instance's directory %s", name);
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open the instance's directory %s", name) : fd;
}

static int take_name(struct instance *i, int dir, struct error *err)
{
        if (!i->options.name)
                return instance_name_invent(dir, i->id, &i->name, err);
        i->name = strdup(i->options.name);
        return i->name ? instance_name_take(dir, i->name, i->id, err) : error_set(err, ENOMEM, "out of memory");
}

/* The umask is no business of the root directory. */
static int make_upper(struct instance *i, struct error *err)
{
        own_fd int upper = make_directory(i->fd, i->upper, 0755, err), work = -1;

        if (upper < 0)
                return upper;
        if (fchmod(upper, 0755) < 0)
                return error_errno(err, errno, "set a mode");
        work = make_directory(i->fd, "work", 0700, err);
        return work < 0 ? work : 0;
}

/* One that goes with its end needs no word in the store: what it runs on is pinned. */
static int hold_image(struct engine *e, struct instance *i, struct error *err)
{
        struct store *store;
        int r = i->options.rm ? 0 : engine_store(e, &store, err);

        return i->options.rm || r < 0 ? r : store_image_hold(store, &i->image, i->id, err);
}

static int fill(struct engine *e, struct instance *i, int dir, struct error *err)
{
        int r = i->fd = make_directory(dir, i->id, 0700, err);

        if (r >= 0)
                r = take_name(i, dir, err);
        if (r == 0)
                r = make_upper(i, err);
        if (r == 0)
                r = hold_image(e, i, err);
        if (r == 0)
                r = user_range_take(e, i, err);
        if (r == 0)
                r = instance_mounts_settle(e, i, err);
        return r == 0 ? instance_save(i, err) : r;
}

static int make(struct engine *e, struct instance *i, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err);
        struct error ignored;
        int r = dir < 0 ? dir : instance_lock(e, i->id, err);

        if (r < 0)
                return r;
        i->lock = r;
        r = fill(e, i, dir, err);
        if (r < 0) {
                instance_erase(e, i, false, &ignored);
                instance_unlock(e, i->id, &i->lock);
        }
        return r;
}

int instance_create(struct engine *e, const struct image_info *image, const char *image_name,
                    struct instance_options *options, struct instance **ret, struct error *err)
{
        own_instance struct instance *i = NULL;
        int r = instance_plan(e, image, image_name, options, &i, err);

        if (r < 0 || !i)
                return r;
        r = make(e, i, err);
        if (r < 0)
                return r;
        instance_tell(e, i, "create", NULL);
        *ret = take_ptr(i);
        return 0;
}
