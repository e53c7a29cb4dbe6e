/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "container/container.h"
#include "instance/image_spec.h"
#include "instance/image_user.h"
#include "instance/instance_dir.h"
#include "oci/image_config.h"
#include "store/layer_mount.h"
#include "sys/fd.h"
#include "sys/user_namespace.h"

enum { SHORT_ID = 12, MAX_RESOLV_CONF = 1 << 16 };

struct run {
        const struct instance_options *options;
        const struct run_reports *to;
        struct image_config image;
        struct instance_dir dir;
        struct image_user user;
        char *containers; /* RUN/containers: the state of holt-oci's code */
        char hostname[65];
        int *pins; /* the image's layers stay while this runs */
        size_t n_pins;
        int root;
        struct buf config;
};

static void run_finish(struct run *r)
{
        for (size_t i = 0; i < r->n_pins; i++)
                close(r->pins[i]);
        if (r->root >= 0)
                close(r->root);
        free(r->pins);
        free(r->containers);
        image_user_finish(&r->user);
        instance_dir_close(&r->dir);
        image_config_finish(&r->image);
        buf_finish(&r->config);
}

/* ---- what killed ones have left ---- */

static int delete_container(void *userdata, const char *id, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        int r = container_load(userdata, id, &c, err);

        return r == -ENOENT ? 0 : r < 0 ? r : container_delete(&c, true, err);
}

/* What cannot be taken back is no reason not to run. */
static int sweep(struct run *run, struct store *s, struct error *err)
{
        struct error warning;

        if (asprintf(&run->containers, "%s/containers", store_run(s)) < 0) {
                run->containers = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        if (instance_dir_sweep(store_root(s), delete_container, run->containers, &warning) < 0) {
                error_wrap(&warning, "clean up");
                run->to->warn(warning.text);
        }
        return 0;
}

/* ---- root ---- */

static int read_image(struct run *run, struct store *s, const struct image_info *info, struct error *err)
{
        own_buf struct buf text = {};
        int r = store_blob_read(s, &info->id, &text, err);

        if (r == 0)
                r = image_config_read(buf_str(&text), text.len, &run->image, err);
        return r < 0 ? error_wrap(err, "configuration of the image") : 0;
}

static int mount_root(struct run *run, struct store *s, const struct image_info *info, struct error *err)
{
        struct image_mount_options o = {
                .upper_fd = run->dir.upper, .work_fd = run->dir.work, .is_volatile = true, .warn = run->to->warn
        };

        run->pins = calloc(info->n_layers + 1, sizeof *run->pins);
        if (!run->pins)
                return error_set(err, ENOMEM, "out of memory");
        o.ret_pins = run->pins;
        run->root = image_mount(s, info->diff_ids, info->n_layers, &o, err);
        if (run->root < 0)
                return run->root;
        run->n_pins = info->n_layers;
        return 0;
}

static int write_files(struct run *run, struct error *err)
{
        own_buf struct buf resolv = {}, hosts = {}, hostname = {};
        own_fd int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
        int r;

        if (fd >= 0)
                fd_read_all(fd, MAX_RESOLV_CONF, &resolv);
        buf_addf(&hosts,
                 "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\n"
                 "ff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n127.0.1.1\t%s\n",
                 run->hostname);
        buf_addf(&hostname, "%s\n", run->hostname);
        r = instance_dir_write(&run->dir, "resolv.conf", buf_str(&resolv), err);
        if (r == 0)
                r = instance_dir_write(&run->dir, "hosts", buf_str(&hosts), err);
        return r == 0 ? instance_dir_write(&run->dir, "hostname", buf_str(&hostname), err) : r;
}

static int make_config(struct run *run, struct error *err)
{
        const struct instance_options *o = run->options;
        const struct image_spec spec = { .image = &run->image,
                                         .options = o,
                                         .user = &run->user,
                                         .warn = run->to->warn,
                                         .id = run->dir.id,
                                         .hostname = run->hostname,
                                         .files = run->dir.path,
                                         .one_id = user_namespace_has_one_id(),
                                         .own_cgroup = user_namespace_is_nested() };
        int r;

        if (snprintf(run->hostname, sizeof run->hostname, "%.*s", o->hostname ? 64 : SHORT_ID,
                     o->hostname ? o->hostname : run->dir.id) > 64 ||
            (o->hostname && strlen(o->hostname) > 64))
                return error_set(err, EINVAL, "hostname \"%s\": over 64 bytes", o->hostname);
        r = image_user_find(run->root, o->user ? o->user : run->image.user, &run->user, err);
        if (r == 0)
                r = write_files(run, err);
        return r == 0 ? image_spec_write(&spec, &run->config, err) : r;
}

/* ---- the container ---- */

/* Without -i the program has no input, as with Docker. */
static int choose_input(const struct instance_options *o, struct error *err)
{
        own_fd int null = -1;

        if (o->interactive)
                return o->tty && !isatty(STDIN_FILENO) ? error_set(err, ENOTTY, "the input device is not a TTY") : 0;
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0)
                return error_errno(err, errno, "open /dev/null");
        return 0;
}

static int run_container(struct run *run, int *ret_exit, struct error *err)
{
        struct error warning = {};
        const struct container_bundle content = { .config = run->config.data,
                                                  .len = run->config.len,
                                                  .root = run->root };
        const struct container_options o = { .root = run->containers,
                                             .id = run->dir.id,
                                             .bundle = run->dir.path,
                                             .content = &content,
                                             .ret_warning = &warning };
        int r = choose_input(run->options, err);

        if (r == 0)
                r = container_run(&o, ret_exit, err);
        if (warning.code)
                run->to->warn(warning.text);
        return r;
}

/* The words "exec ..." begin what container/ says of a program that could not be executed. */
static int exit_of(const struct error *err)
{
        if (strncmp(err->text, "exec: ", 6) != 0 && strncmp(err->text, "exec ", 5) != 0)
                return RUN_EXIT_FAILED;
        return err->code == ENOENT ? RUN_EXIT_NOT_FOUND : RUN_EXIT_NOT_EXECUTABLE;
}

/*
 * An ordinary user is root in a namespace of his own from here on. What killed ones have left is away by then: their
 * processes belong to namespaces beside that one.
 */
static int become_root(struct error *err)
{
        int r = geteuid() == 0 ? 0 : user_namespace_enter(err);

        return r < 0 ? error_wrap(err, "run without root's rights") : 0;
}

static void tell_debug(const struct run *run, const struct image_info *info)
{
        char text[600];

        if (!run->to->debug)
                return;
        snprintf(text, sizeof text, "image %s, layers: %zu", info->id.text, info->n_layers);
        run->to->debug(text);
        snprintf(text, sizeof text, "container %s, what it writes: %s, its state: %s", run->dir.id, run->dir.path,
                 run->containers);
        run->to->debug(text);
}

static int make_and_run(struct run *run, struct store *s, const struct image_info *info, int *ret_exit,
                        struct error *err)
{
        struct error ignored;
        int r = instance_dir_make(store_root(s), run->options->name, &run->dir, err);

        if (r < 0)
                return r;
        tell_debug(run, info);
        r = mount_root(run, s, info, err);
        if (r == 0)
                r = make_config(run, err);
        if (r == 0)
                r = run_container(run, ret_exit, err);
        return instance_dir_remove(&run->dir, r < 0 ? &ignored : err) < 0 && r == 0 ? -err->code : r;
}

int run_image(struct store *s, const struct image_info *image, const struct instance_options *o,
              const struct run_reports *to, int *ret_exit, struct error *err)
{
        struct run run = {
                .options = o, .to = to, .dir = { .parent = -1, .fd = -1, .upper = -1, .work = -1 }, .root = -1
        };
        int r = sweep(&run, s, err);

        if (r == 0)
                r = read_image(&run, s, image, err);
        if (r == 0)
                r = become_root(err);
        if (r == 0)
                r = make_and_run(&run, s, image, ret_exit, err);
        if (r < 0)
                *ret_exit = exit_of(err);
        run_finish(&run);
        return r;
}
