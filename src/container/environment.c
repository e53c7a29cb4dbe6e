/* SPDX-License-Identifier: Apache-2.0 */
#include "container/environment.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "sys/passwd.h"

/* malloc'ed, or NULL without memory. */
static char *find_home(uid_t uid)
{
        struct passwd_entry e;
        char *home;

        if (!passwd_find("/etc/passwd", uid, &e) || !*e.home)
                return strdup("HOME=/");
        return asprintf(&home, "HOME=%s", e.home) < 0 ? NULL : home;
}

/* The entries seen so far by the hash of their names: their index + 1, 0 for an empty slot. */
struct names {
        uint32_t *slot;
        size_t mask;
};

static size_t name_length(const char *entry)
{
        return strcspn(entry, "=");
}

static bool same_name(const char *a, const char *b)
{
        size_t n = name_length(a);

        return n == name_length(b) && memcmp(a, b, n) == 0;
}

/* FNV-1a. */
static uint32_t hash_name(const char *entry)
{
        uint32_t h = 2166136261U;

        for (size_t i = 0, n = name_length(entry); i < n; i++)
                h = (h ^ (unsigned char)entry[i]) * 16777619U;
        return h;
}

/* False when it is there already. */
static bool names_add(struct names *names, const char *const *all, size_t index)
{
        size_t at = hash_name(all[index]) & names->mask;

        for (; names->slot[at]; at = (at + 1) & names->mask) {
                if (same_name(all[names->slot[at] - 1], all[index]))
                        return false;
        }
        names->slot[at] = (uint32_t)index + 1;
        return true;
}

static bool is_home(const char *entry)
{
        return strncmp(entry, "HOME=", 5) == 0;
}

/* Fills env, room for n + 2, from its end: the last of a name comes first then. Returns where it begins. */
static const char **keep_last(const struct str_list *from, struct names *names, const char **env, bool *ret_has_home)
{
        const char **at = env + from->n + 1;

        *at = NULL;
        *ret_has_home = false;
        for (size_t i = from->n; i > 0; i--) {
                const char *entry = from->v[i - 1];

                if (!names_add(names, from->v, i - 1))
                        continue;
                if (is_home(entry) && !entry[5])
                        continue;
                *ret_has_home |= is_home(entry);
                *--at = entry;
        }
        return at;
}

int environment_make(const struct spec_process *p, struct environment *ret, struct error *err)
{
        size_t slots = 16;
        own_mem uint32_t *slot = NULL;
        own_mem const char **memory = calloc(p->env.n + 2, sizeof *memory);
        own_mem char *home = NULL;
        struct names names;
        const char **v;
        bool has_home;

        while (slots < p->env.n * 2)
                slots *= 2;
        slot = calloc(slots, sizeof *slot);
        if (!memory || !slot)
                return error_set(err, ENOMEM, "out of memory");
        names = (struct names){ slot, slots - 1 };
        v = keep_last(&p->env, &names, memory, &has_home);
        if (!has_home) {
                home = find_home(p->uid);
                if (!home)
                        return error_set(err, ENOMEM, "out of memory");
                *--v = home;
        }
        *ret = (struct environment){ .v = v, .home = take_ptr(home), .memory = take_ptr(memory) };
        return 0;
}

void environment_finish(struct environment *e)
{
        free(e->home);
        free(e->memory);
        *e = (struct environment){};
}
