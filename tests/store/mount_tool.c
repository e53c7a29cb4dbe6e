/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers and overlays as layer_mounts.h makes them, without a store: LAYER is the file of one, its name the digest.
 *
 * mount_tool [-l] [-v] [-o fd|name|page] RUN COMMAND [ARGUMENT...]
 *   layer TARGET LAYER                     a clone of the layer's mount, attached
 *   image TARGET UPPER WORK LAYER...       an overlay (lowest first; UPPER and WORK "-": read-only), attached
 *   remove NAME                            the layer's own mount is taken away
 *   get COUNT LAYER...                     COUNT processes at once want all of them
 *   time COUNT UPPER WORK LAYER...         microseconds of the first image (the layers' first mount) and of the others
 *   cached LAYER FILE                      pages of FILE that are in memory: of all, after one clone read it, as seen
 * by another clone, by another mount of the file, and those of LAYER itself -l: by loop devices, -o: overlays in that
 * way, whatever the kernel can.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "store/layer_backing.h"
#include "store/layer_mounts.h"
#include "sys/mount_tree.h"

enum { MAX_LAYERS = 500 };

struct tool {
        const char *run;
        bool loop, is_volatile;
        enum overlay_way way;
};

static int open_mounts(const struct tool *t, struct layer_mounts *ret, struct error *err)
{
        int r = layer_mounts_open(t->run, ret, err);

        if (r == 0 && t->loop) {
                ret->known = true;
                ret->backing = LAYER_BACKING_LOOP;
        }
        if (r == 0)
                ret->overlay = t->way;
        return r;
}

static int open_layer(const char *path, struct error *err)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

static int get(struct layer_mounts *m, char *path, struct error *err)
{
        own_fd int fd = open_layer(path, err);

        return fd < 0 ? fd : layer_mounts_get(m, basename(path), fd, err);
}

static int attach(int mount_fd, const char *target, struct error *err)
{
        own_fd int at = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = at < 0 ? -errno : mount_attach(mount_fd, at);

        return r < 0 ? error_errno(err, -r, "attach at %s", target) : 0;
}

static int layer(const struct tool *t, char **argv, int n, struct error *err)
{
        own_layer_mounts struct layer_mounts m = { .run = -1, .dir = -1 };
        int r = open_mounts(t, &m, err);
        own_fd int root = r < 0 ? r : get(&m, argv[1], err), clone = root < 0 ? root : mount_clone(root, "", false);

        return clone < 0 ? clone : attach(clone, argv[0], err);
}

static int open_directory(const char *path)
{
        return strcmp(path, "-") == 0 ? -1 : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* argv: UPPER WORK LAYER... */
static int make_image(const struct tool *t, char **argv, int n, struct error *err)
{
        own_layer_mounts struct layer_mounts m = { .run = -1, .dir = -1 };
        own_fd int upper = open_directory(argv[0]), work = open_directory(argv[1]);
        const struct image_mount_options o = { .upper_fd = upper, .work_fd = work, .is_volatile = t->is_volatile };
        int roots[MAX_LAYERS], opened = 0, r;

        n -= 2;
        if (n < 1 || n > MAX_LAYERS)
                return error_set(err, EINVAL, "%d layers", n);
        r = open_mounts(t, &m, err);
        while (r == 0 && opened < n) {
                roots[opened] = get(&m, argv[2 + opened], err);
                r = roots[opened] < 0 ? roots[opened] : 0;
                opened += r == 0;
        }
        if (r == 0)
                r = layer_mounts_join(&m, roots, (size_t)n, &o, err);
        while (opened > 0)
                close(roots[--opened]);
        return r;
}

static int image(const struct tool *t, char **argv, int n, struct error *err)
{
        own_fd int overlay = make_image(t, argv + 1, n - 1, err);

        return overlay < 0 ? overlay : attach(overlay, argv[0], err);
}

static int remove_layer(const struct tool *t, char **argv, int n, struct error *err)
{
        own_layer_mounts struct layer_mounts m = { .run = -1, .dir = -1 };
        int r = open_mounts(t, &m, err);

        return r < 0 ? r : layer_mounts_remove(&m, argv[0], err);
}

static int get_all(const struct tool *t, char **argv, int n, struct error *err)
{
        own_layer_mounts struct layer_mounts m = { .run = -1, .dir = -1 };
        int r = open_mounts(t, &m, err);

        for (int i = 0; r >= 0 && i < n; i++) {
                r = get(&m, argv[i], err);
                if (r >= 0)
                        close(r);
        }
        return r < 0 ? r : 0;
}

static int get_at_once(const struct tool *t, char **argv, int n, struct error *err)
{
        uint32_t count;
        int status, failed = 0;

        if (parse_u32(argv[0], 10, &count) < 0)
                return error_set(err, EINVAL, "%s", argv[0]);
        for (uint32_t i = 0; i < count; i++) {
                if (fork() == 0) {
                        int r = get_all(t, argv + 1, n - 1, err);

                        if (r < 0)
                                fprintf(stderr, "%s\n", err->text);
                        _exit(r < 0);
                }
        }
        while (wait(&status) > 0)
                failed += status != 0;
        return failed ? error_set(err, ECHILD, "%d failed", failed) : 0;
}

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static int time_image(const struct tool *t, char **argv, int n, struct error *err)
{
        double took[1000] = {}, begin;
        uint32_t count;

        if (parse_u32(argv[0], 10, &count) < 0 || count < 2 || count > ARRAY_SIZE(took))
                return error_set(err, EINVAL, "%s", argv[0]);
        for (uint32_t i = 0; i < count; i++) {
                int fd;

                begin = now();
                fd = make_image(t, argv + 1, n - 1, err);
                took[i] = now() - begin;
                if (fd < 0)
                        return fd;
                close(fd);
        }
        qsort(took + 1, count - 1, sizeof *took, compare);
        printf("first %.0f median %.0f worst %.0f us\n", took[0], took[1 + (count - 1) / 2], took[count - 1]);
        return 0;
}

static int map(int dirfd, const char *path, void **ret, size_t *ret_len, struct error *err)
{
        own_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_errno(err, errno, "open %s", path);
        *ret_len = (size_t)st.st_size;
        *ret = mmap(NULL, *ret_len, PROT_READ, MAP_SHARED, fd, 0);
        return *ret == MAP_FAILED ? error_errno(err, errno, "map %s", path) : 0;
}

static int count_pages(int dirfd, const char *path, const char *label, struct error *err)
{
        own_mem unsigned char *vec = NULL;
        size_t len = 0, pages, in = 0;
        void *p;
        int r = map(dirfd, path, &p, &len, err);

        if (r < 0)
                return r;
        pages = (len + 4095) / 4096;
        vec = calloc(pages, 1);
        if (!vec || mincore(p, len, vec) < 0)
                return error_errno(err, errno, "mincore");
        for (size_t i = 0; i < pages; i++)
                in += vec[i] & 1;
        munmap(p, len);
        printf("%s %zu of %zu\n", label, in, pages);
        return 0;
}

static int forget(int dirfd, const char *path, struct error *err)
{
        own_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return error_errno(err, errno, "open %s", path);
        fsync(fd);
        return posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 ? 0 : error_set(err, EIO, "forget %s", path);
}

static int read_all(int dirfd, const char *path)
{
        own_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
        char data[65536];
        ssize_t n = fd;

        while (n >= 0 && (n = read(fd, data, sizeof data)) > 0)
                continue;
        return n < 0 ? -errno : 0;
}

static int cached(const struct tool *t, char **argv, int n, struct error *err)
{
        own_layer_mounts struct layer_mounts m = { .run = -1, .dir = -1 };
        own_fd int file = open_layer(argv[0], err), root = -1, one = -1, two = -1, other = -1;
        int r = file < 0 ? file : open_mounts(t, &m, err);

        if (r == 0)
                r = root = layer_mounts_get(&m, basename(argv[0]), file, err);
        if (r < 0)
                return r;
        one = mount_clone(root, "", false);
        two = mount_clone(root, "", false);
        other = layer_backing_mount(&m, file, err);
        if (one < 0 || two < 0 || other < 0)
                return error_set(err, EINVAL, "cannot clone and mount");
        if (forget(AT_FDCWD, argv[0], err) < 0 || forget(one, argv[1], err) < 0 || read_all(one, argv[1]) < 0)
                return error_set(err, EIO, "cannot read %s", argv[1]);
        r = count_pages(two, argv[1], "clone", err);
        if (r == 0)
                r = count_pages(other, argv[1], "mount", err);
        return r == 0 ? count_pages(AT_FDCWD, argv[0], "layer", err) : r;
}

static const struct command {
        const char *name;
        int least;
        int (*run)(const struct tool *t, char **argv, int n, struct error *err);
} commands[] = {
        { "layer", 2, layer },     { "image", 4, image },     { "remove", 1, remove_layer },
        { "get", 2, get_at_once }, { "time", 4, time_image }, { "cached", 2, cached },
};

static bool read_options(int argc, char **argv, struct tool *t)
{
        static const char *const ways[] = { "", "fd", "name", "page" };
        int c;

        while ((c = getopt(argc, argv, "+lvo:")) != -1) {
                t->loop |= c == 'l';
                t->is_volatile |= c == 'v';
                for (size_t i = 1; c == 'o' && i < ARRAY_SIZE(ways); i++) {
                        if (strcmp(optarg, ways[i]) == 0)
                                t->way = (enum overlay_way)i;
                }
                if (c == '?')
                        return false;
        }
        return argc - optind >= 2;
}

int main(int argc, char **argv)
{
        struct tool t = {};
        struct error err = {};
        int r;

        if (!read_options(argc, argv, &t))
                return 2;
        t.run = argv[optind];
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                if (strcmp(argv[optind + 1], commands[i].name) != 0 || argc - optind - 2 < commands[i].least)
                        continue;
                r = commands[i].run(&t, argv + optind + 2, argc - optind - 2, &err);
                if (r < 0)
                        fprintf(stderr, "%s\n", err.text);
                return r < 0;
        }
        return 2;
}
