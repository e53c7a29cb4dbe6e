/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_options.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"

/* All values that one option was given, of which this is the first. */
static int take_list(const struct args *a, const struct cli_option *option, const struct option_member *m,
                     struct instance_options *o, struct error *err)
{
        own_mem const char **values = NULL;
        size_t n = 0;
        int r = args_list(a, option->id, &values, err);

        while (r == 0 && values && values[n])
                n++;
        if (r == 0 && instance_option_set_list(o, m, values, n) < 0)
                r = error_set(err, ENOMEM, "out of memory");
        return r;
}

static int take(const struct args *a, const struct arg_given *given, struct instance_options *o, struct error *err)
{
        const struct option_member *m = instance_option_find(given->option->name);

        if (!m)
                return 0;
        if (m->kind == OPTION_KIND_LIST)
                return take_list(a, given->option, m, o, err);
        return instance_option_set(o, m, given->value) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

int instance_options_take(const struct args *a, struct instance_options *o, struct error *err)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < a->n_given; i++)
                r = take(a, &a->given[i], o, err);
        return r;
}

int instance_options_from_args(const struct args *a, struct instance_options *o, struct error *err)
{
        int r = instance_options_take(a, o, err);

        if (r == 0 && a->n_operands > 1 &&
            instance_option_set_list(o, instance_option_find("command"), (const char *const *)a->operands + 1,
                                     a->n_operands - 1) < 0)
                r = error_set(err, ENOMEM, "out of memory");
        return r;
}
