/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/json.h"
#include "base/own.h"
#include "cli/bootstrap.h"
#include "cli/image_lookup.h"
#include "cli/mover.h"
#include "sys/fd.h"

enum { MAX_LOG = 1 << 20 };

struct packages { /* of all --include, cut at commas; NULL-terminated */
        char **items;
        size_t n, cap;
};

static void packages_finish(struct packages *p)
{
        for (size_t i = 0; i < p->n; i++)
                free(p->items[i]);
        free(p->items);
}

static int packages_add(struct packages *p, const char *begin, size_t len, struct error *err)
{
        static const char accepted[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.:=~/*?";
        char *name = strndup(begin, len);

        if (!name || array_grow(&p->items, &p->cap, p->n + 2, sizeof *p->items) < 0) {
                free(name);
                return error_set(err, ENOMEM, "out of memory");
        }
        p->items[p->n++] = name;
        p->items[p->n] = NULL;
        /* mmdebstrap would take a name with other characters for a pattern or another option of its own. */
        return strspn(name, accepted) == len && !strchr("+-.:=/*", *name)
                       ? 0
                       : error_set(err, EMISUSED, "option --include: \"%s\" is no package's name", name);
}

static int packages_read(const struct args *args, struct packages *p, struct error *err)
{
        own_mem const char **lists = NULL;
        int r = args_list(args, OPTION_INCLUDE, &lists, err);

        for (size_t i = 0; lists && lists[i] && r == 0; i++) {
                for (const char *at = lists[i]; *at && r == 0;) {
                        size_t len = strcspn(at, ", ");

                        r = len ? packages_add(p, at, len, err) : 0;
                        at += len + (at[len] != '\0');
                }
        }
        return r;
}

static int take_id(void *userdata, struct json_object *result)
{
        struct digest *id = userdata;
        const char *text = "";

        return json_get_string(result, "id", &text, NULL) == 1 ? digest_parse(text, id, NULL) : -1;
}

static void write_parameters(const struct bootstrap *b, const char *suite, struct buf *out)
{
        own_buf struct buf config = {}, comment = {};
        struct json_writer w = { .out = out };

        bootstrap_config(b, suite, &config);
        buf_addf(&comment, "mmdebstrap --variant=%s %s", b->variant, suite);
        json_begin_object(&w, NULL);
        json_write_string(&w, "comment", buf_str(&comment));
        json_write_raw(&w, "config", buf_str(&config));
        json_end_object(&w);
}

/* mmdebstrap makes the archive while it is taken in; the image gets its name when both have ended well. */
static int make_image(const struct bootstrap *b, struct mover *m, struct digest *ret_id, struct error *err)
{
        own_buf struct buf parameters = {};
        struct error failure = {};
        const char *suite = NULL;
        own_fd int pipe = -1;
        pid_t pid = 0;
        int r = bootstrap_suite(b->distribution, b->release, &suite, err), ended;

        if (r == 0)
                r = bootstrap_start(b, &pipe, &pid, err);
        if (r < 0)
                return r;
        write_parameters(b, suite, &parameters);
        r = mover_run(m, "import", &parameters, pipe, take_id, ret_id, err);
        close(take_fd(&pipe));
        ended = bootstrap_end(pid, &failure);
        if (ended == 0 || ended == -EPIPE)
                return r;
        /* An archive that broke off says less than what broke it. */
        *err = failure;
        return ended;
}

/* With -q what mmdebstrap says is kept, and shown when it fails. */
static int open_log(bool quiet, struct error *err)
{
        int fd = quiet ? memfd_create("mmdebstrap", MFD_CLOEXEC) : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

        return fd < 0 ? error_errno(err, errno, "open a log") : fd;
}

static void show_log(int log)
{
        own_buf struct buf text = {};

        if (lseek(log, 0, SEEK_SET) == 0 && fd_read_all(log, MAX_LOG, &text) >= 0)
                fd_write_all(STDERR_FILENO, buf_str(&text), text.len);
}

/* "debian:12" */
static int read_release(const char *text, char distribution[64], struct bootstrap *b, struct error *err)
{
        const char *colon = strchr(text, ':');
        size_t len = colon ? (size_t)(colon - text) : strlen(text);
        const char *suite;

        if (len >= 64)
                return error_set(err, EINVAL, "%s: no distribution", text);
        memcpy(distribution, text, len);
        distribution[len] = '\0';
        b->distribution = distribution;
        b->release = colon ? colon + 1 : "latest";
        return bootstrap_suite(b->distribution, b->release, &suite, err);
}

static int check_word(const char *option, const char *value, struct error *err)
{
        static const char accepted[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

        return *value && *value != '-' && strspn(value, accepted) == strlen(value)
                       ? 0
                       : error_set(err, EMISUSED, "option --%s: invalid value \"%s\"", option, value);
}

static int read_options(const struct args *args, struct bootstrap *b, struct error *err)
{
        int r;

        b->variant = args_str(args, OPTION_VARIANT) ? args_str(args, OPTION_VARIANT) : "minbase";
        b->architecture = args_str(args, OPTION_ARCHITECTURE);
        b->mirror = args_str(args, OPTION_MIRROR);
        r = check_word("variant", b->variant, err);
        if (r == 0 && b->architecture)
                r = check_word("architecture", b->architecture, err);
        if (r == 0 && b->mirror && *b->mirror == '-')
                r = error_set(err, EMISUSED, "option --mirror: invalid value \"%s\"", b->mirror);
        return r;
}

/* What mmdebstrap left behind when it failed may be an archive, and so an image that nobody wants. */
static void remove_remains(struct store *store, const struct digest *id)
{
        own_mem struct image_info *info = NULL;

        if (*id->text && store_image_find(store, id->text, &info, NULL) == 0 && !info->names[0])
                store_image_remove(store, id, NULL);
}

static int bootstrap(struct invocation *inv, const struct bootstrap *b, const struct reference *name, struct error *err)
{
        own_store struct store *store = NULL;
        own_mover struct mover m = {};
        own_buf struct buf line = {};
        struct digest id = {};
        int r = invocation_store(inv, &store, err);

        if (r == 0)
                r = mover_open(&m, inv, store, "importing", err);
        if (r == 0)
                r = make_image(b, &m, &id, err);
        if (r == 0)
                r = store_image_tag(store, &id, name, err);
        if (r < 0 && store)
                remove_remains(store, &id);
        buf_addf(&line, "%s\n", id.text);
        return r < 0 ? r : output_write(&line, err);
}

int cmd_image_bootstrap(struct invocation *inv, struct error *err)
{
        const char *release = inv->args.operands[0], *tag = args_str(&inv->args, OPTION_TAG);
        bool quiet = args_flag(&inv->args, OPTION_QUIET);
        struct packages packages = {};
        struct bootstrap b = {};
        struct reference name;
        char distribution[64];
        own_fd int log = -1;
        int r = read_release(release, distribution, &b, err);

        if (r == 0)
                r = reference_parse(tag ? tag : release, &name, err);
        if (r == 0)
                r = read_options(&inv->args, &b, err);
        if (r == 0)
                r = packages_read(&inv->args, &packages, err);
        if (r == 0)
                r = log = open_log(quiet, err);
        b.include = (const char *const *)packages.items;
        b.log = log;
        if (r >= 0)
                r = bootstrap(inv, &b, &name, err);
        if (r < 0 && quiet && log >= 0)
                show_log(log);
        packages_finish(&packages);
        return r < 0 ? r : 0;
}
