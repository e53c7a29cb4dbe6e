/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "cli/misuse.h"
#include "instance/backend.h"
#include "instance/copy.h"
#include "instance/instance_root.h"
#include "instance/vm_guest.h"
#include "sys/user_namespace.h"

/* "INSTANCE:PATH", a path of the host, or "-". */
struct place {
        char *name; /* of the instance; NULL: the host */
        const char *path;
        bool is_stream;
        struct instance *i;
        struct instance_root root;
        struct vm_guest guest; /* in the place of root, for a machine */
};

static void place_finish(struct place *p)
{
        vm_guest_close(&p->guest);
        instance_root_close(&p->root);
        instance_free(p->i);
        free(p->name);
}
#define PLACE_NONE                                            \
        {                                                     \
                .root = INSTANCE_ROOT_NONE, .guest.pidfd = -1 \
        }
#define own_place __attribute__((cleanup(place_finish)))

/* As Docker: what begins with a slash or a dot is a path, colons or not. */
static int place_read(const char *text, struct place *ret, struct error *err)
{
        const char *colon = strchr(text, ':');

        ret->path = text;
        ret->is_stream = strcmp(text, "-") == 0;
        if (!*text)
                return error_set(err, EMISUSED, "an empty path");
        if (*text == '/' || *text == '.' || !colon)
                return 0;
        ret->name = strndup(text, (size_t)(colon - text));
        ret->path = colon + 1;
        if (!ret->name)
                return error_set(err, ENOMEM, "out of memory");
        return *ret->path ? 0 : error_set(err, EMISUSED, "%s: no path behind the colon", text);
}

/* A machine that was never started has nothing but its image's files. */
static bool is_in_guest(const struct instance *i, bool writable)
{
        return i->backend->is_machine && (writable || instance_is_running(i) || vm_guest_has_disk(i));
}

static int place_open(struct engine *e, struct place *p, bool writable, struct error *err)
{
        int r = p->name ? instance_find(e, p->name, &p->i, err) : 0;

        if (r < 0 || !p->name)
                return r;
        return is_in_guest(p->i, writable) ? vm_guest_open(e, p->i, &p->guest, err)
                                           : instance_root_open(e, p->i, writable, &p->root, err);
}

static struct copy_side side_of(const struct place *p)
{
        return (struct copy_side){
                .is_host = !p->name, .root = p->root.fd, .path = p->path, .guest = p->guest.i ? &p->guest : NULL
        };
}

static int copy(const struct place *from, const struct place *to, const struct copy_options *o, struct error *err)
{
        const struct copy_side source = side_of(from), target = side_of(to);

        if (to->is_stream)
                return copy_to_stream(&source, STDOUT_FILENO, o, err);
        if (from->is_stream)
                return copy_from_stream(STDIN_FILENO, &target, o, err);
        return copy_files(&source, &target, o, err);
}

static int check(const struct place *from, const struct place *to, struct error *err)
{
        if (!from->name && !to->name)
                return error_set(err, EMISUSED, "one side at least is in an instance: INSTANCE:PATH");
        if (to->is_stream && isatty(STDOUT_FILENO))
                return error_set(err, EMISUSED, "an archive is nothing for a terminal: use a pipe");
        return 0;
}

int cmd_cp(struct invocation *inv, struct error *err)
{
        struct copy_options o = { .archive = args_flag(&inv->args, OPTION_ARCHIVE),
                                  .follow = args_flag(&inv->args, OPTION_FOLLOW_LINK) };
        own_engine struct engine e = {}; /* goes last */
        own_place struct place from = PLACE_NONE, to = PLACE_NONE;
        int r = place_read(inv->args.operands[0], &from, err);

        if (r == 0)
                r = place_read(inv->args.operands[1], &to, err);
        if (r == 0)
                r = check(&from, &to, err);
        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = place_open(&e, &from, false, err);
        if (r == 0)
                r = place_open(&e, &to, true, err);
        if (r == 0 && from.i && to.i && strcmp(from.i->id, to.i->id) == 0)
                r = error_set(err, EINVAL, "both sides are in %s: its own cp does that", from.i->name);
        if (r < 0)
                return r;
        o.lenient = user_namespace_is_nested();
        r = copy(&from, &to, &o, err);
        return r == 0 && to.guest.i ? vm_guest_finish(&to.guest, err) : r;
}
