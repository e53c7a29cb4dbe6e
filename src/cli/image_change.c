/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_change.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/grow.h"
#include "base/json.h"
#include "base/own.h"
#include "cli/misuse.h"

struct pairs {
        struct pair {
                const char *key, *value;
        } * items;
        size_t n, cap;
};

struct change {
        struct arena arena;
        struct error *err;
        const char *user, *working_dir, *stop_signal;
        const char *cmd, *entrypoint; /* JSON arrays as text */
        struct pairs env, labels, ports, volumes;
};

static int out_of_memory(struct change *c)
{
        return error_set(c->err, ENOMEM, "out of memory");
}

static int bad(struct change *c, const char *instruction, const char *text)
{
        return error_set(c->err, EMISUSED, "option --change: %s: \"%.100s\" is not understood", instruction, text);
}

/* One that is there already gets the new value, at its place. */
static int set_pair(struct change *c, struct pairs *p, const char *key, const char *value)
{
        size_t i = 0;

        while (i < p->n && strcmp(p->items[i].key, key) != 0)
                i++;
        if (i == p->n && array_grow(&p->items, &p->cap, p->n + 1, sizeof *p->items) < 0)
                return out_of_memory(c);
        p->n += i == p->n;
        p->items[i] = (struct pair){ key, value };
        return 0;
}

static void skip_blanks(const char **text)
{
        *text += strspn(*text, " \t\r\n");
}

/* The next word, without the quotes and backslashes that kept it together; NULL: a quote is not closed. */
static char *next_word(struct change *c, const char **text)
{
        char *word = arena_alloc(&c->arena, strlen(*text) + 1, 1), *out = word, quote = 0;

        for (; word && **text && (quote || !isspace((unsigned char)**text)); (*text)++) {
                char ch = **text;

                if (ch == quote) {
                        quote = 0;
                } else if (!quote && (ch == '"' || ch == '\'')) {
                        quote = ch;
                } else {
                        if (ch == '\\' && quote != '\'' && (*text)[1])
                                ch = *++*text;
                        *out++ = ch;
                }
        }
        skip_blanks(text);
        return quote ? NULL : word;
}

static char *copy_trimmed(struct change *c, const char *text)
{
        char *copy = arena_strdup(&c->arena, text);

        for (size_t n = copy ? strlen(copy) : 0; n && isspace((unsigned char)copy[n - 1]);)
                copy[--n] = '\0';
        return copy;
}

/* "key=value key2="two words"", or the old "key all the rest". */
static int read_pairs(struct change *c, const char *instruction, const char *text, struct pairs *ret)
{
        size_t first = strcspn(text, "= \t");
        const char *rest = text;
        char *key, *value;

        if (text[first] == '=') {
                while (*rest) {
                        char *word = next_word(c, &rest), *equals = word ? strchr(word, '=') : NULL;

                        if (!equals || equals == word)
                                return bad(c, instruction, text);
                        *equals = '\0';
                        if (set_pair(c, ret, word, equals + 1) < 0)
                                return -ENOMEM;
                }
                return 0;
        }
        if (!text[first] || !first)
                return bad(c, instruction, text);
        rest = text + first;
        skip_blanks(&rest);
        key = copy_trimmed(c, text);
        value = copy_trimmed(c, rest);
        if (!key || !value)
                return out_of_memory(c);
        key[first] = '\0';
        return set_pair(c, ret, key, value);
}

static int is_string_array(const char *text, size_t len, struct json_object **ret)
{
        own_json struct json_object *json = NULL;
        struct error ignored;

        if (json_parse(text, len, &json, &ignored) < 0 || !json_is_array(json))
                return 0;
        for (size_t i = 0; i < json_array_size(json); i++)
                if (!json_string_value(json_array_item(json, i)))
                        return 0;
        *ret = take_ptr(json);
        return 1;
}

/* The JSON form as it is, everything else for a shell. */
static int read_command(struct change *c, const char *text, const char **ret)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out };

        if (is_string_array(text, strlen(text), &json)) {
                json_add_value(&out, json);
        } else {
                json_begin_array(&w, NULL);
                json_write_string(&w, NULL, "/bin/sh");
                json_write_string(&w, NULL, "-c");
                json_write_string(&w, NULL, text);
                json_end_array(&w);
        }
        *ret = buf_failed(&out) ? NULL : arena_strdup(&c->arena, buf_str(&out));
        return *ret ? 0 : out_of_memory(c);
}

/* "80", "80/tcp", "7000-7010/udp": the last with the protocol as the image has it. */
static int read_ports(struct change *c, const char *text)
{
        const char *rest = text;

        while (*rest) {
                char *word = next_word(c, &rest), *port;
                size_t digits = word ? strspn(word, "0123456789-") : 0, size;

                if (!digits || (word[digits] && strcasecmp(word + digits, "/tcp") != 0 &&
                                strcasecmp(word + digits, "/udp") != 0 && strcasecmp(word + digits, "/sctp") != 0))
                        return bad(c, "EXPOSE", text);
                size = strlen(word) + sizeof "/tcp";
                port = arena_alloc(&c->arena, size, 1);
                if (!port)
                        return out_of_memory(c);
                snprintf(port, size, "%s%s", word, word[digits] ? "" : "/tcp");
                if (set_pair(c, &c->ports, port, "") < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_volumes(struct change *c, const char *text)
{
        own_json struct json_object *json = NULL;
        const char *rest = text;

        if (is_string_array(text, strlen(text), &json)) {
                for (size_t i = 0; i < json_array_size(json); i++) {
                        const char *path = arena_strdup(&c->arena, json_string_value(json_array_item(json, i)));

                        if (!path)
                                return out_of_memory(c);
                        if (set_pair(c, &c->volumes, path, "") < 0)
                                return -ENOMEM;
                }
                return 0;
        }
        while (*rest) {
                char *word = next_word(c, &rest);

                if (!word || !*word)
                        return bad(c, "VOLUME", text);
                if (set_pair(c, &c->volumes, word, "") < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_text(struct change *c, const char *text, const char **ret)
{
        *ret = copy_trimmed(c, text);
        return *ret ? 0 : out_of_memory(c);
}

static int read_instruction(struct change *c, const char *text)
{
        size_t len = strcspn(text, " \t");
        const char *rest = text + len;
        char name[16] = "";

        skip_blanks(&rest);
        for (size_t i = 0; i < len && len < sizeof name; i++)
                name[i] = (char)toupper((unsigned char)text[i]);
        if (!*rest)
                return bad(c, name, text);
        if (strcmp(name, "CMD") == 0)
                return read_command(c, rest, &c->cmd);
        if (strcmp(name, "ENTRYPOINT") == 0)
                return read_command(c, rest, &c->entrypoint);
        if (strcmp(name, "ENV") == 0)
                return read_pairs(c, name, rest, &c->env);
        if (strcmp(name, "LABEL") == 0)
                return read_pairs(c, name, rest, &c->labels);
        if (strcmp(name, "EXPOSE") == 0)
                return read_ports(c, rest);
        if (strcmp(name, "VOLUME") == 0)
                return read_volumes(c, rest);
        if (strcmp(name, "USER") == 0)
                return read_text(c, rest, &c->user);
        if (strcmp(name, "WORKDIR") == 0)
                return read_text(c, rest, &c->working_dir);
        if (strcmp(name, "STOPSIGNAL") == 0)
                return read_text(c, rest, &c->stop_signal);
        return error_set(c->err, EMISUSED, "option --change: unknown instruction \"%.*s\"", (int)(len > 40 ? 40 : len),
                         text);
}

static void write_set(struct json_writer *w, const char *key, const struct pairs *p)
{
        if (!p->n)
                return;
        json_begin_object(w, key);
        for (size_t i = 0; i < p->n; i++) {
                json_begin_object(w, p->items[i].key);
                json_end_object(w);
        }
        json_end_object(w);
}

static void write_env(struct json_writer *w, const struct pairs *p)
{
        if (!p->n)
                return;
        json_begin_array(w, "Env");
        for (size_t i = 0; i < p->n; i++) {
                own_buf struct buf text = {};

                buf_addf(&text, "%s=%s", p->items[i].key, p->items[i].value);
                json_write_string(w, NULL, buf_str(&text));
        }
        json_end_array(w);
}

static void write_text(struct json_writer *w, const char *key, const char *value)
{
        if (value)
                json_write_string(w, key, value);
}

static void write_config(const struct change *c, struct buf *out)
{
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        write_text(&w, "User", c->user);
        write_set(&w, "ExposedPorts", &c->ports);
        write_env(&w, &c->env);
        if (c->entrypoint)
                json_write_raw(&w, "Entrypoint", c->entrypoint);
        if (c->cmd)
                json_write_raw(&w, "Cmd", c->cmd);
        write_set(&w, "Volumes", &c->volumes);
        write_text(&w, "WorkingDir", c->working_dir);
        if (c->labels.n) {
                json_begin_object(&w, "Labels");
                for (size_t i = 0; i < c->labels.n; i++)
                        json_write_string(&w, c->labels.items[i].key, c->labels.items[i].value);
                json_end_object(&w);
        }
        write_text(&w, "StopSignal", c->stop_signal);
        json_end_object(&w);
}

int image_change_config(const char *const *changes, struct buf *out, struct error *err)
{
        struct error ignored;
        struct change c = { .err = err ? err : &ignored };
        int r = 0;

        for (; r == 0 && changes && *changes; changes++)
                r = read_instruction(&c, *changes);
        if (r == 0)
                write_config(&c, out);
        if (r == 0 && buf_failed(out))
                r = out_of_memory(&c);
        free(c.env.items);
        free(c.labels.items);
        free(c.ports.items);
        free(c.volumes.items);
        arena_finish(&c.arena);
        return r;
}
