/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "process_image/process_image.h"
#include "vm/template.h"

static int open_template(const char *templates, const char *key)
{
        own_fd int top = open(templates, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return top < 0 ? -1 : openat(top, key, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int check(int directory, struct error *err)
{
        own_process_image struct process_image image = { .file = -1 };
        own_fd int memory = openat(directory, TEMPLATE_MEMORY, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int file = openat(directory, TEMPLATE_PROCESS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

        if (file < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, "open the image of a process");
        return process_image_open(file, &memory, 1, &image, err);
}

int vm_kept_check(const char *templates, const char *key, struct error *err)
{
        own_fd int directory = open_template(templates, key);

        return directory < 0 ? 0 : check(directory, err);
}

void vm_kept_remove(const char *templates, const char *key)
{
        own_fd int directory = open_template(templates, key);

        if (directory >= 0)
                unlinkat(directory, TEMPLATE_PROCESS, 0);
}

/* Who writes it has it locked. */
static void remove_part(int directory)
{
        own_fd int part = openat(directory, TEMPLATE_PROCESS_PART, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

        if (part >= 0 && flock(part, LOCK_EX | LOCK_NB) == 0)
                unlinkat(directory, TEMPLATE_PROCESS_PART, 0);
}

void vm_kept_sweep(const char *templates)
{
        own_dir DIR *d = opendir(templates);
        const struct dirent *e;

        while (d && (e = readdir(d))) {
                own_fd int directory = *e->d_name == '.' ? -1
                                                         : openat(dirfd(d), e->d_name,
                                                                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                struct error ignored;

                if (directory < 0)
                        continue;
                remove_part(directory);
                if (check(directory, &ignored) == -ESTALE)
                        unlinkat(directory, TEMPLATE_PROCESS, 0);
        }
}
