/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "process_image/making.h"

enum { LINK = 256 };

/* ---- what a descriptor is ---- */

static bool has_word(const char *text, const char *word)
{
        return strstr(text, word);
}

static uint64_t value_of(const char *text, const char *word, int base)
{
        const char *at = strstr(text, word);

        return at ? strtoull(at + strlen(word), NULL, base) : 0;
}

static int take_anonymous(const char *link, const char *info, struct process_file *row)
{
        if (has_word(link, "[eventfd]")) {
                row->kind = PROCESS_FILE_EVENT;
                row->value = value_of(info, "eventfd-count:", 16);
                return 0;
        }
        if (has_word(link, "[signalfd]")) {
                row->kind = PROCESS_FILE_SIGNALS;
                row->value = value_of(info, "sigmask:", 16);
                return 0;
        }
        if (!has_word(link, "[eventpoll]") || has_word(info, "\ntfd:"))
                return -ENOTSUP;
        row->kind = PROCESS_FILE_EPOLL;
        return 0;
}

/* A copy of what is given is given, too. */
static bool take_given(const struct making *m, const struct stat *st, const struct process_given *given, size_t n,
                       struct process_file *row)
{
        for (size_t i = 0; i < n; i++) {
                char name[32];
                struct stat other;

                snprintf(name, sizeof(name), "fd/%d", given[i].fd);
                if (given[i].fd < 0 || fstatat(m->proc, name, &other, 0) < 0 || other.st_ino != st->st_ino ||
                    other.st_dev != st->st_dev)
                        continue;
                row->kind = PROCESS_FILE_GIVEN;
                row->value = given[i].value;
                return true;
        }
        return false;
}

static int take_kind(const char *link, const char *info, const struct stat *st, struct process_file *row)
{
        row->kind = PROCESS_FILE_EMPTY;
        if (S_ISREG(st->st_mode) && strncmp(link, "anon_inode:", 11) != 0)
                return 0;
        row->kind = PROCESS_FILE_NULL;
        if (strcmp(link, "/dev/null") == 0)
                return 0;
        return take_anonymous(link, info, row);
}

/* ---- all of them ---- */

static int take_file(struct making *m, const char *name, const struct process_given *given, size_t n_given,
                     struct error *err)
{
        struct process_file row = { .fd = (uint32_t)strtoul(name, NULL, 10) };
        char path[64], link[LINK] = "";
        own_buf struct buf info = {};
        struct stat st = {};
        int r;

        snprintf(path, sizeof(path), "fdinfo/%.32s", name);
        r = making_read_text(m, path, &info, err);
        snprintf(path, sizeof(path), "fd/%.32s", name);
        if (r == 0 && (readlinkat(m->proc, path, link, sizeof(link) - 1) < 0 || fstatat(m->proc, path, &st, 0) < 0))
                r = error_errno(err, errno, "look at a file of a process");
        if (r < 0)
                return r;
        row.flags = (uint32_t)value_of(buf_str(&info), "flags:", 8);
        if (!take_given(m, &st, given, n_given, &row) && take_kind(link, buf_str(&info), &st, &row) < 0)
                return error_set(err, ENOTSUP, "the process has %s open", link);
        buf_add(&m->files, &row, sizeof(row));
        return 0;
}

int making_read_files(struct making *m, const struct process_given *given, size_t n_given, struct error *err)
{
        int fd = openat(m->proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *e;

        if (!d)
                return error_errno(err, errno, "list the files of a process");
        while (r == 0 && (e = readdir(d)))
                if (e->d_name[0] != '.')
                        r = take_file(m, e->d_name, given, n_given, err);
        return r;
}
#endif
