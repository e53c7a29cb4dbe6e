/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer_unpacked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "store/layer_unpack.h"
#include "sys/fd.h"
#include "sys/user_namespace.h"

#define PLACE "unpacked"

enum { MAP_SIZE = 4096, NAME_SIZE = 192 };

static int open_directory(int dirfd, const char *name)
{
        int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/*
 * By its path: who has entered another mount namespace (an ordinary user his own) can mount nothing of what he has
 * opened before. -ENOENT.
 */
static int open_place(struct store *s)
{
        own_mem char *path = NULL;

        if (asprintf(&path, "%s/" PLACE, s->root) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return open_directory(AT_FDCWD, path);
}

static int make_place(struct store *s, struct error *err)
{
        int fd = open_place(s);

        if (fd == -ENOENT && mkdirat(s->root_fd, PLACE, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, "make %s/" PLACE, s->root);
        if (fd == -ENOENT)
                fd = open_place(s);
        return fd < 0 ? error_errno(err, -fd, "open %s/" PLACE, s->root) : fd;
}

static int lock(int place, int operation)
{
        int r;

        do
                r = flock(place, operation);
        while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : 0;
}

/* ---- names ---- */

/* FNV-1a */
static uint32_t hash(uint32_t h, const char *text)
{
        for (; *text; text++)
                h = (h ^ (unsigned char)*text) * 16777619;
        return h;
}

static int name_tree(const char *hex, char name[NAME_SIZE], struct error *err)
{
        static const char *const files[] = { "/proc/self/uid_map", "/proc/self/gid_map" };
        char map[MAP_SIZE];
        uint32_t h = 2166136261;

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                ssize_t r = fd_read_file_at(AT_FDCWD, files[i], map, sizeof map);

                if (r < 0)
                        return error_errno(err, (int)-r, "read %s", files[i]);
                h = hash(hash(h, map), "/");
        }
        return snprintf(name, NAME_SIZE, "%s-%08x", hex, (unsigned)h) >= NAME_SIZE
                       ? error_set(err, ENAMETOOLONG, "%s", hex)
                       : 0;
}

/* A tree that is, or may be, not whole. */
static bool is_remainder(const char *name)
{
        return *name != '.' && strchr(name, '.');
}

/* ---- making and removing ---- */

static int forget(int place, const char *name, struct error *err)
{
        char to[NAME_SIZE];
        uint32_t number;

        do {
                if (getrandom(&number, sizeof number, 0) != sizeof number)
                        return error_errno(err, errno, "get random bytes");
                if (snprintf(to, sizeof to, "%s.gone-%08x", name, (unsigned)number) >= (int)sizeof to)
                        return error_set(err, ENAMETOOLONG, "%s", name);
                if (renameat2(place, name, place, to, RENAME_NOREPLACE) == 0 || errno == ENOENT)
                        return 0;
        } while (errno == EEXIST);
        return error_errno(err, errno, "rename " PLACE "/%s", name);
}

static DIR *list(int place)
{
        int fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir && fd >= 0)
                close(fd);
        return dir;
}

/* With the lock. */
static int sweep(int place, struct error *err)
{
        own_dir DIR *dir = list(place);
        struct dirent *e;
        int r = 0;

        if (!dir)
                return error_errno(err, errno, "read " PLACE);
        while ((e = readdir(dir))) {
                if (is_remainder(e->d_name) && user_namespace_remove_tree(place, e->d_name, err) < 0)
                        r = -err->code;
        }
        return r;
}

static void tell(const struct layer_unpack_result *l, void (*warn)(const char *text))
{
        char text[256];

        if (!warn || !(l->owners + l->devices + l->xattrs))
                return;
        snprintf(text, sizeof text,
                 "a layer is not here as it was made: %llu files belong to root instead of ids that you do not have "
                 "(see "
                 "/etc/subuid and /etc/subgid), %llu devices and %llu extended attributes are missing",
                 (unsigned long long)l->owners, (unsigned long long)l->devices, (unsigned long long)l->xattrs);
        warn(text);
}

static int note_size(int dir, uint64_t bytes, struct error *err)
{
        char text[24];

        snprintf(text, sizeof text, "%llu", (unsigned long long)bytes);
        return symlinkat(text, dir, "size") < 0 ? error_errno(err, errno, "note its size") : 0;
}

static int fill(struct store *s, int dir, int image_fd, struct layer_unpack_result *losses, struct error *err)
{
        own_fd int tree = -1, links = -1;
        int r;

        if (symlinkat(store_boot(s), dir, "boot") < 0 || mkdirat(dir, "tree", 0700) < 0 ||
            mkdirat(dir, "links", 0700) < 0)
                return error_errno(err, errno, "make its directories");
        tree = open_directory(dir, "tree");
        links = open_directory(dir, "links");
        if (tree < 0 || links < 0)
                return error_errno(err, tree < 0 ? -tree : -links, "open its directories");
        r = layer_unpack(image_fd, tree, links, losses, err);
        if (r == 0)
                r = note_size(dir, losses->bytes, err);
        if (r == 0 && unlinkat(dir, "links", AT_REMOVEDIR) < 0)
                r = error_errno(err, errno, "remove a directory");
        return r;
}

/* With the lock: nothing else has that name. */
static int make(struct store *s, int place, const char *name, int image_fd, struct layer_unpack_result *losses,
                struct error *err)
{
        char new[NAME_SIZE + 8];
        own_fd int dir = -1;
        int r;

        snprintf(new, sizeof new, "%s.new", name);
        if (mkdirat(place, new, 0700) < 0)
                return error_errno(err, errno, "make %s/" PLACE "/%s", s->root, new);
        dir = open_directory(place, new);
        r = dir < 0 ? error_errno(err, -dir, "open %s", new) : fill(s, dir, image_fd, losses, err);
        if (r == 0 && renameat(place, new, place, name) < 0)
                r = error_errno(err, errno, "rename %s", new);
        if (r == 0)
                later_sync_tree(&s->later, dir);
        else
                user_namespace_remove_tree(place, new, NULL);
        return r;
}

/* ---- the interface ---- */

/* Whether it is as it was made, as far as the disk goes. */
static bool is_good(struct store *s, int dir)
{
        char boot[BOOT_SIZE];
        ssize_t n = readlinkat(dir, "boot", boot, sizeof boot - 1);

        if (n < 0)
                return errno == ENOENT;
        boot[n] = '\0';
        return strcmp(boot, store_boot(s)) == 0;
}

/* -ENOENT: none that would do. */
static int find(struct store *s, int place, const char *name)
{
        own_fd int dir = open_directory(place, name);
        int fd;

        if (dir < 0)
                return dir;
        if (!is_good(s, dir))
                return -ENOENT;
        fd = openat(dir, "tree", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* With the lock. */
static int find_or_make(struct store *s, int place, const char *name, int image_fd, void (*warn)(const char *text),
                        struct error *err)
{
        struct layer_unpack_result losses = {};
        struct error ignored;
        int r = find(s, place, name);

        if (r >= 0)
                return r;
        r = forget(place, name, err);
        if (r < 0)
                return r;
        sweep(place, &ignored);
        r = make(s, place, name, image_fd, &losses, err);
        if (r < 0)
                return r;
        tell(&losses, warn);
        r = find(s, place, name);
        return r < 0 ? error_errno(err, -r, "open it") : r;
}

int layer_unpacked_get(struct store *s, const char *hex, int image_fd, void (*warn)(const char *text),
                       struct error *err)
{
        own_fd int place = make_place(s, err);
        char name[NAME_SIZE];
        int r = place < 0 ? place : name_tree(hex, name, err);

        if (r < 0)
                return r;
        r = find(s, place, name);
        if (r >= 0)
                return r;
        r = lock(place, LOCK_EX);
        if (r < 0)
                return error_errno(err, -r, "lock %s/" PLACE, s->root);
        r = find_or_make(s, place, name, image_fd, warn, err);
        return r < 0 ? error_wrap(err, "unpack layer %.12s", hex) : r;
}

int layer_unpacked_forget(struct store *s, const char *hex, struct error *err)
{
        own_fd int place = open_place(s);
        own_dir DIR *dir = NULL;
        struct dirent *e;
        int r = 0;

        if (place == -ENOENT)
                return 0;
        dir = place < 0 ? NULL : list(place);
        if (!dir)
                return error_errno(err, place < 0 ? -place : errno, "read %s/" PLACE, s->root);
        while (r == 0 && (e = readdir(dir))) {
                if (strncmp(e->d_name, hex, strlen(hex)) == 0 && !is_remainder(e->d_name))
                        r = forget(place, e->d_name, err);
        }
        return r;
}

static uint64_t read_size(int dir)
{
        uint64_t bytes = 0;
        char text[24];
        ssize_t n = readlinkat(dir, "size", text, sizeof text - 1);

        text[n > 0 ? n : 0] = '\0';
        (void)parse_u64(text, 10, &bytes);
        return bytes;
}

int layer_unpacked_each(struct store *s, int (*each)(void *userdata, const struct unpacked_layer *u), void *userdata,
                        struct error *err)
{
        own_fd int place = open_place(s);
        own_dir DIR *dir = NULL;
        struct dirent *e;
        bool at_work;
        int r = 0;

        if (place == -ENOENT)
                return 0;
        dir = place < 0 ? NULL : list(place);
        if (!dir)
                return error_errno(err, place < 0 ? -place : errno, "read %s/" PLACE, s->root);
        at_work = lock(place, LOCK_SH | LOCK_NB) < 0;
        while (r == 0 && (e = readdir(dir))) {
                own_fd int one = *e->d_name == '.' ? -1 : open_directory(place, e->d_name);
                bool remainder = is_remainder(e->d_name);

                if (*e->d_name == '.' || (remainder && at_work))
                        continue;
                r = each(userdata, &(struct unpacked_layer){ .name = e->d_name,
                                                             .hex = strcspn(e->d_name, "-"),
                                                             .bytes = one < 0 ? 0 : read_size(one),
                                                             .whole = one >= 0 && !remainder && is_good(s, one) });
        }
        return r;
}

int layer_unpacked_sweep(struct store *s, struct error *err)
{
        own_fd int place = open_place(s);
        int r = place < 0 ? place : lock(place, LOCK_EX | LOCK_NB);

        if (r < 0)
                return r == -ENOENT || r == -EWOULDBLOCK ? 0 : error_errno(err, -r, "open %s/" PLACE, s->root);
        return sweep(place, err);
}

static bool has_remainders(int place)
{
        own_dir DIR *dir = list(place);
        struct dirent *e;
        bool found = false;

        while (dir && !found && (e = readdir(dir)))
                found = is_remainder(e->d_name);
        return found;
}

static void sweep_alone(int place)
{
        struct error ignored;

        if (lock(place, LOCK_EX | LOCK_NB) == 0)
                sweep(place, &ignored);
}

void layer_unpacked_sweep_later(struct store *s)
{
        own_fd int place = open_place(s);

        if (place >= 0 && has_remainders(place))
                later_do(&s->later, take_fd(&place), sweep_alone);
}
