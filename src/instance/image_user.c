/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/image_user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/grow.h"
#include "base/own.h"
#include "base/parse.h"
#include "sys/fd.h"

enum { MAX_FILE = 16 << 20, MAX_FIELDS = 7 };

/* An image's file may be missing, or be anything: then it has no entries. */
static int read_file(int root, const char *path, struct buf *ret, struct error *err)
{
        own_fd int found = fd_open_in_root(root, path, O_PATH), fd = -1;
        char proc[32];
        struct stat st;
        int r;

        /* To open a device or a fifo may be to do something with it; and in one that runs, a link leads to its /proc,
         * where files have no size, and to read one (kmsg) may take for ever. */
        if (found < 0 || fstat(found, &st) < 0 || !S_ISREG(st.st_mode) || !st.st_size)
                return 0;
        snprintf(proc, sizeof proc, "/proc/self/fd/%d", found);
        fd = open(proc, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "open %s of the image", path);
        r = fd_read_all(fd, MAX_FILE, ret);
        return r < 0 ? error_errno(err, -r, "read %s of the image", path) : 0;
}

struct entry {
        char *field[MAX_FIELDS]; /* "" for those that are missing */
};

/* Takes the next line out of *rest, which it cuts into fields. */
static bool next_entry(char **rest, struct entry *e)
{
        static char none[] = "";
        char *line;

        do {
                line = strsep(rest, "\n");
        } while (line && (!*line || *line == '#'));
        if (!line)
                return false;
        for (size_t i = 0; i < MAX_FIELDS; i++) {
                e->field[i] = line ? strsep(&line, ":") : none;
        }
        return true;
}

static bool is_number(const char *text, uint32_t *ret)
{
        return parse_u32(text, 10, ret) == 0;
}

/* The first line that has this name or, in its third field, this number. */
static bool find_entry(char *text, const char *name, struct entry *ret)
{
        uint32_t wanted = 0, id;
        bool by_number = is_number(name, &wanted);

        while (next_entry(&text, ret)) {
                if (strcmp(ret->field[0], name) == 0)
                        return true;
                if (by_number && is_number(ret->field[2], &id) && id == wanted)
                        return true;
        }
        return false;
}

/* Gives the name of the user, "" for one without. */
static int find_user(char *passwd, const char *user, struct image_user *u, const char **ret_name, struct error *err)
{
        struct entry e;

        *ret_name = "";
        if (!passwd || !find_entry(passwd, user, &e))
                return is_number(user, &u->uid)
                               ? 0
                               : error_set(err, ENOENT, "the image has no user \"%s\" in its /etc/passwd", user);
        if (!is_number(e.field[2], &u->uid) || !is_number(e.field[3], &u->gid))
                return error_set(err, EINVAL, "the image's /etc/passwd has no ids for \"%s\"", user);
        *ret_name = e.field[0];
        return 0;
}

static int find_group(char *groups, const char *name, uint32_t *ret, struct error *err)
{
        struct entry e;

        if (groups && find_entry(groups, name, &e) && is_number(e.field[2], ret))
                return 0;
        return is_number(name, ret) ? 0
                                    : error_set(err, ENOENT, "the image has no group \"%s\" in its /etc/group", name);
}

static bool has_member(char *members, const char *name)
{
        for (char *m; (m = strsep(&members, ","));) {
                if (strcmp(m, name) == 0)
                        return true;
        }
        return false;
}

static int add_group(struct image_user *u, size_t *cap, uint32_t gid, struct error *err)
{
        if (array_grow(&u->groups, cap, u->n_groups + 1, sizeof *u->groups) < 0)
                return error_set(err, ENOMEM, "out of memory");
        u->groups[u->n_groups++] = gid;
        return 0;
}

/* The own group is among them: a setgid program must not lose it (CVE-2022-36109). */
static int add_groups(char *groups, const char *name, struct image_user *u, struct error *err)
{
        size_t cap = 0;
        struct entry e;
        uint32_t gid;
        int r = add_group(u, &cap, u->gid, err);

        while (r == 0 && *name && groups && next_entry(&groups, &e)) {
                if (is_number(e.field[2], &gid) && gid != u->gid && has_member(e.field[3], name))
                        r = add_group(u, &cap, gid, err);
        }
        return r;
}

int image_user_find(int root, const char *text, struct image_user *ret, struct error *err)
{
        own_image_user struct image_user u = {};
        own_buf struct buf passwd = {}, groups = {};
        own_mem char *user = strdup(*text ? text : "0");
        const char *name;
        char *group;
        int r;

        if (!user)
                return error_set(err, ENOMEM, "out of memory");
        group = strchr(user, ':');
        if (group)
                *group++ = '\0';
        r = read_file(root, "/etc/passwd", &passwd, err);
        if (r == 0)
                r = read_file(root, "/etc/group", &groups, err);
        if (r == 0)
                r = find_user(passwd.data, *user ? user : "0", &u, &name, err);
        if (r == 0 && group && *group) {
                name = "";
                r = find_group(groups.data, group, &u.gid, err);
        }
        if (r == 0)
                r = add_groups(groups.data, name, &u, err);
        if (r < 0)
                return r;
        *ret = u;
        u = (struct image_user){};
        return 0;
}

int image_user_add_groups(int root, const char *const *names, struct image_user *u, struct error *err)
{
        own_buf struct buf groups = {};
        size_t cap = u->n_groups;
        uint32_t gid;
        int r = names && *names ? read_file(root, "/etc/group", &groups, err) : 0;

        for (; r == 0 && names && *names; names++) {
                /* The search cuts the text to pieces. */
                own_mem char *copy = groups.data ? strdup(groups.data) : NULL;

                r = find_group(copy, *names, &gid, err);
                if (r == 0)
                        r = add_group(u, &cap, gid, err);
        }
        return r;
}

void image_user_finish(struct image_user *u)
{
        free(u->groups);
        *u = (struct image_user){};
}
