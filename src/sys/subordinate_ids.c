/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/subordinate_ids.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/passwd.h"

/* The kernel takes 340 lines of a map. */
enum { MAX_FILE = 1 << 20, MAX_RANGES = 300 };

/* "NAME:FIRST:COUNT" */
static bool read_line(char *line, const char *user, const char *number, struct id_mapping *ret)
{
        const char *name = strsep(&line, ":"), *first = strsep(&line, ":"), *count = strsep(&line, ":");

        return count && !line && (strcmp(name, user) == 0 || strcmp(name, number) == 0) &&
               parse_u32(first, 10, &ret->host_id) == 0 && parse_u32(count, 10, &ret->size) == 0 && ret->size &&
               ret->size <= UINT32_MAX - ret->host_id;
}

static void read_lines(char *text, const char *user, const char *number, struct id_mappings *m)
{
        uint32_t next = 1;
        char *line;

        while ((line = strsep(&text, "\n")) && m->n <= MAX_RANGES) {
                struct id_mapping range = { .container_id = next };

                if (!read_line(line, user, number, &range) || range.size > UINT32_MAX - next)
                        continue;
                m->v[m->n++] = range;
                next += range.size;
        }
}

int subordinate_ids_of_name(const char *path, const char *name, struct arena *a, struct id_mappings *ret,
                            struct error *err)
{
        own_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        own_buf struct buf text = {};
        struct id_mappings m = { .v = arena_alloc(a, MAX_RANGES + 1, sizeof *m.v) };

        if (!m.v)
                return error_set(err, ENOMEM, "out of memory");
        if (fd >= 0 && fd_read_all(fd, MAX_FILE, &text) == 0 && text.len)
                read_lines(text.data, name, name, &m);
        *ret = m;
        return 0;
}

int subordinate_ids_find(const char *path, uid_t uid, uint32_t own_id, struct arena *a, struct id_mappings *ret,
                         struct error *err)
{
        own_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        own_buf struct buf text = {};
        struct id_mappings m = { .v = arena_alloc(a, MAX_RANGES + 1, sizeof *m.v) };
        struct passwd_entry user;
        char number[16];

        if (!m.v)
                return error_set(err, ENOMEM, "out of memory");
        m.v[m.n++] = (struct id_mapping){ .host_id = own_id, .size = 1 };
        snprintf(number, sizeof number, "%u", (unsigned)uid);
        if (fd >= 0 && fd_read_all(fd, MAX_FILE, &text) == 0 && text.len) {
                bool known = passwd_find("/etc/passwd", uid, &user);

                read_lines(text.data, known ? user.name : number, number, &m);
        }
        *ret = m;
        return 0;
}
