/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/user_range.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "base/parse.h"
#include "container/namespaces.h"
#include "instance/flag_value.h"
#include "instance/instance_name.h"
#include "sys/subordinate_ids.h"
#include "sys/user_namespace.h"

#define RANGE "range"

enum { DEFAULT_SIZE = 65536, MAX_TEXT = 64 };

static const char *const owners[] = { "holt", "containers" };

/* first: of user and group ids. */
struct range {
        uint32_t first[2], size;
};

struct ranges {
        struct range *v;
        size_t n, cap;
};

static void ranges_finish(struct ranges *r)
{
        free(r->v);
}
#define own_ranges __attribute__((cleanup(ranges_finish)))

int user_range_read_flag(const char *userns, uint32_t *ret_size, struct error *err)
{
        *ret_size = DEFAULT_SIZE;
        if (!userns ||
            (strcmp(userns, "auto") != 0 && strcmp(userns, "private") != 0 && strncmp(userns, "auto:", 5) != 0))
                return 0;
        if (geteuid() != 0 || user_namespace_is_nested())
                return flag_refuse("userns", userns, "an ordinary user's instances share one range: his own", err);
        if (userns[4] != ':')
                return 1;
        if (strncmp(userns + 5, "size=", 5) != 0 || parse_u32(userns + 10, 10, ret_size) < 0 || !*ret_size)
                return flag_refuse("userns", userns, "must be auto or auto:size=NUMBER", err);
        return 1;
}

/* ---- what is taken ---- */

/* "UID:GID:SIZE" */
static int read_range(int dir, const char *path, struct range *ret)
{
        char text[MAX_TEXT], *rest = text;
        ssize_t len = readlinkat(dir, path, text, sizeof text - 1);
        const char *uid, *gid;

        if (len < 0)
                return -errno;
        text[len] = '\0';
        uid = strsep(&rest, ":");
        gid = strsep(&rest, ":");
        return rest && parse_u32(uid, 10, &ret->first[0]) == 0 && parse_u32(gid, 10, &ret->first[1]) == 0 &&
                               parse_u32(rest, 10, &ret->size) == 0
                       ? 0
                       : -EINVAL;
}

static int find_taken(int instances, struct ranges *ret, struct error *err)
{
        int fd = openat(instances, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        char path[INSTANCE_ID_LEN + sizeof "/" RANGE];
        struct dirent *d;

        if (!dir)
                return error_errno(err, errno, "read the directory of instances");
        while ((errno = 0, d = readdir(dir))) {
                struct range r;

                if (!instance_is_id(d->d_name))
                        continue;
                snprintf(path, sizeof path, "%.64s/" RANGE, d->d_name);
                if (read_range(instances, path, &r) < 0)
                        continue;
                if (array_grow(&ret->v, &ret->cap, ret->n + 1, sizeof *ret->v) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                ret->v[ret->n++] = r;
        }
        return errno ? error_errno(err, errno, "read the directory of instances") : 0;
}

/* The end of a range that is taken of these ids and meets [first, first + size); 0: none does. */
static uint64_t find_end(const struct ranges *taken, unsigned which, uint64_t first, uint64_t size)
{
        for (size_t i = 0; i < taken->n; i++) {
                uint64_t begin = taken->v[i].first[which], end = begin + taken->v[i].size;

                if (first < end && begin < first + size)
                        return end;
        }
        return 0;
}

/* The first gap in one of the lines. */
static bool find_gap(const struct id_mappings *lines, const struct ranges *taken, unsigned which, uint32_t size,
                     uint32_t *ret)
{
        for (size_t i = 0; i < lines->n; i++) {
                uint64_t first = lines->v[i].host_id, end = first + lines->v[i].size, next;

                while (first + size <= end && (next = find_end(taken, which, first, size)))
                        first = next;
                if (first + size <= end) {
                        *ret = (uint32_t)first;
                        return true;
                }
        }
        return false;
}

/* ---- taking ---- */

static int find_lines(const char *path, struct arena *a, struct id_mappings *ret, const char **ret_owner,
                      struct error *err)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(owners); i++) {
                *ret_owner = owners[i];
                r = subordinate_ids_of_name(path, owners[i], a, ret, err);
                if (r == 0 && ret->n)
                        return 0;
        }
        return r < 0 ? r
                     : error_set(err, ENOENT,
                                 "--userns auto: %s has no ids for instances: add a line \"holt:1879048192:16777216\", "
                                 "of numbers that nobody else has",
                                 path);
}

static int choose(const struct ranges *taken, uint32_t size, struct range *ret, struct error *err)
{
        static const char *const paths[] = { "/etc/subuid", "/etc/subgid" };
        struct arena a = {};
        int r = 0;

        ret->size = size;
        for (unsigned which = 0; r == 0 && which < ARRAY_SIZE(paths); which++) {
                struct id_mappings lines = {};
                const char *owner;

                r = find_lines(paths[which], &a, &lines, &owner, err);
                if (r == 0 && !find_gap(&lines, taken, which, size, &ret->first[which]))
                        r = error_set(err, ENOSPC,
                                      "--userns auto: %s has no %u ids in a row left for the user %s (%zu instances "
                                      "have theirs): add another line, or ask for fewer by --userns auto:size=NUMBER",
                                      paths[which], size, owner, taken->n);
        }
        arena_finish(&a);
        return r;
}

static int take(struct engine *e, struct instance *i, uint32_t size, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err), lock = -1;
        own_ranges struct ranges taken = {};
        struct range range = {};
        char text[MAX_TEXT];
        int r;

        if (dir < 0)
                return dir;
        lock = openat(dir, "ranges.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (lock < 0 || flock(lock, LOCK_EX) < 0)
                return error_errno(err, errno, "lock the ranges of ids");
        r = find_taken(dir, &taken, err);
        if (r == 0)
                r = choose(&taken, size, &range, err);
        if (r < 0)
                return r;
        snprintf(text, sizeof text, "%u:%u:%u", range.first[0], range.first[1], range.size);
        return symlinkat(text, i->fd, RANGE) < 0 ? error_errno(err, errno, "keep the instance's range of ids") : 0;
}

int user_range_take(struct engine *e, struct instance *i, struct error *err)
{
        uint32_t size;
        int r = user_range_read_flag(i->options.userns, &size, err);

        return r <= 0 ? r : take(e, i, size, err);
}

int user_range_open(const struct instance *i, struct image_users *ret, struct error *err)
{
        struct id_mapping mappings[2];
        struct id_mappings lists[2];
        struct range range;
        uint32_t size;
        int r = user_range_read_flag(i->options.userns, &size, err);

        if (r <= 0)
                return r;
        r = read_range(i->fd, RANGE, &range);
        if (r < 0)
                return error_errno(err, -r, "read the range of ids of instance %s", i->name);
        for (unsigned which = 0; which < ARRAY_SIZE(lists); which++) {
                mappings[which] = (struct id_mapping){ .host_id = range.first[which], .size = range.size };
                lists[which] = (struct id_mappings){ .n = 1, .v = &mappings[which] };
        }
        r = namespaces_new_userns(&lists[0], &lists[1], err);
        if (r < 0)
                return r;
        *ret = (struct image_users){ .user_ns = r, .uid = range.first[0], .gid = range.first[1] };
        return 0;
}
