/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/guard.h"
#include "monitor/monitor.h"
#include "monitor/qemu_sandbox.h"
#include "net/tap.h"
#include "process_image/format.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sibling_program.h"
#include "vm/layer_disk.h"
#include "vm/machine.h"
#include "vm/memory_gate.h"
#include "vm/tsc.h"

/* What becomes QEMU's, and is closed here when it has it. */
struct belongings {
        const struct qemu_start *how;
        int qmp[2], agent[2], console[2], share[2], guard[2]; /* ours, QEMU's */
        int kernel, initramfs;
        int tap; /* where the interface of who has none will be: a placeholder's placeholder */
        int files[MACHINE_MAX_FILES];
        size_t first_set;         /* number of the first file's set of descriptors in QEMU, less one */
        size_t n_files, n_layers; /* the layers are the job's, as long as QEMU might have to be started again */
        struct machine machine;
        char kernel_path[32], initramfs_path[32], layers[24], disk[24];
        char program[PATH_MAX];
};

static void close_all(struct belongings *b)
{
        const int fds[] = { b->qmp[0],    b->qmp[1], b->agent[0], b->agent[1], b->console[0], b->console[1], b->kernel,
                            b->initramfs, b->tap,    b->share[0], b->share[1], b->guard[0],   b->guard[1] };

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                if (fds[i] >= 0)
                        close(fds[i]);
        for (size_t i = 0; i < b->n_files; i++)
                if (b->files[i] < MONITOR_LAYERS || b->files[i] >= MONITOR_LAYERS + (int)b->n_layers)
                        close(b->files[i]);
}

static int make_channels(struct belongings *b, struct error *err)
{
        int *const pairs[] = { b->qmp, b->agent, b->console, b->share, b->guard };

        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
                if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]) < 0)
                        return error_errno(err, errno, "make a socket");
        return 0;
}

/* QEMU opens its kernel by a path, and as somebody who may open nothing: a copy in memory that anybody may read. */
static int copy_to_memory(const char *path, char ret_path[32], struct error *err)
{
        own_fd int file = open(path, O_RDONLY | O_CLOEXEC), copy = -1;
        struct stat st;
        off_t at = 0;

        if (file < 0 || fstat(file, &st) < 0)
                return error_errno(err, errno, "open %s", path);
        copy = memfd_create("boot", MFD_CLOEXEC);
        if (copy < 0)
                return error_errno(err, errno, "make a file in memory");
        while (at < st.st_size)
                if (sendfile(copy, file, &at, (size_t)(st.st_size - at)) <= 0)
                        return error_errno(err, errno ? errno : EIO, "read %s", path);
        snprintf(ret_path, 32, "/proc/self/fd/%d", copy);
        return take_fd(&copy);
}

static int open_file(struct belongings *b, const char *path, int flags, struct error *err)
{
        int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return error_errno(err, errno, "open %s", path);
        b->files[b->n_files++] = fd;
        return 0;
}

/* QEMU gets none that could do more than it asks for. */
static int open_read_only(int fd)
{
        char path[32];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return open(path, O_RDONLY | O_CLOEXEC);
}

struct named_layer {
        char name[24];
};

/* Behind the layers. */
static int add_modules(struct belongings *b, const struct monitor_job *j, struct layer_extent *extent,
                       struct named_layer *name, struct error *err)
{
        int r = j->modules ? open_file(b, j->modules, O_RDONLY, err) : 0;

        snprintf(name->name, sizeof(name->name), "/dev/fdset/%zu", b->first_set + b->n_files);
        *extent = (struct layer_extent){ name->name, j->modules_size };
        return r;
}

/* Each layer under the number that it has for QEMU. */
static int describe(struct belongings *b, const struct monitor_job *j, struct layer_extent *extents,
                    struct named_layer *names, int file, struct error *err)
{
        own_buf struct buf text = {};
        int r;

        for (size_t i = 0; i < j->n_layers; i++) {
                b->files[b->n_files++] = MONITOR_LAYERS + (int)i;
                snprintf(names[i].name, sizeof(names[i].name), "/dev/fdset/%zu", b->first_set + b->n_files);
                extents[i] = (struct layer_extent){ names[i].name, j->layers[i] };
        }
        r = add_modules(b, j, &extents[j->n_layers], &names[j->n_layers], err);
        if (r == 0)
                r = layer_disk_describe(extents, j->n_layers + (j->modules != NULL), &text, err);
        if (r == 0 && pwrite(file, text.data, text.len, 0) != (ssize_t)text.len)
                r = error_errno(err, EIO, "describe the disk of the layers");
        return r;
}

/* The descriptor is the first file, and names those behind it. */
static int take_layers(struct belongings *b, const struct monitor_job *j, struct error *err)
{
        own_mem struct layer_extent *extents = calloc(j->n_layers + 1, sizeof(*extents));
        own_mem struct named_layer *names = calloc(j->n_layers + 1, sizeof(*names));
        own_fd int file = memfd_create("layers", MFD_CLOEXEC);
        int fd = file < 0 ? -1 : open_read_only(file);

        b->n_layers = j->n_layers;
        if (fd < 0)
                return error_errno(err, errno, "make a disk of the layers");
        b->files[b->n_files++] = fd;
        if (!extents || !names)
                return error_set(err, ENOMEM, "out of memory");
        return describe(b, j, extents, names, file, err);
}

static int open_disks(struct belongings *b, const struct monitor_job *j, struct error *err)
{
        int r;

        if (j->n_layers + 3 > MACHINE_MAX_FILES)
                return error_set(err, E2BIG, "an image of %zu layers: a machine takes %d", j->n_layers,
                                 MACHINE_MAX_FILES - 3);
        r = take_layers(b, j, err);
        snprintf(b->layers, sizeof(b->layers), "/dev/fdset/%zu", b->first_set + 1);
        b->machine.layers = b->layers;
        if (r < 0 || !j->disk)
                return r;
        r = open_file(b, j->disk, O_RDWR, err);
        snprintf(b->disk, sizeof(b->disk), "/dev/fdset/%zu", b->first_set + b->n_files);
        b->machine.disk = b->disk;
        b->machine.disk_is_lost = !j->keeps;
        return r;
}

/* Every machine has an interface that does the same; that of a machine without a network leads nowhere. */
static void choose_tap(struct belongings *b, bool has_network)
{
        if (has_network) {
                b->machine.tap = MONITOR_TAP;
                return;
        }
        if (access("/dev/net/tun", R_OK | W_OK) == 0)
                b->tap = open("/dev/null", O_RDONLY | O_CLOEXEC);
        b->machine.tap = b->tap;
}

static int open_kernel(struct belongings *b, const struct monitor_job *j, struct error *err)
{
        int r = b->kernel = copy_to_memory(j->kernel, b->kernel_path, err);

        if (r >= 0)
                r = b->initramfs = copy_to_memory(j->initramfs, b->initramfs_path, err);
        b->machine.kernel = b->kernel_path;
        b->machine.initramfs = b->initramfs_path;
        return r;
}

static int prepare(struct belongings *b, const struct monitor *m, struct error *err)
{
        const struct qemu_start *how = b->how;
        int r = make_channels(b, err);

        if (r == 0)
                r = how->image ? sibling_program_find("holt-thaw", b->program, err)
                               : machine_find_qemu(b->program, err);
        monitor_describe_machine(m, &b->machine);
        b->machine.qmp = b->qmp[1];
        b->machine.agent = b->agent[1];
        b->machine.console = b->console[1];
        b->machine.share = b->share[1];
        b->machine.files = b->files;
        /* By the gate, which looks at no path. */
        b->machine.memory_file = how->memory >= 0 ? "/memory" : NULL;
        b->machine.memory_shared = how->is_template;
        choose_tap(b, m->job.network && !how->is_template);
        if (b->machine.accelerator == ACCELERATOR_TCG && !how->is_clone)
                b->machine.tsc_khz = tsc_khz();
        if (r == 0 && !how->is_clone)
                r = open_kernel(b, &m->job, err);
        if (r >= 0 && !how->is_template && !how->image)
                r = open_disks(b, &m->job, err);
        b->machine.n_files = b->n_files;
        return r < 0 ? r : 0;
}

void monitor_describe_machine(const struct monitor *m, struct machine *ret)
{
        char why[128];

        *ret = (struct machine){ .accelerator = accelerator_probe(why, sizeof(why)),
                                 .cpus = m->job.cpus,
                                 .memory_mib = m->job.memory_mib,
                                 .append = m->job.append,
                                 .qmp = -1,
                                 .agent = -1,
                                 .console = -1,
                                 .tap = access("/dev/net/tun", R_OK | W_OK) == 0 ? 0 : -1 };
}

/* ---- the process ---- */

static bool keep(int fd)
{
        return fcntl(fd, F_SETFD, 0) == 0;
}

static bool keep_all(const struct belongings *b)
{
        const int fds[] = {
                b->qmp[1], b->agent[1], b->console[1], b->kernel, b->initramfs, b->machine.tap, b->share[1]
        };
        bool kept = true;

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                kept &= fds[i] < 0 || keep(fds[i]);
        for (size_t i = 0; i < b->n_files; i++)
                kept &= keep(b->files[i]);
        return kept;
}

/* In its own network, which nobody else sees, and with which it goes. */
static bool make_tap(const struct monitor *m, const struct belongings *b)
{
        own_fd int fd = b->tap >= 0 ? tap_open(m->tap ? m->tap : "tap0", NULL) : -1;

        if (b->tap >= 0 && (fd < 0 || dup3(fd, b->tap, O_CLOEXEC) != b->tap || tap_persist(fd, true) < 0))
                return false;
        return !b->how->image || b->machine.tap < 0 || tap_use_modern_header(b->machine.tap) == 0;
}

static void list_ends(const struct belongings *b, int ret[MONITOR_ENDS])
{
        ret[END_CONSOLE] = b->console[1];
        ret[END_QMP] = b->qmp[1];
        ret[END_AGENT] = b->agent[1];
        ret[END_SHARE] = b->share[1];
        ret[END_TAP] = b->machine.tap;
}

/* One that goes on as another has them where that had them. */
static void note_ends(struct monitor *m, const struct belongings *b)
{
        const struct process_image *image = b->how->image;

        list_ends(b, m->ends);
        for (uint32_t i = 0; image && i < MONITOR_ENDS; i++)
                m->ends[i] = process_image_given(image, i);
        m->memory_at = image ? image->apart : 0;
        m->disks = image ? (uint32_t)image->tag : 0;
}

/* It says nothing: whoever waits for it hears that it has ended. */
static void go_on_as(const struct belongings *b)
{
        int ends[MONITOR_ENDS];

        list_ends(b, ends);
        if (process_image_place(b->how->image, ends, MONITOR_ENDS) == 0)
                execv(b->program, (char *const *)b->how->image->arguments);
}

/* What QEMU has to complain of goes where the guest's kernel does. */
static void become(const struct monitor *m, const struct belongings *b, const struct machine_args *args)
{
        struct error err = {};
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        process_reset_signals();
        if (cgroup_join(&m->cgroup, true, &err) < 0) {
                dprintf(b->console[1], "%s\n", err.text);
                return;
        }
        if (!make_tap(m, b) || !keep_all(b) || dup2(null, STDIN_FILENO) < 0 || dup2(b->console[1], STDOUT_FILENO) < 0 ||
            dup2(b->console[1], STDERR_FILENO) < 0 || setsid() < 0)
                return;
        if (qemu_sandbox_enter(&(struct qemu_sandbox){ b->machine.accelerator, b->program, NULL, 0 }, &err) < 0) {
                dprintf(STDERR_FILENO, "%s\n", err.text);
                return;
        }
        if (guard_become(b->guard[1]) < 0)
                return;
        if (b->how->image) {
                go_on_as(b);
                return;
        }
        if (b->how->memory >= 0 && memory_gate_make(b->qmp[1]) < 0)
                return;
        execv(b->program, (char *const *)args->v);
        dprintf(STDERR_FILENO, "%s: %s\n", b->program, strerror(errno));
}

static int spawn(struct monitor *m, const struct belongings *b, const struct machine_args *args, struct error *err)
{
        const struct clone_options o = { .flags = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID,
                                         .cgroup_fd = cgroup_clone_fd(&m->cgroup),
                                         .ret_pidfd = &m->qemu_pidfd };
        pid_t pid = process_clone(&o);

        if (pid < 0)
                return error_errno(err, -pid, "start QEMU");
        if (pid == 0) {
                become(m, b, args);
                _exit(127);
        }
        m->qemu = pid;
        return 0;
}

int monitor_start_qemu(struct monitor *m, const struct qemu_start *how, struct error *err)
{
        struct belongings b = { .how = how,
                                .qmp = { -1, -1 },
                                .agent = { -1, -1 },
                                .console = { -1, -1 },
                                .share = { -1, -1 },
                                .guard = { -1, -1 },
                                .kernel = -1,
                                .initramfs = -1,
                                .tap = -1 };
        own_machine_args struct machine_args args = {};
        int r = prepare(&b, m, err);

        if (r == 0 && !how->image)
                r = machine_args(&b.machine, &args, err);
        note_ends(m, &b);
        m->accelerator = b.machine.accelerator;
        m->memory_wanted = m->memory_allowed = m->job.memory_mib;
        if (r == 0)
                r = monitor_make_cgroup(m, err);
        if (r == 0)
                r = spawn(m, &b, &args, err);
        if (r == 0)
                r = monitor_limit_qemu(m, err);
        if (r == 0) {
                m->qmp.fd = take_fd(&b.qmp[0]);
                m->agent = take_fd(&b.agent[0]);
                m->console = take_fd(&b.console[0]);
                m->share = take_fd(&b.share[0]);
                m->guard = take_fd(&b.guard[0]);
        }
        close_all(&b);
        return r;
}

pid_t monitor_find_qemu(const struct monitor *m)
{
        char path[40], text[512] = "";
        const char *pid;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", m->qemu_pidfd);
        if (fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) <= 0)
                return 0;
        pid = strstr(text, "Pid:");
        return pid ? (pid_t)strtol(pid + strlen("Pid:"), NULL, 10) : 0;
}

struct gate {
        struct qmp_meanwhile meanwhile;
        int memory;
};

static int pass_memory(const struct qmp_meanwhile *m, struct error *err)
{
        return memory_gate_pass(m->fd, ((const struct gate *)m)->memory, err);
}

int monitor_greet_qemu(struct monitor *m, int memory, char *ret_version, size_t size, struct error *err)
{
        own_fd int fd = memory_gate_receive(m->qmp.fd, err);
        const struct gate gate = { .meanwhile = { .fd = fd, .step = pass_memory }, .memory = memory };
        int r;

        if (fd < 0)
                return fd;
        m->qmp.meanwhile = &gate.meanwhile;
        r = qmp_greet(&m->qmp, MONITOR_BOOT_MS, ret_version, size, err);
        m->qmp.meanwhile = NULL;
        return r;
}

/* ---- another's disks ---- */

/* SETS: more than a machine has files. */
enum { SETS = 1000, COMMAND = 512, NODE = 24 };

static int send_files(struct monitor *m, const struct belongings *b, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < b->n_files && r == 0; i++)
                r = qmp_send_file(&m->qmp, b->first_set + i + 1, b->files[i], err);
        return r;
}

static int send_drive(struct monitor *m, const char *device, const char *node, struct error *err)
{
        char text[COMMAND];

        snprintf(text, sizeof(text), "{\"path\":\"/machine/peripheral/%s\",\"property\":\"drive\",\"value\":\"%s\"}",
                 device, node);
        return qmp_send(&m->qmp, "qom-set", text, err);
}

/* Those of a command line have no number. */
static void name_node(const char *what, uint32_t number, char ret[NODE])
{
        snprintf(ret, NODE, number ? "%s%u" : "%s", what, number);
}

static int send_layers(struct monitor *m, const struct belongings *b, struct error *err)
{
        char text[COMMAND], node[NODE];
        int r;

        name_node(MACHINE_IMAGE_NODE, m->disks, node);
        snprintf(text, sizeof(text),
                 "{\"driver\":\"vmdk\",\"node-name\":\"%s\",\"read-only\":true,"
                 "\"file\":{\"driver\":\"file\",\"filename\":\"%s\",\"read-only\":true}}",
                 node, b->layers);
        r = qmp_send(&m->qmp, "blockdev-add", text, err);
        return r == 0 ? send_drive(m, MACHINE_LAYERS, node, err) : r;
}

static int send_disk(struct monitor *m, const struct belongings *b, struct error *err)
{
        char text[COMMAND], node[NODE];
        int r;

        name_node(MACHINE_DISK_NODE, m->disks, node);
        snprintf(text, sizeof(text),
                 "{\"driver\":\"raw\",\"node-name\":\"%s\",\"discard\":\"unmap\",\"cache\":{\"no-flush\":%s},"
                 "\"file\":{\"driver\":\"file\",\"filename\":\"%s\",\"discard\":\"unmap\"}}",
                 node, b->machine.disk_is_lost ? "true" : "false", b->disk);
        r = qmp_send(&m->qmp, "blockdev-add", text, err);
        return r == 0 ? send_drive(m, MACHINE_DISK, node, err) : r;
}

static int hear_all(struct monitor *m, size_t answers, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < answers && r == 0; i++)
                r = qmp_answer(&m->qmp, "give a machine its disks", MONITOR_ANSWER_MS, NULL, err);
        return r;
}

int monitor_give_disks(struct monitor *m, struct error *err)
{
        struct belongings b = { .qmp = { -1, -1 },
                                .agent = { -1, -1 },
                                .console = { -1, -1 },
                                .share = { -1, -1 },
                                .guard = { -1, -1 },
                                .kernel = -1,
                                .initramfs = -1,
                                .tap = -1,
                                .first_set = (size_t)SETS * ++m->disks };
        int r = open_disks(&b, &m->job, err);

        if (r == 0)
                r = send_files(m, &b, err);
        if (r == 0)
                r = send_layers(m, &b, err);
        if (r == 0 && m->job.disk)
                r = send_disk(m, &b, err);
        if (r == 0)
                r = qmp_send(&m->qmp, "cont", NULL, err);
        if (r == 0)
                r = hear_all(m, b.n_files + (m->job.disk ? 4 : 2) + 1, err);
        close_all(&b);
        return r;
}

/* They are as many as the job's: it is the same image. */
void monitor_drop_disks(struct monitor *m)
{
        static const char *const names[] = { MACHINE_IMAGE_NODE, MACHINE_DISK_NODE };
        size_t files = m->job.n_layers + 1 + (m->job.modules != NULL) + (m->job.disk != NULL);
        char text[COMMAND], node[NODE];
        struct error ignored;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                name_node(names[i], m->disks - 1, node);
                snprintf(text, sizeof(text), "{\"node-name\":\"%s\"}", node);
                qmp_execute(&m->qmp, "blockdev-del", text, MONITOR_BOOT_MS, NULL, &ignored);
        }
        for (size_t i = 1; i <= files; i++) {
                snprintf(text, sizeof(text), "{\"fdset-id\":%zu}", (size_t)SETS * (m->disks - 1) + i);
                qmp_execute(&m->qmp, "remove-fd", text, MONITOR_BOOT_MS, NULL, &ignored);
        }
}

/* ---- its end ---- */

/* Freeing its memory takes a while. */
enum { END_MS = 1000 };

/* One that another has started is not ours to wait for. */
static void await_end(const struct monitor *m)
{
        struct pollfd p = { .fd = m->qemu_pidfd, .events = POLLIN };

        if (m->qemu > 0)
                process_wait(m->qemu);
        else
                while (poll(&p, 1, -1) < 0 && errno == EINTR)
                        continue;
}

void monitor_end_qemu(struct monitor *m)
{
        if (!m->qemu)
                return;
        process_signal(m->qemu_pidfd, SIGKILL);
        await_end(m);
        m->qemu = 0;
}

int monitor_qemu_status(struct monitor *m)
{
        struct pollfd p = { .fd = m->qemu_pidfd, .events = POLLIN };
        int status = -1;

        if (m->qemu > 0 && poll(&p, 1, END_MS) == 1) {
                status = process_wait(m->qemu);
                m->qemu = 0;
        }
        return status;
}

/* The process ends with 127 where it does not become QEMU at all; others may end it, and the kernel for want of memory. */
bool monitor_is_blamed(struct monitor *m, int error)
{
        int status;

        if (error != -EPIPE && error != -ECONNRESET)
                return error == -EBADMSG || error == -ESTALE || error == -EPROTO || error == -ETIMEDOUT;
        status = monitor_qemu_status(m);
        return status > 0 && status != PROCESS_LACKS && status != 127 && status != 128 + SIGKILL &&
               status != 128 + SIGTERM;
}

void monitor_forget_qemu(struct monitor *m)
{
        int *const fds[] = { &m->qemu_pidfd, &m->qmp.fd, &m->agent, &m->console, &m->share, &m->guard };

        monitor_end_qemu(m);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                if (*fds[i] >= 0)
                        close(take_fd(fds[i]));
        qmp_finish(&m->qmp);
        protocol_reader_finish(&m->in);
        buf_finish(&m->out);
}
