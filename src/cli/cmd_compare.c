/* SPDX-License-Identifier: Apache-2.0 */
/* The same work on the host, in a container and in a virtual machine, in turns. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "cli/compare_host.h"
#include "cli/compare_image.h"
#include "cli/compare_run.h"
#include "cli/compare_scratch.h"
#include "cli/compare_warm.h"
#include "cli/image_pull.h"
#include "cli/instance_select.h"
#include "cli/output_file.h"
#include "instance/image_command.h"
#include "sys/fd.h"
#include "sys/sibling_program.h"
#include "vm/accelerator.h"

enum { DEFAULT_ROUNDS = 5, MAX_ROUNDS = 1000, DEFAULT_AMOUNT = 100, MAX_AMOUNT = 100000 };
static const double much_by_others = 0.1, much_apart = 1.5;

static const struct {
        const char *name, *what;
} own_works[] = {
        { "cpu", "sorting, and products of matrices" },
        { "memory", "copies and sums of 32 MB" },
        { "syscalls", "system calls that do next to nothing" },
        { "files", "small files written, read, renamed, removed; a few brought to the disk" },
        { "network", "TCP over loopback: a stream, then questions and answers" },
        { "processes", "processes made and ended, half of them by executing a program" },
};

struct comparison {
        struct invocation *inv;
        struct engine engine;
        struct store *store;
        struct compare_setup setup;
        struct compare_report report;
        struct compare_scratch scratch;
        struct compare_image image;
        struct compare_warm warm;
        struct image_info *made; /* of it, when it is run bare */
        struct pulled_image base;
        struct image_config config;
        struct instance_options options; /* what the image's program is made of */
        const char **command;            /* what holt-workload is told to run; NULL: our own work */
        char holt[PATH_MAX], program[PATH_MAX], amount[16];
        struct buf title; /* of the image's program */
        bool quiet, in_place, left_out[COMPARE_PLACES];
};

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

/* ---- what was asked for ---- */

static int read_number(const struct args *a, unsigned id, const char *name, uint32_t least, uint32_t most,
                       uint32_t usual, uint32_t *ret, struct error *err)
{
        int r = args_u32(a, id, ret, err);

        if (r == 0)
                *ret = usual;
        if (r >= 0 && (*ret < least || *ret > most))
                return error_set(err, EMISUSED, "option --%s: from %u to %u", name, least, most);
        return r < 0 ? r : 0;
}

static int add_work(struct comparison *c, const char *name, const char *what, struct error *err)
{
        size_t cap = c->report.n_works;

        if (array_grow(&c->report.works, &cap, c->report.n_works + 1, sizeof *c->report.works) < 0)
                return no_memory(err);
        c->report.works[c->report.n_works++] = (struct compare_work){ .name = name, .what = what };
        return 0;
}

static int choose_works(struct comparison *c, const char *wanted, struct error *err)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(own_works); i++)
                if (!wanted || strcmp(wanted, "all") == 0 || strcmp(wanted, own_works[i].name) == 0)
                        r = add_work(c, own_works[i].name, own_works[i].what, err);
        if (r == 0 && !c->report.n_works)
                return error_set(err, EMISUSED, "option --workload: invalid value \"%s\"", wanted);
        return r;
}

static int read_arguments(struct comparison *c, struct error *err)
{
        static const char *const formats[] = { "table", "json", NULL };
        const struct args *a = &c->inv->args;
        const char *wanted = args_str(a, OPTION_WORKLOAD);
        uint32_t rounds = 0, amount = 0;
        int r = check_choice("format", args_str(a, OPTION_FORMAT), formats, err);

        if (r == 0)
                r = read_number(a, OPTION_ROUNDS, "rounds", 1, MAX_ROUNDS, DEFAULT_ROUNDS, &rounds, err);
        if (r == 0)
                r = read_number(a, OPTION_AMOUNT, "amount", 0, MAX_AMOUNT, DEFAULT_AMOUNT, &amount, err);
        if (r == 0 && wanted && a->n_operands > 1)
                r = error_set(err, EMISUSED, "--workload and a command exclude each other");
        if (r == 0 && (wanted || !a->n_operands))
                r = choose_works(c, wanted, err);
        c->report.rounds = rounds;
        snprintf(c->amount, sizeof c->amount, "%u", amount);
        c->quiet = args_flag(a, OPTION_QUIET);
        c->in_place = isatty(STDERR_FILENO);
        for (unsigned p = 0; p < COMPARE_PLACES; p++)
                c->left_out[p] = compare_place_is_machine(p) && args_flag(a, OPTION_NO_VM);
        c->setup.network = args_has(a, OPTION_NETWORK) ? args_str(a, OPTION_NETWORK) : "none";
        c->setup.memory = args_str(a, OPTION_MEMORY);
        return r;
}

/* ---- what is run ---- */

static int find_base(struct comparison *c, struct error *err)
{
        own_image_pull struct image_pull p = {};
        int r = image_pull_open(&p, c->inv, c->store, err);

        if (r < 0)
                return r;
        p.policy = PULL_MISSING;
        c->report.image = c->inv->args.operands[0];
        return image_pull(&p, c->report.image, &c->base, err);
}

/* "run", and the image's program with its arguments, or what was given in their place. */
static int find_command(struct comparison *c, struct error *err)
{
        own_buf struct buf text = {};
        own_mem const char **words = NULL;
        const char *const *given = (const char *const *)c->inv->args.operands + 1;
        size_t n = 0, n_given = c->inv->args.n_operands - 1, dashes = n_given && strcmp(*given, "--") == 0;
        int r = instance_option_set_list(&c->options, instance_option_find("command"), given + dashes,
                                         n_given - dashes);

        r = r < 0 ? no_memory(err) : store_blob_read(c->store, &c->base.info->id, &text, err);
        if (r == 0)
                r = image_config_read(buf_str(&text), text.len, &c->config, err);
        if (r == 0)
                r = image_command(&c->config, &c->options, &words, err);
        if (r < 0 || !words)
                return r;
        while (words[n])
                n++;
        c->command = calloc(n + 2, sizeof *c->command);
        if (!c->command)
                return no_memory(err);
        c->command[0] = "run";
        memcpy(c->command + 1, words, n * sizeof *words);
        for (size_t i = 0; i < n; i++)
                buf_addf(&c->title, "%s%s", i ? " " : "", words[i]);
        if (strcmp(c->setup.network, "none") != 0) {
                c->left_out[COMPARE_BARE] = true;
                buf_addf(&c->report.notes, "bare is left out: a program of an image is not let into the host's network "
                                           "(--network)\n");
        }
        return add_work(c, "command", buf_str(&c->title), err);
}

/* By one that was killed. */
static void remove_left_behind(void *userdata, const char *name)
{
        const struct comparison *c = userdata;

        compare_remove_instance(&c->setup, name);
}

static int prepare(struct comparison *c, struct error *err)
{
        int r = sibling_program_own(c->holt, err);

        c->setup.engine = &c->engine;
        c->setup.holt = c->holt;
        c->setup.program = c->program;
        if (r == 0)
                r = sibling_program_find("holt-workload", c->program, err);
        if (r == 0)
                r = engine_store(&c->engine, &c->store, err);
        if (r == 0 && c->inv->args.n_operands)
                r = find_base(c, err);
        if (r == 0 && !c->report.n_works)
                r = find_command(c, err);
        if (r == 0)
                r = compare_scratch_make(c->engine.root, remove_left_behind, c, &c->scratch, err);
        if (r == 0)
                r = compare_image_make(c->store, c->base.info, c->program, c->scratch.path, &c->image, err);
        if (r == 0 && c->command)
                r = store_image_find(c->store, c->image.id.text, &c->made, err);
        if (r < 0)
                return r;
        c->setup.image = c->image.id.text;
        c->setup.scratch = c->scratch.path;
        c->setup.name = compare_scratch_name(&c->scratch);
        c->setup.files = c->made;
        c->setup.config = &c->config;
        return 0;
}

/* ---- progress ---- */

static void tell(const struct comparison *c, const char *text)
{
        own_buf struct buf line = {};

        if (c->quiet)
                return;
        buf_addf(&line, c->in_place ? "\r%s\033[K" : "%s\n", text);
        report_text(&line);
}

static void tell_round(const struct comparison *c, const struct compare_work *w, unsigned round, enum compare_place p)
{
        own_buf struct buf text = {};

        buf_addf(&text, "%s, round %u of %u", w->name, round + 1, c->report.rounds);
        if (c->in_place)
                buf_addf(&text, ": %s", compare_place_name(p));
        if (c->in_place || p == COMPARE_BARE)
                tell(c, buf_str(&text));
}

static void tell_end(const struct comparison *c)
{
        if (c->in_place)
                tell(c, "");
}

/* Also said now: who knows it need not wait for the end. */
static void note(struct comparison *c, const char *text)
{
        tell_end(c);
        if (!c->quiet)
                report_warning(text);
        buf_addf(&c->report.notes, "%s\n", text);
}

/* ---- the rounds ---- */

/* What is done once is done before: layers are mounted, a guest's first files made. Where a machine cannot be had, that
 * is said. */
static int try_once(struct comparison *c, enum compare_place p, struct error *err)
{
        static const char *const words[] = { "nothing", "0", NULL };
        struct compare_sample ignored;
        own_buf struct buf text = {};
        const char *why;
        int r;

        r = compare_run(&c->setup, p, words, &ignored, err);
        if (r >= 0 || r == -ECANCELED || !compare_place_is_machine(p))
                return r;
        why = strstr(err->text, "holt: ");
        buf_addf(&text, "virtual machines are left out: %s", why ? why + strlen("holt: ") : err->text);
        note(c, buf_str(&text));
        c->left_out[COMPARE_VM] = c->left_out[COMPARE_VM_WARM] = c->left_out[COMPARE_VM_COLD] = true;
        return 0;
}

/* Its first run leaves the machine that the next one takes; where none shall wait, or none comes, the others are
 * compared. */
static int try_warm(struct comparison *c, struct error *err)
{
        struct holt_conf conf;
        own_buf struct buf text = {};
        int r = holt_conf_read(&conf, err);

        if (r < 0)
                return r;
        c->left_out[COMPARE_VM_WARM] = vm_pool_size(&c->engine, &conf) == 0;
        if (c->left_out[COMPARE_VM_WARM])
                return 0;
        r = compare_warm_begin(&c->engine, &c->warm, err);
        if (r == 0)
                r = try_once(c, COMPARE_VM_WARM, err);
        if (r < 0 || c->left_out[COMPARE_VM_WARM])
                return r;
        c->setup.waiting = compare_warm_wait(&c->warm, err);
        if (c->setup.waiting > 0)
                return 0;
        c->left_out[COMPARE_VM_WARM] = true;
        buf_addf(&text, "%s is left out: %s", compare_place_name(COMPARE_VM_WARM), err->text);
        note(c, buf_str(&text));
        return 0;
}

static int try_place(struct comparison *c, enum compare_place p, struct error *err)
{
        if (c->left_out[p])
                return 0;
        return p == COMPARE_VM_WARM ? try_warm(c, err) : try_once(c, p, err);
}

static int run_one(struct comparison *c, struct compare_work *w, enum compare_place p, struct error *err)
{
        const char *const own[] = { w->name, c->amount, NULL };
        struct compare_row *row = &w->rows[p];
        int r;

        if (array_grow(&row->samples, &row->cap, row->n + 1, sizeof *row->samples) < 0)
                return no_memory(err);
        r = compare_run(&c->setup, p, c->command ? c->command : own, &row->samples[row->n], err);
        if (r < 0)
                return r;
        row->n++;
        row->is_there = true;
        /* What it leaves behind is made before anything else is measured. */
        if (p == COMPARE_VM_WARM)
                r = c->setup.waiting = compare_warm_wait(&c->warm, err);
        return r < 0 ? r : 0;
}

static int run_work(struct comparison *c, struct compare_work *w, struct error *err)
{
        int r = 0;

        for (unsigned round = 0; r == 0 && round < c->report.rounds; round++) {
                for (unsigned p = 0; r == 0 && p < COMPARE_PLACES; p++) {
                        tell_round(c, w, round, p);
                        if (!c->left_out[p])
                                r = run_one(c, w, p, err);
                }
        }
        return r;
}

static void check_host(struct comparison *c)
{
        char text[160];

        compare_host_read(&c->report.host);
        if (c->report.host.busy < much_by_others)
                return;
        snprintf(text, sizeof text,
                 "the host is busy: others use %.0f %% of its processors, so that figures are neither steady nor right",
                 c->report.host.busy * 100);
        note(c, text);
}

static bool did_the_same(const struct compare_work *w)
{
        const uint64_t *first = NULL;

        for (unsigned p = 0; p < COMPARE_PLACES; p++) {
                for (size_t i = 0; i < w->rows[p].n; i++) {
                        if (first && w->rows[p].samples[i].sum != *first)
                                return false;
                        first = &w->rows[p].samples[i].sum;
                }
        }
        return true;
}

static void check_work(struct comparison *c, const struct compare_work *w)
{
        struct compare_figure f =
                compare_figure(&w->rows[c->left_out[COMPARE_BARE] ? COMPARE_CONTAINER : COMPARE_BARE], COMPARE_WORK);
        char text[160];

        if (!did_the_same(w)) {
                snprintf(text, sizeof text, "%s: what was worked out is not the same everywhere", w->name);
                note(c, text);
        }
        if (f.known && (double)f.max > (double)f.min * much_apart) {
                snprintf(text, sizeof text, "%s: its rounds are far apart, something else was running", w->name);
                note(c, text);
        }
}

static int run_all(struct comparison *c, struct error *err)
{
        int r = 0;

        check_host(c);
        c->report.accelerator =
                accelerator_name(accelerator_probe(c->report.accelerator_reason, sizeof c->report.accelerator_reason));
        tell(c, "each place once, without work");
        for (unsigned p = 0; r == 0 && p < COMPARE_PLACES; p++)
                r = try_place(c, p, err);
        for (size_t i = 0; r == 0 && i < c->report.n_works; i++) {
                r = run_work(c, &c->report.works[i], err);
                if (r == 0)
                        check_work(c, &c->report.works[i]);
        }
        tell_end(c);
        return r;
}

/* ---- output ---- */

static int write_page(const struct comparison *c, const char *path, struct error *err)
{
        own_output_file struct output_file f = OUTPUT_FILE_NONE;
        own_buf struct buf page = {};
        int r = output_file_open(path, &f, err);

        if (r < 0)
                return r;
        compare_write_html(&c->report, &page);
        r = buf_failed(&page) ? -ENOMEM : fd_write_all(f.fd, page.data, page.len);
        return r < 0 ? error_errno(err, -r, "write %s", path) : output_file_commit(&f, err);
}

static int show(const struct comparison *c, struct error *err)
{
        const char *format = args_str(&c->inv->args, OPTION_FORMAT), *page = args_str(&c->inv->args, OPTION_HTML);
        own_buf struct buf out = {};
        int r = page ? write_page(c, page, err) : 0;

        if (r < 0)
                return r;
        if (format && strcmp(format, "json") == 0)
                compare_write_json(&c->report, &out);
        else
                compare_write_table(&c->report, &out);
        return output_write(&out, err);
}

/* ---- the command ---- */

/* From here on a signal that ends is something to read, so that all is removed first. */
static int hold_signals(struct error *err)
{
        sigset_t set;
        int fd;

        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        fd = sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -1 : signalfd(-1, &set, SFD_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "watch for signals") : fd;
}

static int signal_status(int signals)
{
        struct signalfd_siginfo info;

        return read(signals, &info, sizeof info) == sizeof info ? 128 + (int)info.ssi_signo : 1;
}

static void finish(struct comparison *c)
{
        compare_warm_finish(&c->warm);
        if (c->store)
                compare_image_remove(c->store, &c->image);
        compare_scratch_remove(&c->scratch);
        compare_report_finish(&c->report);
        image_config_finish(&c->config);
        instance_options_finish(&c->options);
        pulled_image_finish(&c->base);
        free(c->command);
        free(c->made);
        buf_finish(&c->title);
        engine_close(&c->engine);
}

int cmd_compare(struct invocation *inv, struct error *err)
{
        struct comparison c = { .inv = inv, .scratch = COMPARE_SCRATCH_NONE, .image = { .pin = -1 } };
        own_fd int signals = -1;
        int r = read_arguments(&c, err);

        if (r == 0)
                r = invocation_engine(inv, &c.engine, err);
        if (r == 0)
                r = signals = hold_signals(err);
        c.setup.signals = signals;
        if (r >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                r = error_errno(err, errno, "inherit the shims");
        if (r >= 0)
                r = prepare(&c, err);
        if (r >= 0)
                r = run_all(&c, err);
        if (r == 0)
                r = show(&c, err);
        if (r == -ECANCELED)
                inv->failure_status = signal_status(signals);
        finish(&c);
        return r;
}
