/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a tree, however deep a stranger made it: what lies too deep for our descriptors is moved up first. */
#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

enum { MAX_DEPTH = 64 };

struct removal {
        int top;         /* the tree's own directory */
        unsigned number; /* of what was moved up */
        bool moved;      /* in this pass */
        int failure;
};

static void remove_entry(struct removal *r, int dirfd, const struct dirent *e, int depth);

static int open_directory(int dirfd, const char *name)
{
        return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void remove_content(struct removal *r, int fd, int depth)
{
        int again = open_directory(fd, "."); /* with a place of its own to read on from */
        own_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
        struct dirent *e;

        if (!dir) {
                r->failure = -errno;
                if (again >= 0)
                        close(again);
                return;
        }
        while ((e = readdir(dir))) {
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                        remove_entry(r, fd, e, depth + 1);
        }
}

/* The next pass meets it there. */
static void move_up(struct removal *r, int dirfd, const char *name)
{
        char to[32];

        do {
                snprintf(to, sizeof to, "moved-%u", r->number++);
        } while (renameat2(dirfd, name, r->top, to, RENAME_NOREPLACE) < 0 && errno == EEXIST);
        if (faccessat(r->top, to, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                r->failure = -EIO;
        else
                r->moved = true;
}

/* 1: it is gone; 0: it is a directory; negative: neither. */
static int remove_file(int dirfd, const char *name)
{
        if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
                return 1;
        return errno == EISDIR || errno == EPERM ? 0 : -errno;
}

static void remove_entry(struct removal *r, int dirfd, const struct dirent *e, int depth)
{
        const char *name = e->d_name;
        own_fd int fd = -1;
        int gone = e->d_type == DT_DIR ? 0 : remove_file(dirfd, name);

        if (gone < 0)
                r->failure = gone;
        if (gone)
                return;
        if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
                return;
        if (depth > MAX_DEPTH) {
                move_up(r, dirfd, name);
                return;
        }
        fd = open_directory(dirfd, name);
        if (fd >= 0)
                remove_content(r, fd, depth);
        if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                r->failure = -errno;
}

int fd_remove_tree_at(int dirfd, const char *name)
{
        struct removal r = {};
        own_fd int top = -1;

        top = open_directory(dirfd, name);
        if (top < 0 && (errno == ENOTDIR || errno == ELOOP))
                return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
        if (top < 0)
                return errno == ENOENT ? 0 : -errno;
        r.top = top;
        do {
                r.moved = false;
                r.failure = 0;
                remove_content(&r, top, 0);
        } while (r.moved);
        if (r.failure < 0)
                return r.failure;
        return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}
