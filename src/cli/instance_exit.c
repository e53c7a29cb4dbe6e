/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_exit.h"

#include <errno.h>
#include <string.h>

/* The words "exec ..." begin what container/ says of a program that could not be executed. */
int instance_exit_code(const struct error *err)
{
        if (strncmp(err->text, "exec: ", 6) != 0 && strncmp(err->text, "exec ", 5) != 0)
                return EXIT_FAILED;
        return err->code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
