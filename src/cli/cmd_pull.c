/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cli/image_pull.h"

/* "Digest: ...", "Status: ..." and the name, as Docker ends; -q leaves the name alone. */
static int report(const struct pulled_image *image, bool quiet, struct error *err)
{
        own_buf struct buf out = {};

        if (!quiet && *image->digest.text)
                pulled_image_add_status(image, &out);
        buf_addf(&out, "%s\n", buf_str(&image->name));
        return output_write(&out, err);
}

static int pull_all(struct image_pull *p, const struct args *args, struct error *err)
{
        bool quiet = p->all_tags || args_flag(args, OPTION_QUIET);
        int r = 0;

        for (unsigned i = 0; r == 0 && i < args->n_operands; i++) {
                own_pulled_image struct pulled_image image = {};

                r = image_pull(p, args->operands[i], &image, err);
                if (r == 0)
                        r = report(&image, quiet, err);
        }
        return r;
}

int cmd_pull(struct invocation *inv, struct error *err)
{
        enum pull_policy policy = PULL_ALWAYS;
        own_store struct store *store = NULL;
        own_image_pull struct image_pull p = {};
        int r = pull_policy_parse("policy", args_str(&inv->args, OPTION_POLICY), true, &policy, err);

        if (r == 0)
                r = invocation_store(inv, &store, err);
        if (r == 0)
                r = image_pull_open(&p, inv, store, err);
        if (r < 0)
                return r;
        p.policy = policy;
        p.all_tags = args_flag(&inv->args, OPTION_ALL_TAGS);
        return pull_all(&p, &inv->args, err);
}
