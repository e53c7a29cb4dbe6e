/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Isolation by a kernel of its own: holt-vm (src/monitor) behind the table. It is the instance's first process, and
 * what is asked of it later goes over RUN/instances/ID/vm.sock.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/exec_vm.h"
#include "instance/protocol.h"
#include "instance/stats_text.h"
#include "instance/vm_cgroup.h"
#include "instance/vm_client.h"
#include "instance/vm_spawn.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/terminal.h"

/* ---- the start ---- */

static int write_job(const struct start_job *job, struct error *err)
{
        own_fd int fd = memfd_create("job", MFD_CLOEXEC);
        int r = fd < 0 ? -errno : fd_write_all(fd, job->config.data, job->config.len);

        if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
                r = -errno;
        return r < 0 ? error_errno(err, -r, "write the job of a virtual machine") : take_fd(&fd);
}

/* The guest's own terminal does all that a terminal does: ours passes bytes on. */
static int make_terminal(int *ret_master, int *ret_slave, struct error *err)
{
        struct termios ignored;
        int r = terminal_open(AT_FDCWD, "/dev/ptmx", ret_master, ret_slave);

        if (r == 0)
                r = terminal_set_raw_whole(*ret_slave, &ignored);
        return r < 0 ? error_errno(err, -r, "make a terminal") : 0;
}

/* Until the program in the guest runs. */
static int wait_for_answer(int answer, struct error *err)
{
        struct error said = {};
        ssize_t n;

        do
                n = read(answer, &said, sizeof(said));
        while (n < 0 && errno == EINTR);
        if (n != sizeof(said))
                return error_set(err, EIO, "holt-vm died");
        if (said.code <= 0)
                return 0;
        said.text[sizeof(said.text) - 1] = '\0';
        *err = said;
        return -said.code;
}

static int start(const char *run, const char *id, const char *path, const struct start_job *job, const int *stdio,
                 pid_t *ret_pid, int *ret_master, struct error *err)
{
        own_mem char *place = NULL;
        own_fd int config = write_job(job, err), directory = -1, master = -1, slave = -1, pidfd = -1, answer = -1,
                   theirs = -1;
        struct error ignored;
        int pipes[2], r;

        if (config < 0)
                return config;
        if (asprintf(&place, "%s/instances/%s", run, id) < 0) {
                place = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        directory = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0 || pipe2(pipes, O_CLOEXEC) < 0)
                return error_errno(err, errno, "start holt-vm");
        answer = pipes[0];
        theirs = pipes[1];
        r = stdio[1] < 0 ? make_terminal(&master, &slave, err) : 0;
        if (r == 0) {
                const struct vm_birth b = { .stdio = { slave >= 0 ? slave : stdio[0], slave >= 0 ? slave : stdio[1],
                                                       slave >= 0 ? slave : stdio[2] },
                                            .terminal = slave >= 0,
                                            .program = job->root,
                                            .job = config,
                                            .answer = theirs,
                                            .place = directory,
                                            .tap = job->netns,
                                            .layers = job->pins,
                                            .n_layers = job->n_pins,
                                            .shares = job->given,
                                            .n_shares = job->n_given };

                r = pidfd = vm_spawn(&b, ret_pid, err);
        }
        close(take_fd(&theirs));
        if (r >= 0)
                r = wait_for_answer(answer, err);
        if (r < 0) {
                if (pidfd >= 0) {
                        process_signal(pidfd, SIGKILL);
                        process_wait(*ret_pid);
                }
                vm_cgroup_remove(run, id, &ignored);
                return r;
        }
        *ret_master = take_fd(&master);
        return take_fd(&pidfd);
}

/* ---- what is there ---- */

/* With holt-vm goes QEMU; what is left of them is its cgroup, and what lies in RUN/instances/ID. */
static int destroy(const char *run, const char *id, struct error *err)
{
        return vm_cgroup_remove(run, id, err);
}

static int oom_killed(const char *run, const char *id)
{
        struct cgroup cg = {};
        struct error ignored;
        int r = vm_cgroup_open(run, id, &cg, &ignored);

        if (r == 0)
                r = cgroup_oom_kills(&cg) > 0;
        cgroup_finish(&cg);
        return r > 0;
}

static int send_signal(const char *run, const char *id, int signo, bool all, struct error *err)
{
        unsigned char payload[4];

        protocol_put_u32(payload, (uint32_t)signo);
        return vm_ask(run, id, PROTOCOL_SIGNAL, payload, sizeof(payload), err);
}

static int set_paused(const char *run, const char *id, bool paused, struct error *err)
{
        const unsigned char payload = paused;

        return vm_ask(run, id, PROTOCOL_PAUSE, &payload, 1, err);
}

static int is_paused(const char *run, const char *id, char reason[BACKEND_REASON])
{
        return vm_is_paused(run, id, reason);
}

/* A guest that is paused says nothing. */
static int ask_guest(const char *run, const char *id, struct instance_stats *ret, struct error *err)
{
        own_buf struct buf text = {};
        int r = vm_is_paused(run, id, NULL) ? 0 : vm_query(run, id, PROTOCOL_STATS, NULL, 0, &text, err);

        if (r == 0 && !text.len)
                buf_add_str(&text, "{}");
        return r < 0 ? r : stats_read(buf_str(&text), text.len, ret, err);
}

/* What the machine costs is the host's to say: time, and memory with QEMU's own. */
static int stats(const char *run, const char *id, struct instance_stats *ret, struct error *err)
{
        struct cgroup_counters counters;
        struct instance_stats s;
        struct cgroup cg = {};
        int r = ask_guest(run, id, &s, err);

        if (r == 0)
                r = vm_cgroup_open(run, id, &cg, err);
        if (r < 0)
                return r;
        cgroup_count(&cg, &counters);
        cgroup_finish(&cg);
        s.cpu_ns = counters.cpu_ns;
        s.cpu_user_ns = counters.cpu_user_ns;
        s.cpu_system_ns = counters.cpu_system_ns;
        s.throttled_ns = counters.throttled_ns;
        s.host_memory = counters.memory;
        *ret = s;
        return 0;
}

static int update(const char *run, const char *id, const char *change, size_t len, struct error *err)
{
        return vm_ask(run, id, PROTOCOL_UPDATE, change, len, err);
}

const struct backend backend_vm = {
        .name = "vm",
        .is_machine = true,
        .start = start,
        .destroy = destroy,
        .oom_killed = oom_killed,
        .signal = send_signal,
        .pause = set_paused,
        .is_paused = is_paused,
        .exec = exec_vm,
        .stats = stats,
        .update = update,
};
