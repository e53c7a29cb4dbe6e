/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/selinux_instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_mounts.h"
#include "instance/instance_name.h"
#include "instance/namespace_flags.h"
#include "instance/selinux_relabel.h"

#define LEVEL "level"

enum { CATEGORIES = 1024, LEVEL_SIZE = 64, MAX_TRIES = 1000 };

/* ---- its level ---- */

static int read_level(int dir, const char *path, char ret[LEVEL_SIZE])
{
        ssize_t len = readlinkat(dir, path, ret, LEVEL_SIZE - 1);

        if (len < 0)
                return -errno;
        ret[len] = '\0';
        return 0;
}

/* 1: some instance has it. */
static int is_taken(int instances, const char *level, struct error *err)
{
        int fd = openat(instances, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        char path[INSTANCE_ID_LEN + sizeof "/" LEVEL], has[LEVEL_SIZE];
        struct dirent *d;

        if (!dir)
                return error_errno(err, errno, "read the directory of instances");
        while ((errno = 0, d = readdir(dir))) {
                if (!instance_is_id(d->d_name))
                        continue;
                snprintf(path, sizeof path, "%.64s/" LEVEL, d->d_name);
                if (read_level(instances, path, has) == 0 && strcmp(has, level) == 0)
                        return 1;
        }
        return errno ? error_errno(err, errno, "read the directory of instances") : 0;
}

/* Two categories, the lower one first. */
static int invent_level(char ret[LEVEL_SIZE], struct error *err)
{
        uint32_t n[2];
        unsigned a, b;

        do {
                if (getrandom(n, sizeof n, 0) != sizeof n)
                        return error_errno(err, errno, "get random numbers");
                a = n[0] % CATEGORIES;
                b = n[1] % CATEGORIES;
        } while (a >= b);
        snprintf(ret, LEVEL_SIZE, "s0:c%u,c%u", a, b);
        return 0;
}

static int take_level(struct engine *e, const struct instance *i, char ret[LEVEL_SIZE], struct error *err)
{
        own_fd int dir = engine_open_instances(e, err), lock = -1;
        int r = 1;

        if (dir < 0)
                return dir;
        lock = openat(dir, "levels.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (lock < 0 || flock(lock, LOCK_EX) < 0)
                return error_errno(err, errno, "lock the levels of instances");
        for (unsigned tries = 0; r > 0 && tries < MAX_TRIES; tries++) {
                r = invent_level(ret, err);
                if (r == 0)
                        r = is_taken(dir, ret, err);
        }
        if (r > 0)
                return error_set(err, ENOSPC, "SELinux: other instances have all levels");
        if (r == 0 && symlinkat(ret, i->fd, LEVEL) < 0)
                return error_errno(err, errno, "keep the instance's level");
        return r;
}

/* Who shares memory or processes has to be let at them. 1: it has one. */
static int find_joined(struct engine *e, const struct instance *i, char ret[LEVEL_SIZE], struct error *err)
{
        const char *name = namespace_flag_instance(i->options.pid);
        own_instance struct instance *other = NULL;
        int r;

        if (!name)
                name = namespace_flag_instance(i->options.ipc);
        r = name ? instance_find(e, name, &other, err) : 0;
        return name && r == 0 ? read_level(other->fd, LEVEL, ret) == 0 : r;
}

/* One that is only looked at has no directory, and takes nothing. */
static int find_level(struct engine *e, const struct instance *i, char ret[LEVEL_SIZE], struct error *err)
{
        int r = find_joined(e, i, ret, err);

        if (r == 0 && i->fd < 0) {
                snprintf(ret, LEVEL_SIZE, "s0");
                return 0;
        }

        if (r != 0)
                return r < 0 ? r : 0;
        return read_level(i->fd, LEVEL, ret) == 0 ? 0 : take_level(e, i, ret, err);
}

int selinux_instance_open(struct engine *e, struct instance *i, struct selinux_labels *ret, struct error *err)
{
        struct selinux_contexts contexts;
        char level[LEVEL_SIZE];
        int r;

        *ret = (struct selinux_labels){};
        /* In a machine it is not the host's kernel that confines. */
        if (i->backend->is_machine || !selinux_is_there())
                return 0;
        r = selinux_contexts_load(&contexts, err);
        if (r == 0)
                r = find_level(e, i, level, err);
        return r == 0 ? selinux_labels_make(&contexts, &i->options, level, ret, err) : r;
}

/* ---- what it sees of the host ---- */

static bool has_word(const char *options, char word)
{
        for (const char *p = options; *p; p += strcspn(p, ","), p += *p == ',') {
                if (*p == word && (p[1] == ',' || !p[1]))
                        return true;
        }
        return false;
}

static int label_mount(struct engine *e, const struct instance_mount *m, const char *own, const char *shared,
                       struct error *err)
{
        bool is_own = has_word(m->options, 'Z'), is_volume = strcmp(m->type, "volume") == 0;
        int r;

        if (strcmp(m->type, "image") == 0 || (!is_own && !is_volume && !has_word(m->options, 'z')))
                return 0;
        r = selinux_relabel(m->source, is_own ? own : shared, err);
        if (r != -ENOTSUP)
                return r;
        /* Its mount may say which label it has. */
        if (!is_volume && e->warn)
                e->warn(err->text);
        return 0;
}

static int label_files(const struct instance *i, const char *label, struct error *err)
{
        static const char *const names[] = { "resolv.conf", "hostname", "hosts" };
        int r = 0;

        for (size_t n = 0; r == 0 && n < ARRAY_SIZE(names); n++)
                r = selinux_relabel_one(i->fd, names[n], label);
        return r < 0 && r != -ENOTSUP ? error_errno(err, -r, "SELinux: label the instance's files") : 0;
}

int selinux_instance_label(struct engine *e, const struct instance *i, const struct selinux_labels *labels,
                           const char *shm, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        char shared[SELINUX_LABEL_SIZE];
        int r;

        if (!*labels->mount)
                return 0;
        r = selinux_label_share(labels->mount, shared, err);
        if (r == 0)
                r = label_files(i, labels->mount, err);
        if (r == 0 && shm)
                r = selinux_relabel(shm, labels->mount, err);
        if (r == 0)
                r = instance_mounts_all(i, &m, err);
        for (size_t n = 0; r == 0 && n < m.n; n++)
                r = label_mount(e, &m.items[n], labels->mount, shared, err);
        return r;
}
