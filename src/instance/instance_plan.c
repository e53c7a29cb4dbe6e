/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_explain.h"
#include "instance/instance_image.h"
#include "instance/instance_name.h"
#include "instance/instance_record.h"
#include "instance/shim_job.h"
#include "instance/vm_job.h"

/* What was asked for, where the command was typed, of what the image says. */
static int complete(struct engine *e, struct instance *i, struct error *err)
{
        int r = instance_image_read(e, i, err);

        if (r == 0)
                r = instance_image_merge(i->config, &i->options, err);
        /* A machine's own disk is as good a place. */
        if (i->backend->is_machine)
                i->options.image_volume = NULL;
        return r == 0 ? instance_image_args(i->config, &i->options, &i->args, err) : r;
}

/* What makes no sense to a shim, or to a machine, is refused before there is an instance. */
static int check_life(const struct instance *i, struct error *err)
{
        own_shim_job struct shim_job ignored = {};
        int r = i->backend->is_machine ? vm_options_check(&i->options, err) : 0;

        if (!i->backend->is_machine && i->options.storage_opt)
                return error_set(err, ENOTSUP,
                                 "--storage-opt: what a container writes goes to the host's file system, where nothing "
                                 "limits it; a virtual machine (--vm) has a disk of its own");
        if (!i->backend->is_machine && i->options.kernel_arg)
                return error_set(err, EINVAL, "--kernel-arg: a container has no kernel of its own; give it --vm");
        return r == 0 ? shim_job_of(i, &ignored, err) : r;
}

/* Programs of 32 bits run wherever those of 64 do. */
static bool runs_here(const struct platform *image, const struct platform *host)
{
        struct platform half = *host;

        half.architecture = strcmp(host->architecture, "amd64") == 0   ? "386"
                            : strcmp(host->architecture, "arm64") == 0 ? "arm"
                                                                       : host->architecture;
        half.variant = image->variant;
        return !*image->architecture || platform_fits(image, host) || platform_fits(image, &half);
}

/* The host may have an emulator (binfmt_misc), as who asks for the platform knows; a machine's kernel has none. */
static int check_platform(const struct engine *e, const struct instance *i, const struct image_info *image,
                          struct error *err)
{
        const struct platform *p = &image->platform, host = platform_host();
        struct error text;

        if (runs_here(p, &host))
                return 0;
        if (i->backend->is_machine)
                return error_set(err, ENOTSUP,
                                 "the image %s is for %s/%s, and a virtual machine is of this host's kind, %s/%s",
                                 i->image_name, p->os, p->architecture, host.os, host.architecture);
        if (i->options.platform || !e->warn)
                return 0;
        error_set(&text, ENOTSUP,
                  "the image's platform (%s/%s) does not match that of this host (%s/%s), and no specific platform was "
                  "requested",
                  p->os, p->architecture, host.os, host.architecture);
        e->warn(text.text);
        return 0;
}

int instance_plan(struct engine *e, const struct image_info *image, const char *image_name,
                  struct instance_options *options, struct instance **ret, struct error *err)
{
        own_instance struct instance *i = NULL;
        char id[INSTANCE_ID_LEN + 1];
        int r = instance_make_id(id, err);

        if (r == 0)
                r = instance_new(e, id, &i, err);
        if (r < 0 || !i)
                return r;
        i->backend = options->vm ? &backend_vm : &backend_container;
        i->created = instance_now();
        if (asprintf(&i->image_name, "%s", image_name) < 0)
                i->image_name = NULL;
        r = i->image_name ? instance_options_settle(options, err) : error_set(err, ENOMEM, "out of memory");
        if (r == 0 && options->name)
                r = instance_name_check(options->name, err);
        if (r < 0)
                return r;
        i->options = *options;
        *options = (struct instance_options){};
        if (image) {
                i->image = image->id;
                r = check_platform(e, i, image, err);
                if (r == 0)
                        r = complete(e, i, err);
        }
        if (r == 0)
                r = check_life(i, err);
        if (r < 0)
                return r;
        *ret = take_ptr(i);
        return 0;
}
