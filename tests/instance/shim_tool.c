/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances of a plain directory and a given configuration, without images and networks: for the tests of the shim.
 *
 *   shim_tool --root ROOT --run RUN run CONFIG ROOTFS NAME [-d] [OPTION=VALUE...]
 *   shim_tool --root ROOT --run RUN start CONFIG ROOTFS NAME [-d]
 *   shim_tool --root ROOT --run RUN kill|stop NAME NUMBER
 *   shim_tool --root ROOT --run RUN times CONFIG ROOTFS NAME COUNT     us from shim_spawn() to the program, each time
 *   shim_tool --root ROOT --run RUN instance-ended ID                  what the shim calls: notes it in ROOT/ended
 *
 * run and start end as the program does, or with 125 to 127; without -d they relay.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "instance/backend.h"
#include "instance/exit_status.h"
#include "instance/instance_lock.h"
#include "instance/instance_name.h"
#include "instance/instance_network.h"
#include "instance/instance_record.h"
#include "instance/shim_client.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

/* There are none. */
__attribute__((weak)) int instance_network_close(struct engine *e, const char *id, struct error *err)
{
        return 0;
}

static int fail(const struct error *err)
{
        fprintf(stderr, "shim_tool: %s\n", err->text);
        return 125;
}

static void ignore(const char *text)
{
}

/* A list gets one more, which Docker's flags do by being repeated. */
static int set_option(struct instance_options *o, const char *name, const char *value)
{
        const struct option_member *m = instance_option_find(name);
        const char *const *old, *values[16] = {};
        size_t n = 0;

        if (!m)
                return -ENOENT;
        if (m->kind != OPTION_KIND_LIST)
                return instance_option_set(o, m, value);
        memcpy(&old, (const char *)o + m->offset, sizeof old);
        for (; old && old[n] && n < ARRAY_SIZE(values) - 1; n++)
                values[n] = old[n];
        values[n++] = value;
        return instance_option_set_list(o, m, values, n);
}

static int make_instance(struct engine *e, const char *name, char **words, struct instance **ret, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err);
        static const char *const no_args[] = { "program", NULL };
        char id[INSTANCE_ID_LEN + 1];
        own_instance struct instance *i = NULL;
        int r = dir < 0 ? dir : instance_make_id(id, err);

        if (r == 0)
                r = instance_new(e, id, &i, err);
        if (r < 0)
                return r;
        for (; *words; words++) {
                char *value = strchr(*words, '=');

                if (!value)
                        continue;
                *value++ = '\0';
                if (set_option(&i->options, *words, value) < 0)
                        return error_set(err, EINVAL, "option %s", *words);
        }
        i->name = strdup(name);
        i->image_name = strdup("plain");
        i->backend = &backend_container;
        i->args = no_args;
        i->created = instance_now();
        snprintf(i->image.text, sizeof i->image.text, "sha256:%064d", 0);
        if (mkdirat(dir, id, 0700) < 0)
                return error_errno(err, errno, "mkdir");
        i->fd = openat(dir, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = instance_save(i, err);
        if (r == 0)
                r = instance_name_take(dir, name, id, err);
        if (r == 0)
                *ret = take_ptr(i);
        return r;
}

static int make_job(struct start_job *job, const char *config, const char *rootfs, struct error *err)
{
        own_fd int fd = open(config, O_RDONLY | O_CLOEXEC);

        *job = (struct start_job){ .root = -1, .netns = -1 };
        if (fd < 0 || fd_read_all(fd, 1 << 20, &job->config) < 0)
                return error_errno(err, errno, "read %s", config);
        job->root = mount_clone(AT_FDCWD, rootfs, true);
        return job->root < 0 ? error_errno(err, -job->root, "clone the mount of %s", rootfs) : 0;
}

static int begin(struct engine *e, struct instance *i, char **argv, bool attach, struct error *err)
{
        struct start_job job = { .root = -1 };
        int r, shim = -1;

        r = i->lock = instance_lock(e, i->id, err);
        if (r >= 0)
                r = shim = shim_spawn(e, i, err);
        if (r >= 0)
                r = make_job(&job, argv[0], argv[1], err);
        if (r >= 0)
                close(openat(i->fd, "started", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        if (r >= 0)
                r = shim_begin(shim, e, i, &job, attach, err);
        if (job.root >= 0)
                close(job.root);
        buf_finish(&job.config);
        if (r < 0) {
                instance_unlock(e, i->id, &i->lock);
                return r;
        }
        close(take_fd(&i->lock));
        return shim;
}

static int relay(struct engine *e, struct instance *i, int shim, struct error *err)
{
        const struct attach_options o = { .name = i->name,
                                          .tty = i->options.tty,
                                          .input = i->options.interactive,
                                          .proxy_signals = !i->options.tty };
        enum attach_end end;
        int exit_code, r = shim_relay(shim, &o, &end, &exit_code, err);

        if (r < 0)
                return fail(err);
        if (end == ATTACH_DETACHED) {
                fprintf(stderr, "read escape sequence\n");
                return 0;
        }
        if (i->options.rm) {
                i->lock = instance_lock(e, i->id, err);
                instance_unlock(e, i->id, &i->lock);
        }
        return exit_code;
}

static bool has_word(char **words, const char *word)
{
        for (; *words; words++) {
                if (strcmp(*words, word) == 0)
                        return true;
        }
        return false;
}

static int run(struct engine *e, bool make, char **argv, struct error *err)
{
        bool detach = has_word(argv + 3, "-d");
        own_instance struct instance *i = NULL;
        int r = make ? make_instance(e, argv[2], argv + 3, &i, err) : instance_find(e, argv[2], &i, err), shim;

        if (r < 0)
                return fail(err);
        shim = begin(e, i, argv, !detach, err);
        if (shim < 0) {
                fail(err);
                return exit_status_of(err);
        }
        r = detach ? 0 : relay(e, i, shim, err);
        close(shim);
        return r;
}

static int times(struct engine *e, char **argv, struct error *err)
{
        char *none[] = { NULL };
        own_instance struct instance *i = NULL;
        uint32_t n = 0;

        if (parse_u32(argv[3], 10, &n) < 0 || make_instance(e, argv[2], none, &i, err) < 0)
                return fail(err);
        while (n--) {
                struct instance_state state;
                int64_t before = instance_now();
                int shim = begin(e, i, argv, false, err);
                int64_t after = instance_now();

                if (shim < 0 || shim_wait(shim, WAIT_FOR_EXIT, &state, err) < 0)
                        return fail(err);
                printf("%d %d\n", (int)((after - before) / 1000), (int)((instance_now() - after) / 1000));
                close(shim);
        }
        return 0;
}

/* NUMBER: of the signal, or seconds. */
static int act(struct engine *e, bool kills, char **argv, struct error *err)
{
        struct instance_state state;
        own_instance struct instance *i = NULL;
        int64_t n = 0;
        int r = instance_find(e, argv[0], &i, err);
        own_fd int shim = -1;

        if (r == 0 && parse_i64(argv[1], &n) < 0)
                r = error_set(err, EINVAL, "no number");
        if (r == 0)
                r = shim = shim_connect(e, i, err);
        if (r >= 0)
                r = kills ? shim_signal(shim, (int)n, err) : shim_stop(shim, (int)n, err);
        if (r >= 0 && !kills)
                r = shim_wait(shim, WAIT_FOR_EXIT, &state, err);
        return r < 0 ? fail(err) : 0;
}

static int note_end(struct engine *e, const char *id)
{
        own_fd int fd = -1;
        int lock = 3; /* the shim's */
        char path[4096];

        snprintf(path, sizeof path, "%s/ended", e->root);
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        dprintf(fd, "%s\n", id);
        instance_unlock(e, id, &lock);
        return 0;
}

int main(int argc, char **argv)
{
        struct error err;
        own_engine struct engine e = {};
        const char *word = argc > 6 ? argv[5] : "";

        if (argc < 7 || engine_open(argv[2], argv[4], &e, &err) < 0)
                return 125;
        e.warn = ignore;
        argv += 6;
        if (strcmp(word, "instance-ended") == 0)
                return note_end(&e, argv[0]);
        if (strcmp(word, "kill") == 0 || strcmp(word, "stop") == 0)
                return act(&e, *word == 'k', argv, &err);
        if (strcmp(word, "times") == 0)
                return times(&e, argv, &err);
        return run(&e, strcmp(word, "run") == 0, argv, &err);
}
