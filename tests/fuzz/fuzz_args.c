/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is given on the command line: arguments that end with NUL, the first the command or "" for those before it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "oci_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ARGS = 64 };

static void require(bool holds)
{
        if (!holds)
                abort();
}

static bool is_one_of(const char *s, int argc, char **argv)
{
        for (int i = 0; i < argc; i++) {
                if (s >= argv[i] && s <= argv[i] + strlen(argv[i]))
                        return true;
        }
        return false;
}

static void read_option(const struct args *a, unsigned id)
{
        own_mem const char **list = NULL;
        struct error err = {};
        uint32_t u32;
        uint64_t u64;
        int64_t i64, size;

        require(args_list(a, id, &list, &err) == 0);
        require(!args_str(a, id) || (list && args_has(a, id)));
        args_flag(a, id);
        /* Switches have no value that could be none. */
        require(args_u32(a, id, &u32, &err) >= 0 || *err.text);
        require(args_u64(a, id, &u64, &err) >= 0 || *err.text);
        require(args_i64(a, id, &i64, &err) >= 0 || *err.text);
        require(args_size(a, id, &size, &err) < 1 || size >= -1);
}

static void read_args(const struct cli_command *command, int argc, char **argv)
{
        own_args struct args a = {};
        struct error err = {};
        int r = args_parse(command, argc, argv, &a, &err);

        if (r < 0) {
                require(r == -err.code && *err.text && !a.given);
                return;
        }
        require(a.n_given + a.n_operands <= (size_t)argc && !a.operands[a.n_operands]);
        for (unsigned i = 0; i < a.n_operands; i++)
                require(is_one_of(a.operands[i], argc, argv));
        for (size_t i = 0; i < a.n_given; i++) {
                require(!*a.given[i].value || is_one_of(a.given[i].value, argc, argv));
                read_option(&a, a.given[i].option->id);
        }
        require(args_check(&a, &err) == 0 || *err.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct cli_command *command;
        char *argv[MAX_ARGS + 1] = {}, *text = malloc(size + 1);
        int argc = 0;

        if (!text)
                return 0;
        memcpy(text, data, size);
        text[size] = '\0';
        for (char *p = text; p < text + size && argc < MAX_ARGS; p += strlen(p) + 1)
                argv[argc++] = p;
        command = argc && *argv[0] ? cli_find(&oci_program, argv[0]) : oci_program.global;
        if (argc && command)
                read_args(command, argc - 1, argv + 1);
        free(text);
        return 0;
}
