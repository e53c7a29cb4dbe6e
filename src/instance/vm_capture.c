/* SPDX-License-Identifier: Apache-2.0 */
/* A process of its own passes the guest's bytes on, while this one serves holt-fetch. */
#include "instance/vm_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/vm_errand.h"
#include "instance/vm_job.h"
#include "registry/transfer.h"
#include "sys/process.h"

struct capture {
        struct engine *e;
        struct store *store;
        struct layer_captured layer;
        struct error error; /* of taking the result */
};

/* ---- the guest's bytes ---- */

struct pump {
        pid_t pid;
        int archive; /* what it gives */
        int failure; /* then: a struct error, if it went wrong */
};

static _Noreturn void run(struct vm_errand *errand, int to, int failure)
{
        struct error err = {};

        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        signal(SIGPIPE, SIG_IGN);
        if (vm_errand_write_out(errand, to, &err) == 0)
                _exit(0);
        (void)!write(failure, &err, sizeof(err));
        _exit(1);
}

static int pump_start(struct vm_errand *errand, struct pump *ret, struct error *err)
{
        int archive[2], failure[2] = { -1, -1 };
        pid_t pid;

        if (pipe2(archive, O_CLOEXEC) < 0)
                return error_errno(err, errno, "make a pipe");
        if (pipe2(failure, O_CLOEXEC) < 0)
                pid = -1;
        else
                pid = fork();
        if (pid == 0) {
                close(archive[0]);
                run(errand, archive[1], failure[1]);
        }
        close(archive[1]);
        if (failure[1] >= 0)
                close(failure[1]);
        if (pid < 0) {
                close(archive[0]);
                if (failure[0] >= 0)
                        close(failure[0]);
                return error_errno(err, errno, "start a process");
        }
        *ret = (struct pump){ pid, archive[0], failure[0] };
        return 0;
}

/* r: how it went with what it gave. Why it ended goes before what came of that. */
static int pump_end(struct pump *p, int r, struct error *err)
{
        struct error why = {};
        bool said;

        close(p->archive);
        said = read(p->failure, &why, sizeof(why)) == sizeof(why);
        close(p->failure);
        if (process_wait(p->pid) == 0)
                return r;
        if (r < 0 && (!said || why.code == EPIPE))
                return r;
        if (!said)
                return error_set(err, EIO, "the process that reads from the guest has died");
        *err = why;
        return -err->code;
}

/* ---- the layer ---- */

/* It stays while the store's entry of the image is yet to come. */
static int take_layer(void *userdata, struct json_object *result)
{
        struct capture *c = userdata;
        const char *diff_id = "";
        int r = json_get_string(result, "diff_id", &diff_id, &c->error);

        if (r >= 0)
                r = digest_parse(diff_id, &c->layer.diff_id, &c->error);
        if (r >= 0)
                r = json_get_u64(result, "tar_size", &c->layer.tar_size, &c->error);
        if (r >= 0 && c->layer.pin < 0)
                r = c->layer.pin = store_layer_open(c->store, &c->layer.diff_id, NULL, NULL, &c->error);
        return r < 0 ? r : 0;
}

static void warn(void *userdata, const char *text)
{
        const struct capture *c = userdata;

        if (c->e->warn)
                c->e->warn(text);
}

static int unpack(struct capture *c, int archive, uint64_t max, struct error *err)
{
        const struct transfer t = { .store = c->store, .result = take_layer, .warning = warn, .userdata = c };
        own_buf struct buf parameters = {};
        int r;

        buf_addf(&parameters, "{\"max\":%" PRIu64 "}", max);
        if (buf_failed(&parameters))
                return error_set(err, ENOMEM, "out of memory");
        r = transfer_run(&t, "layer", buf_str(&parameters), archive, err);
        if (c->error.code) {
                *err = c->error;
                return -err->code;
        }
        return r == 0 && c->layer.pin < 0 ? error_set(err, EIO, "holt-fetch made no layer") : r;
}

/* A disk full of files of one byte has twice as much in headers; what an image has may be in an archive as well. */
static int find_max(struct capture *c, const struct instance *i, bool whole, uint64_t *ret, struct error *err)
{
        own_mem struct image_info *image = NULL;
        own_fd int upper = openat(i->fd, i->upper, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        int r = store_image_find(c->store, i->image.text, &image, err);

        if (r < 0)
                return r;
        if (upper < 0 || fstatat(upper, VM_DISK, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return error_errno(err, errno, "look at the disk of %s", i->name);
        *ret = 3 * (uint64_t)st.st_size + (whole && image ? 3 * image->size : 0);
        return 0;
}

static int capture(struct capture *c, const struct vm_guest *g, const struct vm_errand_request *request, uint64_t max,
                   struct error *err)
{
        own_vm_errand struct vm_errand errand = VM_ERRAND_NONE;
        struct pump pump = {};
        int r = vm_errand_begin(g, request, &errand, err);

        if (r == 0)
                r = pump_start(&errand, &pump, err);
        if (r < 0)
                return r;
        /* The other process has it. */
        vm_errand_finish(&errand);
        r = unpack(c, pump.archive, max, err);
        return pump_end(&pump, r, err);
}

int vm_capture(struct engine *e, struct instance *i, bool whole, bool freeze, struct layer_captured *ret,
               struct error *err)
{
        const char *const args[] = { whole ? "whole" : "layer", NULL };
        const struct vm_errand_request request = { .args = args, .freeze = freeze };
        own_vm_guest struct vm_guest guest = VM_GUEST_NONE;
        struct capture c = { .e = e, .layer.pin = -1 };
        uint64_t max = 0;
        int r = engine_store(e, &c.store, err);

        if (r == 0)
                r = find_max(&c, i, whole, &max, err);
        if (r == 0)
                r = vm_guest_open(e, i, &guest, err);
        if (r == 0)
                r = capture(&c, &guest, &request, max, err);
        if (r < 0) {
                if (c.layer.pin >= 0)
                        close(c.layer.pin);
                return r;
        }
        *ret = c.layer;
        return 0;
}
