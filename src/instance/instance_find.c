/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "instance/instance_lock.h"
#include "instance/instance_name.h"
#include "instance/instance_record.h"
#include "sys/fd.h"

/* As it is now. */
static int load(struct engine *e, int dir, const char *id, struct instance **ret, struct error *err)
{
        own_instance struct instance *i = NULL;
        int r = instance_load_any(e, dir, id, &i, err);

        if (r == 0)
                r = instance_read_state(e, i, err);
        if (r < 0 || !i)
                return r;
        if (i->damage && !instance_is_running(i))
                i->state.status = INSTANCE_DAMAGED;
        *ret = take_ptr(i);
        return 0;
}

int instance_find_any(struct engine *e, const char *name, struct instance **ret, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err);
        char id[INSTANCE_ID_LEN + 1];
        int r;

        if (dir < 0)
                return dir;
        r = instance_name_resolve(dir, name, id, err);
        if (r == 0)
                r = load(e, dir, id, ret, err);
        return r == -ENOENT ? error_set(err, ENOENT, "no such instance: %s (holt ps -a lists them)", name) : r;
}

int instance_find(struct engine *e, const char *name, struct instance **ret, struct error *err)
{
        own_instance struct instance *i = NULL;
        int r = instance_find_any(e, name, &i, err);

        if (r < 0 || !i)
                return r;
        if (i->damage)
                return error_set(err, EUCLEAN, "%s; holt rm -f %s removes what is left of it", i->damage, i->name);
        *ret = take_ptr(i);
        return 0;
}

struct list {
        struct instance **items;
        size_t n, cap;
};

static void list_finish(struct list *l)
{
        for (size_t i = 0; i < l->n; i++)
                instance_free(l->items[i]);
        free(l->items);
}
#define own_list __attribute__((cleanup(list_finish)))

/* A directory without a configuration: somebody makes or removes it, and has it locked; or nobody does any more. */
static void collect(struct engine *e, const char *id)
{
        struct error ignored;
        int lock = instance_lock(e, id, &ignored);

        if (lock >= 0)
                instance_recover(e, id, lock, &ignored);
}

/* One that cannot be read is told of, and hides nothing else. */
static int add(struct engine *e, struct list *l, int dir, const char *id, struct error *err)
{
        own_instance struct instance *i = NULL;
        struct error why;
        int r = load(e, dir, id, &i, &why);

        if (r == -ENOENT)
                collect(e, id);
        else if (r < 0)
                e->warn(why.text);
        if (r < 0)
                return 0;
        if (array_grow(&l->items, &l->cap, l->n + 1, sizeof(struct instance *)) < 0)
                return error_set(err, ENOMEM, "out of memory");
        l->items[l->n++] = take_ptr(i);
        return 0;
}

static int newest_first(const void *a, const void *b)
{
        const struct instance *const *x = a, *const *y = b;

        return (*x)->created < (*y)->created ? 1 : (*x)->created > (*y)->created ? -1 : 0;
}

static int read_all(struct engine *e, struct list *l, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err), again = -1;
        own_dir DIR *d = NULL;
        struct dirent *entry;
        int r = 0;

        if (dir < 0)
                return dir;
        again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d = again < 0 ? NULL : fdopendir(again);
        if (!d)
                return error_errno(err, errno, "read the instances");
        take_fd(&again);
        while (r == 0 && (entry = readdir(d))) {
                if (instance_is_id(entry->d_name))
                        r = add(e, l, dir, entry->d_name, err);
        }
        return r;
}

int instances(struct engine *e, int (*each)(void *userdata, struct instance *i), void *userdata, struct error *err)
{
        own_list struct list l = {};
        int r;

        instances_sweep(e);
        r = read_all(e, &l, err);

        if (r == 0 && l.n > 1)
                qsort(l.items, l.n, sizeof(struct instance *), newest_first);
        for (size_t i = 0; r == 0 && i < l.n; i++)
                r = each(userdata, l.items[i]);
        return r;
}
