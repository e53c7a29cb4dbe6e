/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_shares.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/container.h"
#include "sys/mount_tree.h"

static bool has_word(const struct volume *item, const char *word)
{
        size_t n = strlen(word);

        for (const char *p = item->options; *p; p += strcspn(p, ","), p += *p == ',')
                if (strncmp(p, word, n) == 0 && (p[n] == ',' || !p[n]))
                        return true;
        return false;
}

static int check(const struct volume *item, struct error *err)
{
        static const char *const words[] = { "shared", "rshared", "slave", "rslave", "idmap", "ridmap" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (has_word(item, words[i]) || (item->idmap && strcmp(words[i], "idmap") == 0))
                        return error_set(err, ENOTSUP, "\"%s\": a virtual machine cannot do that", words[i]);
        return 0;
}

static int open_source(const struct volume *item, struct error *err)
{
        own_fd int fd = mount_clone(AT_FDCWD, item->source, has_word(item, "rbind"));
        struct stat st;
        int r;

        if (fd < 0)
                return error_errno(err, -fd, "open %s", item->source);
        r = mount_set_attr(fd, true, 0, 0, MS_PRIVATE);
        if (r < 0 || fstat(fd, &st) < 0)
                return error_errno(err, r < 0 ? -r : errno, "mount %s", item->source);
        if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
                return error_set(err, ENOTSUP, "%s is no file or directory: a virtual machine cannot have it",
                                 item->source);
        return take_fd(&fd);
}

/* *ret: its number among the trees. */
static int find_tree(const struct volume *item, struct instance_trees *trees, uint32_t *ret, struct error *err)
{
        size_t n = strlen(CONTAINER_GIVEN);
        int fd;

        if (strncmp(item->source, CONTAINER_GIVEN, n) == 0 && parse_u32(item->source + n, 10, ret) == 0 &&
            *ret < trees->n)
                return 0;
        fd = open_source(item, err);
        *ret = (uint32_t)trees->n;
        return fd < 0 ? fd : instance_trees_take(trees, fd, err);
}

static int open_share(struct volumes *v, struct volume *item, struct instance_trees *trees, struct error *err)
{
        uint32_t number = 0;
        char source[64];
        int r = check(item, err);

        if (r == 0)
                r = find_tree(item, trees, &number, err);
        if (r == 0 && has_word(item, "ro")) {
                r = mount_set_attr(trees->fds[number], !has_word(item, "bind"), MOUNT_ATTR_RDONLY, 0, 0);
                if (r < 0)
                        error_errno(err, -r, "make %s read-only", item->source);
        }
        if (r < 0)
                return r;
        snprintf(source, sizeof source, VM_SHARES "/%u", number);
        item->source = arena_strdup(&v->arena, source);
        return item->source ? 0 : error_set(err, ENOMEM, "out of memory");
}

int vm_shares_open(struct volumes *v, struct instance_trees *trees, struct error *err)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < v->n; i++) {
                struct volume *item = &v->items[i];

                if (strcmp(item->type, "bind") == 0 && (r = open_share(v, item, trees, err)) < 0)
                        error_wrap(err, "mount at %s", item->destination);
        }
        return r;
}
