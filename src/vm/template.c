/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/template.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "vm/template_files.h"
#include "vm/template_pages.h"

enum { MAX_MANIFEST = 4096, FRESH = 60 };

void template_finish(struct template *t)
{
        if (t->memory >= 0)
                close(take_fd(&t->memory));
        if (t->state >= 0)
                close(take_fd(&t->state));
        while (t->n_bases)
                close(t->bases[--t->n_bases]);
        buf_finish(&t->pages);
}

static int open_directory(int at, const char *path, struct error *err)
{
        int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, "open the template") : fd;
}

static int read_manifest(int dir, struct template_manifest *ret, struct error *err)
{
        own_fd int fd = openat(dir, "manifest", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        own_buf struct buf text = {};
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_MANIFEST, &text);

        return r < 0 ? error_set(err, EBADMSG, "its manifest cannot be read")
                     : template_manifest_read(buf_str(&text), text.len, ret, err);
}

/* From which it is told that the host has been down since. */
static void read_boot(char ret[TEMPLATE_BOOT_ID])
{
        if (fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ret, TEMPLATE_BOOT_ID) <= 0)
                snprintf(ret, TEMPLATE_BOOT_ID, "?");
}

static int open_file(int dir, const char *name, int64_t size, struct error *err)
{
        own_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != size)
                return error_set(err, EBADMSG, "its file %s is not there, or is not as it was", name);
        return take_fd(&fd);
}

static int open_files(int dir, struct template *t, struct error *err)
{
        int r = read_manifest(dir, &t->manifest, err);

        if (r == 0)
                r = t->memory = open_file(dir, TEMPLATE_MEMORY, t->manifest.memory_size, err);
        if (r >= 0 && template_file_time(t->memory) != t->manifest.memory_time)
                r = error_set(err, EBADMSG, "its memory was changed");
        if (r >= 0)
                r = t->state = open_file(dir, "state", t->manifest.state_size, err);
        return r < 0 ? r : template_pages_open(dir, t, err);
}

static int check_memory(const struct template *t, struct error *err)
{
        char digest[SHA256_HEX];
        int r = template_digest_memory(t->memory, -1, digest);

        if (r < 0)
                return error_errno(err, -r, "read the memory of a template");
        if (strcmp(digest, t->manifest.memory_digest) != 0)
                return error_set(err, EBADMSG, "its memory is damaged");
        return template_bases_check(t, err);
}

static int write_manifest(int dir, const struct template_manifest *m, struct error *err)
{
        own_buf struct buf text = {};
        int r;

        template_manifest_write(m, &text);
        r = buf_failed(&text) ? -ENOMEM : fd_replace_file_at(dir, "manifest", text.data, text.len, 0400);
        return r < 0 ? error_errno(err, -r, "write the manifest of a template") : 0;
}

/* The first use after the host came up. */
static int check_once_a_boot(int dir, struct template *t, struct error *err)
{
        char boot[TEMPLATE_BOOT_ID];
        int r;

        read_boot(boot);
        if (strcmp(boot, t->manifest.boot) == 0)
                return 0;
        r = check_memory(t, err);
        memcpy(t->manifest.boot, boot, sizeof(boot));
        return r == 0 ? write_manifest(dir, &t->manifest, err) : r;
}

static int open_template(int dir, struct template *ret, struct error *err)
{
        own_template struct template t = { .memory = -1, .state = -1 };
        int r = open_files(dir, &t, err);

        if (r == 0)
                r = check_once_a_boot(dir, &t, err);
        *ret = t;
        t = (struct template){ .memory = -1, .state = -1 };
        return r;
}

static int open_key(const char *templates, const char *key, struct error *err)
{
        own_fd int top = open(templates, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return top < 0 ? error_errno(err, errno, "open %s", templates) : open_directory(top, key, err);
}

int template_open(const char *templates, const char *key, struct template *ret, struct error *err)
{
        own_fd int dir = open_key(templates, key, err);

        *ret = (struct template){ .memory = -1, .state = -1 };
        return dir < 0 ? dir : open_template(dir, ret, err);
}

int template_check_state(const struct template *t, struct error *err)
{
        char digest[SHA256_HEX];
        int r = template_digest_file(t->state, digest);

        if (r < 0)
                return error_errno(err, -r, "read the state of a template");
        return strcmp(digest, t->manifest.state_digest) != 0 ? error_set(err, EBADMSG, "its state is damaged") : 0;
}

int template_check(const char *templates, const char *key, bool whole, struct error *err)
{
        own_template struct template t = { .memory = -1, .state = -1 };
        int r = template_open(templates, key, &t, err);

        if (r == 0)
                r = template_check_state(&t, err);
        return r == 0 && whole ? check_memory(&t, err) : r;
}

/* Not at each use: that would have the disk's inode written each time. */
void template_touch(const char *templates, const char *key)
{
        own_fd int top = open(templates, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;

        if (top >= 0 && fstatat(top, key, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtim.tv_sec + FRESH < time(NULL))
                utimensat(top, key, NULL, AT_SYMLINK_NOFOLLOW);
}
