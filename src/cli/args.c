/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "cli/suggest.h"

const struct cli_command *cli_find(const struct cli_program *program, const char *name)
{
        for (const struct cli_command *c = program->commands; c->name; c++)
                if (strcmp(c->name, name) == 0)
                        return c;
        return NULL;
}

static const struct cli_option *find_short(const struct cli_command *command, char name)
{
        for (size_t i = 0; i < command->n_options; i++)
                if (command->options[i].short_name == name)
                        return &command->options[i];
        return NULL;
}

/* The names of one option follow each other, the first being what the program calls it. */
static const struct cli_option *first_name(const struct cli_command *command, const struct cli_option *o)
{
        while (o > command->options && o[-1].id == o->id)
                o--;
        return o;
}

static const struct cli_option *find_option(const struct cli_command *command, const char *name, size_t len)
{
        for (size_t i = 0; i < command->n_options; i++) {
                const struct cli_option *o = &command->options[i];

                if (strncmp(o->name, name, len) == 0 && !o->name[len])
                        return first_name(command, o);
        }
        return len == 1 && !command->joined ? find_short(command, *name) : NULL;
}

/* The spellings that Go's strconv.ParseBool knows, which is what runc's callers may use. */
static int parse_bool(const char *s, bool *ret)
{
        static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
        static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                if (strcmp(s, yes[i]) == 0 || strcmp(s, no[i]) == 0) {
                        *ret = strcmp(s, yes[i]) == 0;
                        return 0;
                }
        }
        return -EINVAL;
}

static void add_given(struct args *a, const struct cli_option *o, const char *value)
{
        a->given[a->n_given++] = (struct arg_given){ .option = o, .value = value };
}

static int unknown_option(const struct args *a, const char *typed, const char *name, size_t len, struct error *err)
{
        const char *near = suggest_option(a->command, name, len);

        return error_set(err, EMISUSED, "unknown option \"%.*s\"%s%s%s", (int)(name - typed) + (int)len, typed,
                         near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "");
}

/* Reads the option at argv[0]; returns how many arguments it took. */
static int read_option(struct args *a, int argc, char **argv, struct error *err)
{
        const char *name = argv[0] + 1 + (argv[0][1] == '-');
        const char *equals = strchr(name, '=');
        size_t len = equals ? (size_t)(equals - name) : strlen(name);
        const struct cli_option *o = find_option(a->command, name, len);
        const char *value = equals ? equals + 1 : "";
        bool on;

        if (!o)
                return unknown_option(a, argv[0], name, len, err);
        if (o->kind == CLI_SWITCH && equals && parse_bool(value, &on) < 0)
                return error_set(err, EMISUSED, "option --%s: \"%s\" is neither true nor false", o->name, value);
        if (o->kind != CLI_SWITCH && !equals) {
                if (argc < 2)
                        return error_set(err, EMISUSED, "option --%s needs a value", o->name);
                value = argv[1];
        }
        add_given(a, o, value);
        return o->kind != CLI_SWITCH && !equals ? 2 : 1;
}

/* Reads the short options that are joined at argv[0]; returns how many arguments they took. */
static int read_joined(struct args *a, int argc, char **argv, struct error *err)
{
        for (const char *p = argv[0] + 1; *p; p++) {
                const struct cli_option *o = find_short(a->command, *p);
                bool on;

                if (!o && !argv[0][2])
                        return error_set(err, EMISUSED, "unknown option \"%s\"", argv[0]);
                if (!o)
                        return error_set(err, EMISUSED, "unknown option \"-%c\" in \"%s\"", *p, argv[0]);
                if (o->kind != CLI_SWITCH) {
                        if (p[1])
                                add_given(a, o, p + 1 + (p[1] == '='));
                        else if (argc < 2)
                                return error_set(err, EMISUSED, "option -%c needs a value", *p);
                        else
                                add_given(a, o, argv[1]);
                        return p[1] ? 1 : 2;
                }
                if (p[1] == '=') {
                        if (parse_bool(p + 2, &on) < 0)
                                return error_set(err, EMISUSED, "option -%c: \"%s\" is neither true nor false", *p,
                                                 p + 2);
                        add_given(a, o, p + 2);
                        return 1;
                }
                add_given(a, o, "");
        }
        return 1;
}

static void add_operands(struct args *a, int argc, char **argv)
{
        for (int i = 0; i < argc; i++)
                a->operands[a->n_operands++] = argv[i];
}

static int read_all(struct args *a, int argc, char **argv, struct error *err)
{
        bool passes_on = a->command->options_end_at_operand;

        for (int i = 0, n; i < argc; i += n) {
                n = 1;
                if (strcmp(argv[i], "--") == 0) {
                        add_operands(a, argc - i - 1, argv + i + 1);
                        return 0;
                }
                if (argv[i][0] == '-' && argv[i][1]) {
                        n = a->command->joined && argv[i][1] != '-' ? read_joined(a, argc - i, argv + i, err)
                                                                    : read_option(a, argc - i, argv + i, err);
                        if (n < 0)
                                return n;
                        if (args_flag(a, OPTION_HELP))
                                return 0;
                        continue;
                }
                add_operands(a, 1, argv + i);
                if (passes_on) {
                        i += a->command->drops_dashes && i + 1 < argc && strcmp(argv[i + 1], "--") == 0;
                        add_operands(a, argc - i - 1, argv + i + 1);
                        return 0;
                }
        }
        return 0;
}

/* More than there can be. */
static size_t count_options(const struct cli_command *command, int argc, char **argv)
{
        size_t n = (size_t)argc;

        for (int i = 0; i < argc && command->joined; i++)
                if (argv[i][0] == '-')
                        n += strlen(argv[i]);
        return n;
}

int args_parse(const struct cli_command *command, int argc, char **argv, struct args *ret, struct error *err)
{
        size_t max_given = count_options(command, argc, argv);
        struct args a = { .command = command };
        int r;

        a.given = calloc(1, max_given * sizeof *a.given + ((size_t)argc + 1) * sizeof *a.operands);
        if (!a.given)
                return error_set(err, ENOMEM, "out of memory");
        a.operands = (char **)(a.given + max_given);
        r = read_all(&a, argc, argv, err);
        if (r < 0)
                args_finish(&a);
        else
                *ret = a;
        return r;
}

void args_finish(struct args *a)
{
        free(a->given);
        *a = (struct args){};
}

int args_check(const struct args *a, struct error *err)
{
        const struct cli_command *c = a->command;

        if (a->n_operands >= c->min_operands && a->n_operands <= c->max_operands)
                return 0;
        if (c->min_operands == c->max_operands)
                return error_set(err, EMISUSED, "\"%s\" requires exactly %u argument(s)", c->name, c->min_operands);
        if (a->n_operands < c->min_operands)
                return error_set(err, EMISUSED, "\"%s\" requires a minimum of %u argument(s)", c->name,
                                 c->min_operands);
        return error_set(err, EMISUSED, "\"%s\" requires a maximum of %u argument(s)", c->name, c->max_operands);
}

static const struct arg_given *last_given(const struct args *a, unsigned id)
{
        for (size_t i = a->n_given; i-- > 0;)
                if (a->given[i].option->id == id)
                        return &a->given[i];
        return NULL;
}

bool args_has(const struct args *a, unsigned id)
{
        return last_given(a, id) != NULL;
}

const char *args_str(const struct args *a, unsigned id)
{
        const struct arg_given *g = last_given(a, id);

        return g && *g->value ? g->value : NULL;
}

bool args_flag(const struct args *a, unsigned id)
{
        const struct arg_given *g = last_given(a, id);
        bool on = true;

        if (g && *g->value)
                parse_bool(g->value, &on); /* was checked when it was read */
        return g && on;
}

int args_list(const struct args *a, unsigned id, const char ***ret, struct error *err)
{
        const char **list;
        size_t n = 0;

        if (!args_has(a, id)) {
                *ret = NULL;
                return 0;
        }
        list = calloc(a->n_given + 1, sizeof *list);
        if (!list)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < a->n_given; i++)
                if (a->given[i].option->id == id)
                        list[n++] = a->given[i].value;
        *ret = list;
        return 0;
}

static int bad_number(const struct arg_given *g, struct error *err)
{
        return error_set(err, EMISUSED, "option --%s: invalid value \"%s\"", g->option->name, g->value);
}

int args_u64(const struct args *a, unsigned id, uint64_t *ret, struct error *err)
{
        const struct arg_given *g = last_given(a, id);

        if (!g || !g->value)
                return 0;
        return parse_u64(g->value, 10, ret) < 0 ? bad_number(g, err) : 1;
}

int args_u32(const struct args *a, unsigned id, uint32_t *ret, struct error *err)
{
        const struct arg_given *g = last_given(a, id);

        if (!g || !g->value)
                return 0;
        return parse_u32(g->value, 10, ret) < 0 ? bad_number(g, err) : 1;
}

int args_i64(const struct args *a, unsigned id, int64_t *ret, struct error *err)
{
        const struct arg_given *g = last_given(a, id);

        if (!g || !g->value)
                return 0;
        return parse_i64(g->value, ret) < 0 ? bad_number(g, err) : 1;
}

int args_size(const struct args *a, unsigned id, int64_t *ret, struct error *err)
{
        const struct arg_given *g = last_given(a, id);

        if (!g || !g->value)
                return 0;
        return parse_size(g->value, ret) < 0 ? bad_number(g, err) : 1;
}
