/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, typed. The tables come from the man pages (tools/gen-cli.py). "--flag value" and "--flag=value",
 * "--" ends the options. Options may stand behind the operands, unless the command passes its arguments on to a program
 * (exec, ps, run): then they end at the first operand.
 *
 * The rest are the habits of the program that is imitated. runc: one dash is as good as two, short names are not
 * joined. Docker: what follows one dash are short names, joined at will ("-aq", "-it", "-fNAME").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/misuse.h"

enum cli_kind {
        CLI_SWITCH, /* no value, but "=true" and "=false" are understood */
        CLI_VALUE,  /* the last one counts */
        CLI_LIST,   /* may be repeated */
};

/* The ids of the other options are the program's own: its generated header has them. */
enum { OPTION_HELP = 0 };

struct cli_option {
        const char *name;
        char short_name; /* 0: none */
        unsigned char kind, id;
};

struct cli_command {
        const char *name;  /* as it was typed: "images", "image ls"; the program's own for its global options */
        const char *alias; /* the name under which the program knows it */
        const struct cli_option *options;
        size_t n_options;
        unsigned min_operands, max_operands;
        bool options_end_at_operand;
        bool drops_dashes; /* "exec ID -- COMMAND": the dashes are not the command's */
        bool joined;       /* Docker's habits */
        bool is_group;     /* "image": its first operand is the rest of a command's name */
        const char *help;
};

struct cli_program {
        const struct cli_command *global;   /* the options before the command */
        const struct cli_command *commands; /* ends with a NULL name */
};

struct arg_given {
        const struct cli_option *option;
        const char *value; /* "" for a switch without a value */
};

struct args {
        const struct cli_command *command;
        size_t n_given;
        struct arg_given *given;
        unsigned n_operands;
        char **operands; /* NULL-terminated */
};

#define own_args __attribute__((cleanup(args_finish)))

/* NULL: unknown. */
const struct cli_command *cli_find(const struct cli_program *program, const char *name);

/*
 * Reads argv[0..argc), which begins behind the command's name and has to outlive *ret.
 * -EMISUSED for an option that is unknown or lacks its value. --help ends the reading, so that
 * it works on any line; the number of operands is args_check()'s business.
 */
int args_parse(const struct cli_command *command, int argc, char **argv, struct args *ret, struct error *err);
void args_finish(struct args *a);

/* -EMISUSED when there are too few or too many operands. */
int args_check(const struct args *a, struct error *err);

/* `id` is one of the program's enum option_id. */
bool args_has(const struct args *a, unsigned id);

/* The value that was given last; NULL when there is none or it is empty, which runc takes for the same. */
const char *args_str(const struct args *a, unsigned id);

/* A switch: false unless given; the last one counts. */
bool args_flag(const struct args *a, unsigned id);

/* All values in their order, NULL-terminated and malloc'ed; *ret is NULL when there are none. */
int args_list(const struct args *a, unsigned id, const char ***ret, struct error *err);

/*
 * The value as a number. Return 1 when it was given, 0 when not (*ret is untouched), -EMISUSED with
 * the option's name when it is no number or out of range.
 */
int args_u32(const struct args *a, unsigned id, uint32_t *ret, struct error *err);
int args_u64(const struct args *a, unsigned id, uint64_t *ret, struct error *err);
int args_i64(const struct args *a, unsigned id, int64_t *ret, struct error *err);
/* Bytes, as parse_size() reads them; -1 for no limit. */
int args_size(const struct args *a, unsigned id, int64_t *ret, struct error *err);
