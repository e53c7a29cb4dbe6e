/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "vm/guest_memory.h"

enum { MAX_MAPS = 4 << 20, MAX_CHILDREN = 256 };

/* A line of /proc/PID/maps. */
struct mapping {
        uint64_t start, end, offset;
        bool is_private, has_file;
};

/* "START-END PERMISSIONS OFFSET DEVICE INODE ..." */
static void read_line(const char *line, struct mapping *ret)
{
        char *at;

        ret->start = strtoull(line, &at, 16);
        ret->end = strtoull(at + (*at == '-'), &at, 16);
        ret->is_private = strncmp(at, " rw-p ", 6) == 0;
        ret->offset = ret->is_private ? strtoull(at + 6, &at, 16) : 0;
        at = ret->is_private ? strchr(at + 1, ' ') : NULL;
        ret->has_file = at && strtoull(at, NULL, 10) != 0;
}

/* One descriptor a file, whatever is mapped of it. */
static int find_file(const struct buf *segments, const struct stat *st)
{
        const struct guest_segment *s = (const struct guest_segment *)segments->data;

        for (size_t i = 0; i < segments->len / sizeof(*s); i++)
                if (s[i].file >= 0 && s[i].device == st->st_dev && s[i].inode == st->st_ino)
                        return s[i].file;
        return -1;
}

static int open_file(const struct guest_memory *m, const struct mapping *map, const struct buf *segments,
                     struct guest_segment *s)
{
        char path[80];
        own_fd int fd = -1;
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)m->pid, map->start, map->end);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        s->device = st.st_dev;
        s->inode = st.st_ino;
        s->file = find_file(segments, &st);
        s->owns_file = s->file < 0;
        if (s->owns_file)
                s->file = take_fd(&fd);
        return 0;
}

static int add_segment(const struct guest_memory *m, const struct mapping *map, struct buf *segments)
{
        struct guest_segment s = {
                .start = map->start - m->start, .length = map->end - map->start, .offset = map->offset, .file = -1
        };
        int r = map->has_file ? open_file(m, map, segments, &s) : 0;

        if (r == 0)
                buf_add(segments, &s, sizeof(s));
        return r;
}

static bool is_it(const struct guest_memory *m, bool is_known, const struct mapping *map)
{
        if (!map->is_private)
                return false;
        return is_known ? map->start >= m->start && map->end <= m->start + m->size : map->end - map->start == m->size;
}

/* -ENOENT: this process has none. */
static int list(struct guest_memory *m, const char *maps, struct buf *segments)
{
        const bool is_known = m->start;
        uint64_t found = 0;
        int r = 0;

        for (const char *line = maps; r == 0 && line && *line;) {
                struct mapping map;

                read_line(line, &map);
                line = strchr(line, '\n');
                line += line != NULL;
                if (!is_it(m, is_known, &map))
                        continue;
                m->start = is_known ? m->start : map.start;
                found += map.end - map.start;
                r = found > m->size ? -ENOTUNIQ : add_segment(m, &map, segments);
        }
        return r == 0 && found != m->size ? -ENOENT : r;
}

static int find(pid_t pid, uint64_t start, uint64_t size, struct guest_memory *ret)
{
        own_guest_memory struct guest_memory m = { .pid = pid, .start = start, .size = size };
        own_buf struct buf maps = {}, segments = {};
        own_fd int fd = -1;
        char path[32];
        int r;

        snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : fd_read_all(fd, MAX_MAPS, &maps);
        if (r == 0)
                r = list(&m, buf_str(&maps), &segments);
        m.n_segments = segments.len / sizeof(*m.segments);
        m.segments = (struct guest_segment *)segments.data;
        segments = (struct buf){};
        if (r < 0)
                return r;
        *ret = m;
        m = (struct guest_memory){};
        return 0;
}

static pid_t first_child(pid_t pid)
{
        char path[64], text[MAX_CHILDREN] = "";

        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
        return fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

int guest_memory_open(pid_t pid, uint64_t start, uint64_t size, struct guest_memory *ret, struct error *err)
{
        int r = find(pid, start, size, ret);

        if (r == -ENOENT)
                r = find(first_child(pid), start, size, ret);
        return r < 0 ? error_errno(err, -r, "find the memory of a guest") : 0;
}

void guest_memory_close(struct guest_memory *m)
{
        for (size_t i = 0; i < m->n_segments; i++)
                if (m->segments[i].owns_file)
                        close(m->segments[i].file);
        free(m->segments);
        *m = (struct guest_memory){};
}
