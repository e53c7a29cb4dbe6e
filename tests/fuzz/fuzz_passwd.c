/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever an image has for /etc/passwd: an entry that is found is one of its lines. The first byte is the uid. */
#include <string.h>

#include "sys/passwd.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static bool lies_in(const char *text, const struct passwd_entry *e)
{
        return text >= e->line && text < e->line + sizeof e->line && text + strlen(text) < e->line + sizeof e->line;
}

/* "NAME:" begins a line. */
static bool begins_line(const char *name, const uint8_t *data, size_t size)
{
        size_t len = strlen(name);

        for (const uint8_t *p = data, *end = data + size; p;) {
                if ((size_t)(end - p) > len && memcmp(p, name, len) == 0 && p[len] == ':')
                        return true;
                p = memchr(p, '\n', (size_t)(end - p));
                p = p ? p + 1 : NULL;
        }
        return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char path[sizeof scratch_dir + 8];
        struct passwd_entry e;

        if (size < 2)
                return 0;
        scratch_write("passwd", data + 1, size - 1);
        snprintf(path, sizeof path, "%s/passwd", scratch_dir);
        if (!passwd_find(path, data[0], &e))
                return 0;
        require(lies_in(e.name, &e) && lies_in(e.home, &e));
        require(!strpbrk(e.name, ":\n") && !strpbrk(e.home, ":\n"));
        require(begins_line(e.name, data + 1, size - 1));
        return 0;
}
