/* SPDX-License-Identifier: Apache-2.0 */
/* run and create */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/explain.h"
#include "cli/image_pull.h"
#include "cli/instance_options.h"
#include "cli/instance_select.h"
#include "instance/exit_status.h"
#include "instance/instance_explain.h"
#include "instance/mount_words.h"
#include "instance/shim_client.h"
#include "instance/vm_template.h"
#include "sys/fd.h"

/* In Docker's words. */
static void report_missing(const char *name)
{
        own_buf struct buf line = {};

        buf_addf(&line, "Unable to find image '%s' locally\n", name);
        report_text(&line);
}

/* Standard output is the program's: all that a pull has to say goes to standard error. */
static int pull(const struct invocation *inv, struct store *store, enum pull_policy policy, const char *name,
                struct pulled_image *ret, struct error *err)
{
        bool quiet = args_flag(&inv->args, OPTION_QUIET);
        own_image_pull struct image_pull p = {};
        own_buf struct buf status = {};
        int r = image_pull_open(&p, inv, store, err);

        if (r < 0)
                return r;
        p.policy = policy;
        p.missing = quiet ? NULL : report_missing;
        r = image_pull(&p, name, ret, err);
        if (r < 0)
                return r;
        if (*ret->digest.text && !quiet) {
                pulled_image_add_status(ret, &status);
                report_text(&status);
        }
        return 0;
}

/* One of both is what is to run. */
static int check_image(const struct args *a, struct error *err)
{
        bool of_template = args_has(a, OPTION_TEMPLATE);

        if (!of_template && !a->n_operands)
                return error_set(err, EMISUSED, "\"%s\" requires a minimum of 1 argument(s), an image, or --template",
                                 a->command->name);
        if (of_template && a->n_operands)
                return error_set(err, EMISUSED,
                                 "--template: what runs is in the template, and takes neither image nor "
                                 "command: \"%s\"",
                                 a->operands[0]);
        if (of_template && args_flag(a, OPTION_EXPLAIN))
                return error_set(err, EMISUSED, "--explain and --template exclude each other");
        return 0;
}

static int check_format(const struct args *a, struct error *err)
{
        static const char *const formats[] = { "json", NULL };

        if (args_has(a, OPTION_FORMAT) && !args_flag(a, OPTION_EXPLAIN))
                return error_set(err, EMISUSED, "--format is for --explain");
        return check_choice("format", args_str(a, OPTION_FORMAT), formats, err);
}

/* Images that are to be mounted, as the one that it stands on. */
static int pull_mounted(const struct invocation *inv, struct store *store, enum pull_policy policy,
                        const struct instance_options *o, struct error *err)
{
        struct arena a = {};
        int r = 0;

        for (const char *const *text = o->mount; r == 0 && text && *text; text++) {
                own_pulled_image struct pulled_image image = {};
                struct mount_words w;

                r = mount_words_read_mount(&a, *text, &w, err);
                if (r == 0 && strcmp(w.type, "image") == 0)
                        r = pull(inv, store, policy, w.source, &image, err);
        }
        arena_finish(&a);
        return r;
}

/* --cidfile: who made it wants to know which it is, and that he is the only one. */
static int open_id_file(const struct args *a, int *ret, struct error *err)
{
        const char *path = args_str(a, OPTION_CIDFILE);

        if (!path)
                return 0;
        *ret = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (*ret < 0 && errno == EEXIST)
                return error_set(err, EEXIST, "--cidfile %s is there already: remove it, or name another", path);
        return *ret < 0 ? error_errno(err, errno, "--cidfile %s", path) : 0;
}

static int make_of_template(struct invocation *inv, struct engine *e, struct instance_options *o, struct instance **ret,
                            struct error *err)
{
        own_fd int id_file = -1;
        int r = open_id_file(&inv->args, &id_file, err);

        if (r < 0)
                return r;
        instances_sweep(e);
        r = vm_template_instance(e, args_str(&inv->args, OPTION_TEMPLATE), o, ret, err);
        if (r < 0 && id_file >= 0)
                unlink(args_str(&inv->args, OPTION_CIDFILE));
        if (r == 0 && id_file >= 0 && fd_write_all(id_file, (*ret)->id, strlen((*ret)->id)) < 0)
                report_warning("the file of --cidfile could not be written");
        return r;
}

static int make(struct invocation *inv, struct engine *e, struct instance **ret, struct error *err)
{
        own_instance_options struct instance_options o = {};
        own_pulled_image struct pulled_image image = {};
        enum pull_policy policy = PULL_MISSING;
        own_fd int id_file = -1;
        struct store *store;
        int r = instance_options_from_args(&inv->args, &o, err);

        if (r == 0)
                r = pull_policy_parse("pull", args_str(&inv->args, OPTION_PULL), false, &policy, err);
        if (r == 0)
                r = engine_store(e, &store, err);
        if (r == 0 && args_has(&inv->args, OPTION_TEMPLATE))
                return make_of_template(inv, e, &o, ret, err);
        if (r == 0)
                r = pull(inv, store, policy, inv->args.operands[0], &image, err);
        if (r == 0 && o.mount)
                r = pull_mounted(inv, store, policy, &o, err);
        if (r == 0)
                r = open_id_file(&inv->args, &id_file, err);
        if (r < 0)
                return r;
        instances_sweep(e);
        r = instance_create(e, image.info, inv->args.operands[0], &o, ret, err);
        if (r < 0 && id_file >= 0)
                unlink(args_str(&inv->args, OPTION_CIDFILE));
        if (r == 0 && id_file >= 0 && fd_write_all(id_file, (*ret)->id, strlen((*ret)->id)) < 0)
                report_warning("the file of --cidfile could not be written");
        return r;
}

/* A value that makes no sense is refused here, not at the first start; that others are there is asked then. */
static int check_options(struct invocation *inv, struct engine *e, struct error *err)
{
        own_instance_options struct instance_options o = {};
        own_buf struct buf ignored = {};
        struct json_writer w = { .out = &ignored };
        int r = instance_options_from_args(&inv->args, &o, err);

        if (r == 0)
                r = instance_explain(e, NULL, inv->args.operands[0], &o, &w, err);
        return r == -EINVAL ? r : 0;
}

int cmd_create(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        int r;

        inv->failure_status = EXIT_STATUS_FAILED;
        r = check_image(&inv->args, err);
        if (r == 0)
                r = check_format(&inv->args, err);
        if (r == 0 && args_flag(&inv->args, OPTION_EXPLAIN))
                return explain_instance(inv, err);
        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0 && !args_has(&inv->args, OPTION_TEMPLATE))
                r = check_options(inv, &e, err);
        if (r == 0)
                r = make(inv, &e, &i, err);
        if (r < 0 || !i)
                return r;
        instance_release(&e, i);
        return output_line(i->id, err);
}

/* ---- run ---- */

/* -a STDIN|STDOUT|STDERR: those that are named, instead of all. */
static int read_streams(const struct args *a, struct attach_options *o, struct error *err)
{
        own_mem const char **names = NULL;
        int r = args_list(a, OPTION_ATTACH, &names, err);

        if (r < 0 || !names)
                return r;
        o->input = false;
        o->no_output = o->no_errors = true;
        for (const char **name = names; *name; name++) {
                if (strcasecmp(*name, "stdin") == 0)
                        o->input = true;
                else if (strcasecmp(*name, "stdout") == 0)
                        o->no_output = false;
                else if (strcasecmp(*name, "stderr") == 0)
                        o->no_errors = false;
                else
                        return error_set(err, EMISUSED, "--attach \"%s\": neither stdin, stdout nor stderr", *name);
        }
        return 0;
}

static int read_attach(struct invocation *inv, const struct instance *i, struct attach_options *o, struct error *err)
{
        const struct args *a = &inv->args;

        *o = (struct attach_options){ .name = i->name,
                                      .tty = i->options.tty,
                                      .input = i->options.interactive,
                                      .proxy_signals = !args_has(a, OPTION_SIG_PROXY) || args_flag(a, OPTION_SIG_PROXY),
                                      .detach_keys = args_str(a, OPTION_DETACH_KEYS) };
        return read_streams(a, o, err);
}

static int follow(struct invocation *inv, struct engine *e, struct instance *i, int shim,
                  const struct attach_options *o, struct error *err)
{
        enum attach_end end;
        int r = shim_relay(shim, o, &end, &inv->exit_status, err);

        if (r < 0 || end == ATTACH_DETACHED)
                return r;
        return instance_clean_up(e, i, err);
}

static int run(struct invocation *inv, struct engine *e, struct instance *i, struct error *err)
{
        bool detach = args_flag(&inv->args, OPTION_DETACH);
        struct attach_options o;
        own_fd int shim = -1;
        int r = detach ? 0 : read_attach(inv, i, &o, err);

        if (r == 0)
                r = instance_start(e, i, !detach, &shim, err);
        if (r < 0)
                return r;
        return detach ? output_line(i->id, err) : follow(inv, e, i, shim, &o, err);
}

/* One that never ran: with --rm it goes, else it stays to be looked at, as with Docker. */
static void give_up(struct invocation *inv, struct engine *e, struct instance *i, const struct error *err)
{
        struct error ignored;

        inv->failure_status = exit_status_of(err);
        if (i->options.rm)
                instance_remove(e, i, true, true, &ignored);
        else
                instance_fail(e, i, inv->failure_status, err->text);
}

static int explain_run(struct invocation *inv, struct error *err)
{
        struct attach_options ignored = {};
        int r = read_streams(&inv->args, &ignored, err);

        return r == 0 ? explain_instance(inv, err) : r;
}

/* Before anything is downloaded or made. */
static int check_misuse(const struct args *a, struct error *err)
{
        if (args_flag(a, OPTION_DETACH) && args_has(a, OPTION_ATTACH))
                return error_set(err, EMISUSED, "--detach and --attach exclude each other");
        if (args_flag(a, OPTION_TTY) && args_flag(a, OPTION_INTERACTIVE) && !args_flag(a, OPTION_DETACH) &&
            !args_flag(a, OPTION_EXPLAIN) && !isatty(STDIN_FILENO))
                return error_set(err, ENOTTY, "the input device is not a TTY; leave out --tty or --interactive");
        return check_format(a, err);
}

int cmd_run(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        int r;

        inv->failure_status = EXIT_STATUS_FAILED;
        r = check_image(&inv->args, err);
        if (r == 0)
                r = check_misuse(&inv->args, err);
        if (r == 0 && args_flag(&inv->args, OPTION_EXPLAIN))
                return explain_run(inv, err);
        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = make(inv, &e, &i, err);
        if (r < 0 || !i)
                return r;
        r = run(inv, &e, i, err);
        if (r < 0 && !instance_is_running(i))
                give_up(inv, &e, i, err);
        return r;
}
