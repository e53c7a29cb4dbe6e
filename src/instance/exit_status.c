/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/exit_status.h"

#include <errno.h>
#include <string.h>

/* The words "exec ..." begin what container/ says of a program that could not be executed. */
int exit_status_of(const struct error *err)
{
        if (strncmp(err->text, "exec: ", 6) != 0 && strncmp(err->text, "exec ", 5) != 0)
                return EXIT_STATUS_FAILED;
        return err->code == ENOENT ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_NOT_EXECUTABLE;
}
