/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_event.h"
#include "instance/instance_image_make.h"
#include "instance/instance_lock.h"
#include "instance/instance_mounts.h"
#include "instance/instance_name.h"
#include "instance/instance_network.h"
#include "instance/instance_record.h"
#include "instance/snapshot.h"
#include "instance/volume_store.h"
#include "instance/shared_memory.h"
#include "sys/user_namespace.h"

/* Of several that remove it (a command, its shim's cleaner, a sweep) the one who has its configuration tells. Not while
 * somebody writes a new one: that would come after us. */
static int take_config(struct engine *e, struct instance *i, struct error *err)
{
        if (i->fd < 0)
                return 0;
        flock(i->fd, LOCK_EX);
        if (unlinkat(i->fd, "config", 0) == 0)
                instance_tell(e, i, "destroy", NULL);
        else if (errno != ENOENT)
                return error_errno(err, errno, "remove the instance's configuration");
        return 0;
}

/* The configuration goes first: what is left by a killed remover is for the sweep, and nobody's instance. */
int instance_erase(struct engine *e, struct instance *i, bool volumes, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err);
        struct store *store;
        int r = dir;

        if (r >= 0 && volumes)
                r = instance_volumes_remove(e, i, err);
        if (r >= 0 && !i->options.rm)
                r = snapshot_remove_all(e, i, err);
        if (r < 0)
                return r;
        r = take_config(e, i, err);
        if (r < 0)
                return r;
        if (i->damage)
                instance_name_drop_all(dir, i->id);
        else if (i->name)
                instance_name_drop(dir, i->name, i->id);
        r = i->fd < 0 ? 0 : user_namespace_remove_tree(dir, i->id, err);
        if (r < 0 || (i->options.rm && !instance_mounts_hold(&i->options)))
                return r;
        r = engine_store(e, &store, err);
        if (r == 0)
                r = store_image_release(store, i->id, err);
        /* Which image a damaged one stood on nobody knows: a prune finds it. */
        return r == 0 && !i->damage && !i->options.rm ? image_drop_internal(e, &i->image, err) : r;
}

/* Its shim had it locked until a moment ago. A sweep may have taken what that left for us, and all of the instance. */
static int lock_ended(struct engine *e, struct instance *i, struct error *err)
{
        int r;

        if (i->lock >= 0)
                return 0;
        r = i->lock = instance_lock_wait(e, i->id, err);
        if (r == -EBUSY)
                return error_set(err, EBUSY, "instance %s is in use: another command is at work on it", i->name);
        /* A shim that was killed has left what it ran. */
        return r < 0 ? r : i->backend->destroy(e->run, i->id, err);
}

int instance_remove(struct engine *e, struct instance *i, bool force, bool volumes, struct error *err)
{
        int r = 0;

        if (instance_is_running(i) && !force)
                return error_set(err, EBUSY, "instance %s is %s: stop it first, or use --force", i->name,
                                 instance_status_name(i->state.status));
        if (instance_is_running(i))
                r = instance_stop(e, i, TIMEOUT_FOR_GOOD, err);
        if (r == 0)
                r = lock_ended(e, i, err);
        if (r == 0)
                r = instance_network_close(e, i->id, err);
        if (r == 0)
                shared_memory_close(e->run, i->id);
        if (r == 0)
                r = instance_volumes_unmount(e, i, err);
        if (r == 0)
                r = instance_erase(e, i, volumes, err);
        if (i->lock >= 0)
                instance_unlock(e, i->id, &i->lock);
        return r;
}

/* By a policy that came after its start (shim_leave_start()). */
static int start_again(struct engine *e, const char *id, struct error *err)
{
        own_instance struct instance *i = NULL;
        own_fd int shim = -1;
        int r = instance_find(e, id, &i, err);

        if (r == 0 && i)
                r = instance_start(e, i, false, &shim, err);
        return r < 0 && i ? error_wrap(err, "start %s again", i->name) : r;
}

int instance_clean_up(struct engine *e, struct instance *i, struct error *err)
{
        bool again;
        int r;

        i->state.status = INSTANCE_EXITED;
        if (i->options.rm)
                return instance_remove(e, i, false, true, err);
        r = lock_ended(e, i, err);
        if (r == 0)
                r = instance_network_close(e, i->id, err);
        shared_memory_close(e->run, i->id);
        if (r == 0)
                r = instance_volumes_unmount(e, i, err);
        if (r < 0)
                return r;
        again = faccessat(i->lock, "again", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        instance_release(e, i);
        return again ? start_again(e, i->id, err) : 0;
}
