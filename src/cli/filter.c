/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "cli/misuse.h"

static bool is_known(const char *key, const char *const *known)
{
        for (; *known; known++)
                if (strcmp(key, *known) == 0)
                        return true;
        return false;
}

/* Cuts the text into key and value. */
static int read_one(char *text, const char *const *known, struct filter *ret, struct error *err)
{
        char *equals = strchr(text, '=');

        if (!equals || equals == text)
                return error_set(err, EMISUSED, "option --filter: \"%s\" is not KEY=VALUE", text);
        ret->negated = equals[-1] == '!';
        equals[ret->negated ? -1 : 0] = '\0';
        ret->key = text;
        ret->value = equals + 1;
        if (!is_known(text, known) || (ret->negated && strcmp(text, "label") != 0))
                return error_set(err, EMISUSED, "option --filter: invalid filter \"%s%s\"", text,
                                 ret->negated ? "!" : "");
        return 0;
}

int filters_read(const char *const *list, const char *const *known, struct filters *ret, struct error *err)
{
        own_filters struct filters f = {};
        size_t n = 0, length = 1;
        char *at;

        for (; list && list[n]; n++)
                length += strlen(list[n]) + 1;
        f.items = calloc(n + 1, sizeof *f.items);
        f.text = at = malloc(length);
        if (!f.items || !f.text)
                return error_set(err, ENOMEM, "out of memory");
        for (; f.n < n; f.n++) {
                char *next = stpcpy(at, list[f.n]) + 1;
                int r = read_one(at, known, &f.items[f.n], err);

                if (r < 0)
                        return r;
                at = next;
        }
        *ret = f;
        f.items = NULL;
        f.text = NULL;
        return 0;
}

void filters_finish(struct filters *f)
{
        free(f->items);
        free(f->text);
        *f = (struct filters){};
}

int filter_bool(const struct filter *f, bool *ret, struct error *err)
{
        bool yes = strcmp(f->value, "true") == 0 || strcmp(f->value, "1") == 0;

        if (!yes && strcmp(f->value, "false") != 0 && strcmp(f->value, "0") != 0)
                return error_set(err, EMISUSED, "option --filter: %s: \"%s\" is neither true nor false", f->key,
                                 f->value);
        *ret = yes;
        return 0;
}

bool filter_matches_label(const struct filter *f, const char *key, const char *value)
{
        size_t len = strlen(key);

        if (strncmp(f->value, key, len) != 0)
                return false;
        return !f->value[len] || (f->value[len] == '=' && strcmp(f->value + len + 1, value) == 0);
}
