/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/passwd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"

enum { MAX_PASSWD = 16 << 20 };
enum { FIELD_NAME = 0, FIELD_UID = 2, FIELD_HOME = 5 };

static FILE *open_regular(const char *path)
{
        own_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        FILE *f;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_PASSWD)
                return NULL;
        f = fdopen(fd, "re");
        if (f)
                take_fd(&fd);
        return f;
}

static bool is_entry_of(struct passwd_entry *e, uid_t uid)
{
        char *rest = e->line, *field[FIELD_HOME + 1];
        uint32_t id;

        for (int i = 0; i <= FIELD_HOME; i++)
                field[i] = strsep(&rest, ":\n");
        if (!field[FIELD_HOME] || parse_u32(field[FIELD_UID], 10, &id) < 0 || id != uid)
                return false;
        e->name = field[FIELD_NAME];
        e->home = field[FIELD_HOME];
        return true;
}

bool passwd_find(const char *path, uid_t uid, struct passwd_entry *ret)
{
        FILE *f = open_regular(path);
        bool found = false, begins = true;

        while (!found && f && fgets(ret->line, sizeof ret->line, f)) {
                bool ends = strchr(ret->line, '\n') || feof(f);

                /* The middle of a line that is too long is nobody's entry. */
                found = begins && ends && is_entry_of(ret, uid);
                begins = ends;
        }
        if (f)
                fclose(f);
        return found;
}
