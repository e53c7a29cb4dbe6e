/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/exec_vm.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/exit_status.h"
#include "instance/protocol.h"
#include "instance/shim_client.h"
#include "instance/shim_frames.h"
#include "instance/vm_client.h"

/* agent/workload.h */
static void write_request(const struct exec_request *x, struct buf *out)
{
        struct json_writer w = { .out = out };
        struct winsize size = {};
        bool tty = x->tty && !x->detach;

        json_begin_object(&w, NULL);
        json_write_string(&w, "what", "process");
        json_write_bool(&w, "tty", tty);
        json_write_bool(&w, "interactive", x->interactive && !x->detach);
        json_write_bool(&w, "privileged", x->privileged);
        json_write_strings(&w, "args", x->args);
        json_write_strings(&w, "env", x->env);
        if (x->user)
                json_write_string(&w, "user", x->user);
        if (x->workdir)
                json_write_string(&w, "cwd", x->workdir);
        if (tty && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
                json_write_u64(&w, "rows", size.ws_row);
                json_write_u64(&w, "columns", size.ws_col);
        }
        json_end_object(&w);
}

static int send_start(int vm, const struct exec_request *x, struct error *err)
{
        own_buf struct buf text = {}, payload = {};
        unsigned char length[4];
        int r;

        write_request(x, &text);
        protocol_put_u32(length, (uint32_t)text.len);
        buf_add(&payload, length, sizeof(length));
        buf_add(&payload, text.data, text.len);
        if (buf_failed(&text) || buf_failed(&payload))
                return error_set(err, ENOMEM, "out of memory");
        r = protocol_send(vm, PROTOCOL_START, payload.data, payload.len);
        return r < 0 ? error_errno(err, -r, "talk to the machine") : 0;
}

static int wait_until_started(int vm, struct error *err)
{
        unsigned char payload[PROTOCOL_MAX_STATE + 1];
        struct frame f = {};
        int r = protocol_receive_one(vm, &f, payload);

        if (r <= 0)
                return error_set(err, ESRCH, "its machine has ended");
        if (f.type == PROTOCOL_ERROR)
                return shim_take_error(&f, err);
        return f.type == PROTOCOL_STARTED ? 0 : error_set(err, EPROTO, "its holt-vm says nothing sensible");
}

int exec_vm(struct engine *e, struct instance *i, const struct exec_request *x, int *ret_exit, struct error *err)
{
        const struct attach_options o = { .name = i->name,
                                          .tty = x->tty,
                                          .input = x->interactive,
                                          .proxy_signals = true,
                                          .detach_keys = x->detach_keys,
                                          .timeout = x->timeout,
                                          .is_machine = true };
        own_fd int vm = vm_connect(e->run, i->id, err);
        enum attach_end end = ATTACH_EXITED;
        int r = vm < 0 ? vm : send_start(vm, x, err);

        if (r == 0)
                r = wait_until_started(vm, err);
        if (r < 0) {
                *ret_exit = exit_status_of(err);
                return r;
        }
        if (x->detach) {
                *ret_exit = 0;
                return 0;
        }
        r = shim_relay(vm, &o, &end, ret_exit, err);
        /* Of a machine that has ended: what ran in it was killed. */
        if (r < 0)
                *ret_exit = r == -EPIPE ? 128 + SIGKILL : EXIT_STATUS_FAILED;
        return r == 0 && end == ATTACH_DETACHED ? error_set(err, ECANCELED, "read escape sequence") : r;
}
