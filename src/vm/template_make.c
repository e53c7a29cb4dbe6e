/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "vm/template.h"
#include "vm/template_files.h"

#define LOCK "lock"
#define PART "part"

/* ---- one maker at a time ---- */

static int lock_templates(int top, int operation, struct error *err)
{
        own_fd int fd = openat(top, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r;

        if (fd < 0)
                return error_errno(err, errno, "lock the templates");
        do
                r = flock(fd, operation);
        while (r < 0 && errno == EINTR);
        return r < 0 ? error_errno(err, errno, "lock the templates") : take_fd(&fd);
}

/* At once out of the way of who looks for it. */
static int remove_locked(int top, const char *key)
{
        int r = fd_remove_tree_at(top, PART);

        if (r < 0)
                return r;
        if (renameat(top, key, top, PART) < 0)
                return -errno;
        return fd_remove_tree_at(top, PART);
}

int template_remove(const char *templates, const char *key, struct error *err)
{
        own_fd int top = open(templates, O_RDONLY | O_DIRECTORY | O_CLOEXEC), lock = -1;
        int r;

        if (top < 0)
                return error_errno(err, errno, "open %s", templates);
        lock = lock_templates(top, LOCK_EX, err);
        if (lock < 0)
                return lock;
        r = remove_locked(top, key);
        return r < 0 ? error_errno(err, -r, "remove template %.12s", key) : 0;
}

void templates_sweep(const char *templates)
{
        own_fd int top = open(templates, O_RDONLY | O_DIRECTORY | O_CLOEXEC), lock = -1;

        if (top < 0 || faccessat(top, PART, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        lock = lock_templates(top, LOCK_EX | LOCK_NB, NULL);
        if (lock >= 0)
                fd_remove_tree_at(top, PART);
}

/* ---- its beginning ---- */

void template_making_finish(struct template_making *m)
{
        int *const fds[] = { &m->state, &m->part, &m->lock, &m->templates };

        if (m->part >= 0)
                fd_remove_tree_at(m->templates, PART);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                if (*fds[i] >= 0)
                        close(take_fd(fds[i]));
}

/* 1: there is one that nobody has refused. */
static int has_come(const char *templates, const char *key, int top, int64_t refused, struct error *err)
{
        own_template struct template t = { .memory = -1, .state = -1 };
        int r = template_open(templates, key, &t, err);

        if (r == 0 && t.manifest.memory_time != refused)
                return 1;
        if (r == -ENOENT)
                return 0;
        r = remove_locked(top, key);
        return r < 0 && r != -ENOENT ? error_errno(err, -r, "remove template %.12s", key) : 0;
}

static int make_part(struct template_making *m, struct error *err)
{
        int r = fd_remove_tree_at(m->templates, PART);

        if (r == 0 && mkdirat(m->templates, PART, 0700) < 0)
                r = -errno;
        if (r == 0) {
                m->part = openat(m->templates, PART, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                r = m->part < 0 ? -errno : 0;
        }
        if (r == 0) {
                m->state = openat(m->part, "state", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
                r = m->state < 0 ? -errno : 0;
        }
        return r < 0 ? error_errno(err, -r, "make a template") : 0;
}

int template_begin(const char *templates, const char *key, int64_t refused, struct template_making *ret,
                   struct error *err)
{
        own_template_making struct template_making m = { -1, -1, -1, -1 };
        int r = fd_mkdir_all(templates, 0700);

        *ret = m;
        m.templates = r < 0 ? r : open(templates, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (m.templates < 0)
                return error_errno(err, r < 0 ? -r : errno, "make %s", templates);
        m.lock = lock_templates(m.templates, LOCK_EX, err);
        if (m.lock < 0)
                return m.lock;
        r = has_come(templates, key, m.templates, refused, err);
        if (r == 0)
                r = make_part(&m, err);
        if (r != 0)
                return r;
        *ret = m;
        m = (struct template_making){ -1, -1, -1, -1 };
        return 0;
}

/* ---- its end ---- */

/* The time is taken when nothing will be written any more. */
static int write_memory(const struct template_making *m, int memory, struct template_manifest *manifest)
{
        own_fd int fd = openat(m->part, "memory", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
        struct stat st;
        int r = fd < 0 ? -errno : template_digest_memory(memory, fd, manifest->memory_digest);

        if (r < 0 || fstat(fd, &st) < 0)
                return r < 0 ? r : -errno;
        manifest->memory_size = st.st_size;
        manifest->memory_time = template_file_time(fd);
        return 0;
}

static int read_state(const struct template_making *m, struct template_manifest *manifest)
{
        struct stat st;

        if (fstat(m->state, &st) < 0)
                return -errno;
        manifest->state_size = st.st_size;
        return template_digest_file(m->state, manifest->state_digest);
}

static int write_manifest(const struct template_making *m, struct template_manifest *manifest)
{
        own_buf struct buf text = {};

        if (fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", manifest->boot, sizeof(manifest->boot)) <= 0)
                snprintf(manifest->boot, sizeof(manifest->boot), "?");
        manifest->made = time(NULL);
        template_manifest_write(manifest, &text);
        return buf_failed(&text) ? -ENOMEM : fd_replace_file_at(m->part, "manifest", text.data, text.len, 0400);
}

/* Of another QEMU, kernel or agent. */
static bool is_outdated(const struct template_entry *e, const char *origin)
{
        return *origin && strcmp(e->manifest.origin, origin) != 0;
}

/* Removes what nobody will ask for again, then what was not used for the longest time, until the rest is small enough. */
static void keep_limit(const char *templates, int top, const char *key, const char *origin, uint64_t limit)
{
        own_mem struct template_entry *v = NULL;
        uint64_t all = 0;
        size_t n = 0;

        if (templates_list(templates, &v, &n, NULL) < 0)
                return;
        for (size_t i = 0; i < n; i++)
                all += v[i].bytes;
        for (size_t i = 0; i < 2 * n && all > limit; i++) {
                const struct template_entry *e = &v[i % n];

                if (strcmp(e->key, key) == 0 || is_outdated(e, origin) != (i < n) || remove_locked(top, e->key) < 0)
                        continue;
                all -= e->bytes;
        }
}

int template_commit(struct template_making *m, const char *key, int memory, struct template_manifest *manifest,
                    uint64_t limit, struct error *err)
{
        char path[32];
        int r = write_memory(m, memory, manifest);

        if (r == 0)
                r = read_state(m, manifest);
        if (r == 0)
                r = write_manifest(m, manifest);
        if (r == 0 && renameat(m->templates, PART, m->templates, key) < 0)
                r = -errno;
        if (r < 0)
                return error_errno(err, -r, "write a template");
        close(take_fd(&m->part));
        snprintf(path, sizeof(path), "/proc/self/fd/%d", m->templates);
        keep_limit(path, m->templates, key, manifest->origin, limit);
        return 0;
}

int template_seal(int directory, struct template_manifest *manifest, struct error *err)
{
        own_fd int memory = openat(directory, "memory", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        own_fd int state = openat(directory, "state", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        const struct template_making m = { .part = directory, .state = state };
        struct stat st = {};
        int r = memory < 0 || state < 0 || fstat(memory, &st) < 0 ? -errno : 0;

        if (r == 0)
                r = template_digest_memory(memory, -1, manifest->memory_digest);
        if (r == 0) {
                manifest->memory_size = st.st_size;
                manifest->memory_time = template_file_time(memory);
                r = read_state(&m, manifest);
        }
        if (r == 0)
                r = write_manifest(&m, manifest);
        return r < 0 ? error_errno(err, -r, "write a template") : 0;
}
