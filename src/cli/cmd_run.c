/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/image_pull.h"
#include "cli/instance_options.h"
#include "instance/run.h"

/* In Docker's words. */
static void report_missing(const char *name)
{
        own_buf struct buf line = {};

        buf_addf(&line, "Unable to find image '%s' locally\n", name);
        report_text(&line);
}

/* Standard output is the program's: all that a pull has to say goes to standard error. */
static int pull(const struct invocation *inv, struct store *store, enum pull_policy policy, struct pulled_image *ret,
                struct error *err)
{
        bool quiet = args_flag(&inv->args, OPTION_QUIET);
        own_image_pull struct image_pull p = {};
        own_buf struct buf status = {};
        int r = image_pull_open(&p, inv, store, err);

        if (r < 0)
                return r;
        p.policy = policy;
        p.missing = quiet ? NULL : report_missing;
        r = image_pull(&p, inv->args.operands[0], ret, err);
        if (r < 0)
                return r;
        if (*ret->digest.text && !quiet) {
                pulled_image_add_status(ret, &status);
                report_text(&status);
        }
        return 0;
}

static int pull_and_run(struct invocation *inv, const struct instance_options *o, struct error *err)
{
        const struct run_reports to = { .warn = report_warning, .debug = inv->debug ? report_debug_line : NULL };
        enum pull_policy policy = PULL_MISSING;
        own_store struct store *store = NULL;
        own_pulled_image struct pulled_image image = {};
        int r = pull_policy_parse("pull", args_str(&inv->args, OPTION_PULL), false, &policy, err);

        if (r == 0)
                r = invocation_store(inv, &store, err);
        if (r == 0)
                r = pull(inv, store, policy, &image, err);
        return r < 0 ? r : run_image(store, image.info, o, &to, &inv->exit_status, err);
}

int cmd_run(struct invocation *inv, struct error *err)
{
        own_instance_options struct instance_options o = {};
        int r;

        inv->failure_status = RUN_EXIT_FAILED;
        r = instance_options_from_args(&inv->args, &o, err);
        if (r == 0)
                r = instance_options_settle(&o, err);
        if (r == 0)
                r = pull_and_run(inv, &o, err);
        if (r < 0 && inv->exit_status)
                inv->failure_status = inv->exit_status;
        return r;
}
