/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/confirm.h"

#include <errno.h>
#include <unistd.h>

#include "cli/invocation.h"

int confirm_removal(const struct args *args, const struct buf *doomed, struct error *err)
{
        own_buf struct buf text = {};

        if (args_flag(args, OPTION_FORCE))
                return 1;
        if (!isatty(STDIN_FILENO))
                return error_set(err, EMISUSED,
                                 "nobody can be asked without a terminal: --force says yes, --dry-run "
                                 "shows what would be removed");
        buf_addf(&text, "These would be removed for good:\n%s", buf_str(doomed));
        report_text(&text);
        return ask("Go on? [y/N] ");
}
