/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever bytes the parser of the runtime-spec is given. The first byte chooses what
 * they are: 'p' a process object, 'r' a resources object (both without that byte),
 * anything else a whole config.json.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "oci/runtime_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

/* What is written of a document is read as the same document. */
static void write_and_read_again(struct json_object *root)
{
        own_buf struct buf first = {}, second = {};
        own_json struct json_object *again = NULL;

        json_add_value(&first, root);
        require(json_parse(buf_str(&first), first.len, &again, NULL) == 0);
        json_add_value(&second, again);
        require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
}

/* Strings of a spec are C strings that live in it: a sanitizer sees one that does not. */
static size_t strings_length(const struct str_list *list)
{
        size_t len = 0;

        for (size_t i = 0; i < list->n; i++)
                len += strlen(list->v[i]);
        require(!list->v || !list->v[list->n]);
        return len;
}

static void spec_touch(const struct spec *s)
{
        for (size_t i = 0; i < s->n_mounts; i++) {
                const struct spec_mount *m = &s->mounts[i];

                require(*m->destination);
                require(!(m->attr_set & m->attr_clr & ~(uint64_t)0x70));
                require(!(m->rec_attr_set & m->rec_attr_clr & ~(uint64_t)0x70));
                strings_length(&m->data);
        }
        if (s->process) {
                require(*s->process->cwd == '/');
                strings_length(&s->process->args);
                strings_length(&s->process->env);
        }
        for (size_t i = 0; s->linux_.seccomp && i < s->linux_.seccomp->n_rules; i++)
                require(s->linux_.seccomp->rules[i].names.n &&
                        strings_length(&s->linux_.seccomp->rules[i].names) < SIZE_MAX);
        for (size_t i = 0; i < s->linux_.resources.unified.n; i++)
                require(!strchr(s->linux_.resources.unified.v[i].key, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct spec empty;
        struct error err = {};
        struct spec s = {};
        const char *text = (const char *)data;
        int r;

        if (size && *text == 'p')
                r = spec_parse_process(text + 1, size - 1, &s, &err);
        else if (size && *text == 'r')
                r = spec_parse_resources(text + 1, size - 1, &s, &err);
        else
                r = spec_parse(text, size, &s, &err);
        if (r < 0) {
                require(r == -err.code && *err.text && strnlen(err.text, sizeof err.text) < sizeof err.text);
                require(memcmp(&s, &empty, sizeof s) == 0);
                return 0;
        }
        spec_touch(&s);
        write_and_read_again(s.json);
        spec_finish(&s);
        return 0;
}
