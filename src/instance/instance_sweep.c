/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a kill -9. Whatever is made, runs or is removed has RUN/instances/ID; one that nobody has locked says that he
 * who was at it is no more. After a boot there is no RUN/instances at all, and each instance is looked at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_lock.h"
#include "instance/instance_name.h"
#include "instance/instance_network.h"
#include "instance/instance_record.h"
#include "instance/shared_memory.h"
#include "instance/vm_care.h"
#include "instance/volume_mount.h"
#include "sys/fd.h"
#include "sys/user_namespace.h"

/* Its maker died before it was complete, or its remover before all of it was away. */
static int remove_rest(struct engine *e, int dir, const char *id, struct error *err)
{
        struct store *store;
        int r;

        instance_name_drop_all(dir, id);
        r = user_namespace_remove_tree(dir, id, err);
        if (r == 0)
                r = engine_store(e, &store, err);
        return r == 0 ? store_image_release(store, id, err) : r;
}

/* It ran, or was about to. */
static int note_end(struct instance *i, struct error *err)
{
        struct instance_state s = {};
        int r = instance_load_end(i, &s, err);

        if (r < 0 || faccessat(i->fd, "started", F_OK, 0) < 0)
                return r;
        s.status = INSTANCE_EXITED;
        s.health = HEALTH_NONE;
        s.pid = 0;
        s.exit_code = 137;
        s.finished = instance_now();
        snprintf(s.error, sizeof s.error, "its shim was killed, or the host went down");
        return instance_save_end(i, &s, err);
}

static int recover(struct engine *e, int dir, const char *id, struct instance **ret, struct error *err)
{
        /* What it was is not known: its record may be damaged, or gone. */
        int r = backend_container.destroy(e->run, id, err);

        if (r == 0)
                r = backend_vm.destroy(e->run, id, err);
        if (r == 0)
                r = instance_network_close(e, id, err);
        if (r < 0)
                return r;
        shared_memory_close(e->run, id);
        r = instance_load_any(e, dir, id, ret, err);
        if (r == -ENOENT)
                return remove_rest(e, dir, id, err);
        if (r < 0)
                return r;
        r = instance_volumes_unmount(e, *ret, err);
        if (r < 0)
                return r;
        return (*ret)->options.rm ? instance_erase(e, *ret, true, err) : 1;
}

int instance_recover(struct engine *e, const char *id, int lock, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err);
        own_instance struct instance *i = NULL;
        int r = dir < 0 ? dir : recover(e, dir, id, &i, err);

        if (r > 0)
                r = note_end(i, err) < 0 ? -err->code : 1;
        if (r < 0)
                close(lock);
        else
                instance_unlock(e, id, &lock);
        return r;
}

int instance_lock_stopped(struct engine *e, struct instance *i, struct error *err)
{
        own_fd int run = engine_open_run(e, err);
        int dead = run < 0 ? run : instance_lock_existing(run, i->id), r;

        if (run < 0)
                return run;
        if (dead >= 0) {
                r = instance_recover(e, i->id, dead, err);
                if (r <= 0)
                        return r < 0 ? r : error_set(err, ENOENT, "no such instance: %s", i->name);
        }
        r = i->lock = instance_lock(e, i->id, err);
        return r < 0 ? r : 0;
}

static DIR *open_directory(int fd)
{
        own_fd int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = again < 0 ? NULL : fdopendir(again);

        if (d)
                take_fd(&again);
        return d;
}

static void sweep_one(struct engine *e, const char *id, int lock)
{
        struct error err;

        if (lock >= 0 && instance_recover(e, id, lock, &err) < 0) {
                error_wrap(&err, "clean up after instance %.12s", id);
                e->warn(err.text);
        }
}

static bool has_file(int dir, const char *id, const char *name)
{
        char path[INSTANCE_ID_LEN + 16];

        snprintf(path, sizeof path, "%.64s/%s", id, name);
        return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The host came up again: what ran then has ended, and what was being made never will be. */
static void sweep_after_boot(struct engine *e)
{
        own_fd int dir = engine_open_instances(e, NULL);
        own_dir DIR *d = dir < 0 ? NULL : open_directory(dir);
        struct dirent *entry;
        struct error err;

        while (d && (entry = readdir(d))) {
                const char *id = entry->d_name;

                if (instance_is_id(id) && (has_file(dir, id, "started") || !has_file(dir, id, "config")))
                        sweep_one(e, id, instance_lock(e, id, &err));
        }
}

static bool is_first_of_boot(const struct engine *e)
{
        own_mem char *path = NULL;

        if (asprintf(&path, "%s/instances", e->run) < 0) {
                path = NULL;
                return false;
        }
        return access(path, F_OK) < 0 && errno == ENOENT;
}

void instances_sweep(struct engine *e)
{
        bool first = is_first_of_boot(e);
        own_fd int run = engine_open_run(e, NULL);
        own_dir DIR *d = run < 0 ? NULL : open_directory(run);
        struct dirent *entry;
        bool was_killed = first;

        if (first)
                sweep_after_boot(e);
        while (d && (entry = readdir(d))) {
                int lock = instance_is_id(entry->d_name) ? instance_lock_existing(run, entry->d_name) : -1;

                was_killed = was_killed || lock >= 0;
                if (instance_is_id(entry->d_name))
                        sweep_one(e, entry->d_name, lock);
                else
                        instance_lock_drop_unnamed(run, entry->d_name);
        }
        if (was_killed)
                vm_care_sweep(e);
}
