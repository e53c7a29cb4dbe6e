/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/selinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "sys/fd.h"

enum { MAX_FILE = 64 << 10 };

bool selinux_is_there(void)
{
        return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

/* What stands behind "KEY =" in the line, without quotes; false: it is another key's, or none. */
static bool read_line(const char *line, size_t len, const char *key, char ret[SELINUX_LABEL_SIZE])
{
        static const char blank[] = " \t\"";
        const char *end = line + len;
        size_t n = strlen(key);

        line += strspn(line, " \t");
        if (line >= end || (size_t)(end - line) < n || strncmp(line, key, n) != 0)
                return false;
        line += n;
        line += strspn(line, " \t");
        if (line >= end || *line++ != '=')
                return false;
        line += strspn(line, blank);
        while (end > line && strchr(blank, end[-1]))
                end--;
        if (line >= end || end - line >= SELINUX_LABEL_SIZE)
                return false;
        memcpy(ret, line, (size_t)(end - line));
        ret[end - line] = '\0';
        return true;
}

void selinux_contexts_parse(const char *text, struct selinux_contexts *ret)
{
        struct selinux_contexts c = {};

        for (size_t n; *text; text += n + (text[n] == '\n')) {
                n = strcspn(text, "\n");
                if (!read_line(text, n, "process", c.process) && !read_line(text, n, "init_process", c.init) &&
                    !read_line(text, n, "file", c.file))
                        read_line(text, n, "ro_file", c.layer);
        }
        *ret = c;
}

/* -ENOENT is no error. */
static int read_file(const char *path, struct buf *ret, struct error *err)
{
        own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_FILE, ret);

        return r < 0 && r != -ENOENT ? error_errno(err, -r, "read %s", path) : 0;
}

/* SELINUXTYPE: the policy's directory. */
static int find_policy(char ret[SELINUX_LABEL_SIZE], struct error *err)
{
        own_buf struct buf config = {};
        int r = read_file("/etc/selinux/config", &config, err);

        *ret = '\0';
        for (const char *text = buf_str(&config); r == 0 && *text; text += *text == '\n') {
                size_t n = strcspn(text, "\n");

                read_line(text, n, "SELINUXTYPE", ret);
                text += n;
        }
        return r;
}

/* A policy may come with contexts for containers, and without the module that has their types (Debian's). */
static bool is_known(const char *context)
{
        return !*context || fd_write_file_at(AT_FDCWD, "/sys/fs/selinux/context", context) != -EINVAL;
}

int selinux_contexts_load(struct selinux_contexts *ret, struct error *err)
{
        char policy[SELINUX_LABEL_SIZE], path[SELINUX_LABEL_SIZE + 64];
        own_buf struct buf text = {};
        int r = read_file("/usr/share/containers/selinux/contexts", &text, err);

        if (r == 0 && !text.len) {
                r = find_policy(policy, err);
                snprintf(path, sizeof path, "/etc/selinux/%s/contexts/lxc_contexts", policy);
                if (r == 0)
                        r = read_file(path, &text, err);
        }
        if (r < 0)
                return r;
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        selinux_contexts_parse(buf_str(&text), ret);
        if (!is_known(ret->process) || !is_known(ret->file))
                *ret = (struct selinux_contexts){};
        if (!is_known(ret->init))
                *ret->init = '\0';
        if (!*ret->layer || !is_known(ret->layer))
                memcpy(ret->layer, ret->file, sizeof ret->layer);
        return 0;
}
