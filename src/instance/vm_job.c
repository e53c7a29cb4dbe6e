/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "instance/network_flags.h"
#include "instance/vm_filter.h"
#include "instance/vm_limits.h"
#include "instance/vm_modules.h"
#include "instance/vm_pool.h"
#include "instance/vm_sysctl.h"
#include "instance/vm_template.h"
#include "sys/fd.h"
#include "sys/sibling_program.h"
#include "vm/guest_kernel.h"
#include "vm/initramfs.h"
#include "vm/machine.h"
#include "vm/writable_disk.h"

enum { MAX_FILE = 1 << 20 };

/* ---- what can be had ---- */

static int refuse(const char *flag, struct error *err)
{
        return error_set(err, ENOTSUP, "%s: a virtual machine cannot do that; run it as a container, without --vm",
                         flag);
}

static int check_network(const struct instance_options *o, struct error *err)
{
        own_network_flags struct network_flags flags = {};
        int r;

        if (geteuid() != 0)
                return error_set(err, EPERM, "only root has virtual machines yet; run it as a container, without --vm");
        r = network_flags_read(o, true, &flags, err);
        if (r < 0)
                return r;
        if (flags.mode != NETWORK_MODE_NONE && flags.mode != NETWORK_MODE_BRIDGES)
                return refuse("--network host, or another instance's", err);
        return flags.n > 1 ? refuse("more than one --network", err) : 0;
}

int vm_options_check(const struct instance_options *o, struct error *err)
{
        const struct {
                const char *flag;
                bool given;
        } refused[] = {
                { "--device", o->device },
                { "--device-cgroup-rule", o->device_cgroup_rule },
                { "--cgroup-parent", o->cgroup_parent },
                { "--pid", o->pid },
                { "--ipc", o->ipc },
                { "--uts", o->uts },
                { "--userns", o->userns },
        };
        uint64_t cpus, mib, disk;
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
                if (refused[i].given)
                        return refuse(refused[i].flag, err);
        r = check_network(o, err);
        if (r == 0)
                r = vm_size_read(o, &cpus, &mib, err);
        return r < 0 ? r : vm_disk_size_read(o, &disk, err);
}

static int write_modules(const struct engine *e, const struct guest_kernel *kernel, struct json_writer *w,
                         struct error *err)
{
        own_mem char *path = NULL;
        struct error why = {};
        struct stat st;

        /* A machine without them is better than none. */
        if (vm_modules_make(e->root, kernel, &path, &why) < 0) {
                e->warn(why.text);
                return 0;
        }
        if (stat(path, &st) < 0)
                return error_errno(err, errno, "%s", path);
        json_begin_object(w, "modules");
        json_write_string(w, "path", path);
        json_write_u64(w, "size", (uint64_t)st.st_size);
        json_end_object(w);
        return 0;
}

static int write_boot(const struct engine *e, bool has_modules, struct json_writer *w, struct error *err)
{
        own_guest_kernel struct guest_kernel kernel = {};
        own_mem char *initramfs = NULL;
        char agent[PATH_MAX], key[SHA256_HEX];
        int r = machine_find_qemu(NULL, err);

        if (r == 0)
                r = sibling_program_find("holt-agent", agent, err);
        if (r == 0)
                r = guest_kernel_find(e->root, &kernel, err);
        if (r == 0)
                r = initramfs_make(e->root, &kernel, agent, key, &initramfs, err);
        if (r < 0)
                return r;
        json_write_string(w, "kernel", kernel.image);
        json_write_string(w, "initramfs", initramfs);
        return has_modules ? write_modules(e, &kernel, w, err) : 0;
}

/* Made with its first start. */
static int write_disk(struct engine *e, const struct instance *i, struct json_writer *w, struct error *err)
{
        own_fd int upper = openat(i->fd, i->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        own_mem char *path = NULL;
        uint64_t size = 0;
        int r = vm_disk_size_read(&i->options, &size, err);

        if (r < 0)
                return r;
        if (upper < 0)
                return error_errno(err, errno, "open the instance's directory %s", i->upper);
        if (faccessat(upper, VM_DISK, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                r = writable_disk_make(e->root, size, upper, VM_DISK, err);
        if (r < 0)
                return r;
        if (asprintf(&path, "%s/%s/" VM_DISK, i->path, i->upper) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        json_write_string(w, "disk", path);
        return 0;
}

static int write_templates(const struct engine *e, const struct holt_conf *c, struct json_writer *w, struct error *err)
{
        own_mem char *path = NULL;

        if (asprintf(&path, "%s/vm/templates", e->root) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        json_write_string(w, "templates", path);
        json_write_u64(w, "template_limit", c->vm_template_limit);
        return 0;
}

/* Its first start goes on from there. */
static int write_copy(const struct instance *i, struct json_writer *w, struct error *err)
{
        own_mem char *path = NULL;

        if (faccessat(i->fd, VM_COPY, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        if (asprintf(&path, "%s/" VM_COPY, i->path) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        json_write_string(w, "copy", path);
        return 0;
}

/* One that leads a session of its own (setsid, a service) would take whoever waits along with itself. */
static pid_t session_of_caller(void)
{
        pid_t session = getsid(0);

        return session == getpid() ? getsid(getppid()) : session;
}

/* How long one waits for somebody: 10 minutes. */
enum { POOL_SECONDS = 600 };

static int write_pool(const struct engine *e, const struct holt_conf *c, struct json_writer *w, struct error *err)
{
        own_mem char *path = NULL;
        pid_t session = session_of_caller();

        if (!vm_pool_is_wanted())
                return 0;
        if (vm_pool_path(e, &path) < 0)
                return error_set(err, ENOMEM, "out of memory");
        json_begin_object(w, "pool");
        json_write_string(w, "directory", path);
        json_write_string(w, "root", e->root);
        json_write_u64(w, "size", vm_pool_size(e, c));
        json_write_u64(w, "seconds", POOL_SECONDS);
        json_write_u64(w, "session", session > 0 ? (uint64_t)session : 0);
        json_end_object(w);
        return 0;
}

/* What only a machine wants that is made by them. */
static int write_clone(const struct engine *e, struct json_writer *w, struct error *err)
{
        struct holt_conf c;
        int r = holt_conf_read(&c, err);

        if (r >= 0)
                r = write_templates(e, &c, w, err);
        return r == 0 ? write_pool(e, &c, w, err) : r;
}

static void write_kernel_args(const struct instance_options *o, struct json_writer *w)
{
        own_buf struct buf line = {};

        for (size_t n = 0; o->kernel_arg && o->kernel_arg[n]; n++)
                buf_addf(&line, "%s%s", n ? " " : "", o->kernel_arg[n]);
        if (line.len)
                json_write_string(w, "append", buf_str(&line));
        w->out->failed |= buf_failed(&line);
}

static int write_machine(struct engine *e, const struct instance *i, bool has_network, const struct vm_files *files,
                         struct json_writer *w, struct error *err)
{
        uint64_t cpus = 0, mib = 0;
        int r = vm_size_read(&i->options, &cpus, &mib, err);

        json_begin_object(w, "machine");
        json_write_u64(w, "cpus", cpus);
        json_write_u64(w, "memory", mib);
        if (r == 0)
                r = write_boot(e, vm_modules_wanted(&i->options), w, err);
        if (r == 0)
                r = write_disk(e, i, w, err);
        write_kernel_args(&i->options, w);
        if (r == 0 && !i->options.no_template)
                r = write_clone(e, w, err);
        if (r == 0)
                r = write_copy(i, w, err);
        json_begin_array(w, "layers");
        for (size_t n = 0; n < files->n_layers; n++)
                json_write_u64(w, NULL, files->layers[n]);
        json_end_array(w);
        json_write_u64(w, "pins", files->n_pins);
        json_write_u64(w, "shares", files->n_shares);
        if (r == 0)
                r = vm_limits_write(e, i, w, err);
        json_write_bool(w, "keep", !i->options.rm);
        json_write_bool(w, "tty", i->options.tty);
        json_write_bool(w, "network", has_network);
        json_end_object(w);
        return r;
}

/* ---- what the guest is told ---- */

static int write_file(const struct instance *i, const char *name, struct json_writer *w, struct error *err)
{
        own_buf struct buf text = {};
        own_fd int fd = openat(i->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_FILE, &text);

        if (r < 0)
                return error_errno(err, -r, "read the instance's %s", name);
        json_begin_object(w, NULL);
        json_write_string(w, "path", name);
        json_write_u64(w, "mode", 0644);
        json_write_string(w, "content", buf_str(&text));
        json_end_object(w);
        return 0;
}

/* Of a clone. */
static void write_machine_id(const struct instance *i, struct json_writer *w)
{
        char text[64];

        if (fd_read_file_at(i->fd, "machine-id", text, sizeof(text)) > 0)
                json_write_string(w, "machineId", text);
}

static int write_guest(struct engine *e, const struct instance *i, const char *hostname,
                       const struct instance_network *network, const struct buf *spec, struct json_writer *w,
                       struct error *err)
{
        static const char *const files[] = { "hosts", "hostname", "resolv.conf" };
        int r = 0;

        json_begin_object(w, "guest");
        json_write_string(w, "hostname", hostname);
        write_machine_id(i, w);
        if (network->guest.len)
                json_write_raw(w, "interfaces", buf_str(&network->guest));
        json_begin_array(w, "files");
        for (size_t n = 0; n < ARRAY_SIZE(files) && r == 0; n++)
                r = write_file(i, files[n], w, err);
        json_end_array(w);
        if (r == 0)
                r = vm_sysctl_write(&i->options, w, err);
        if (r == 0)
                r = vm_filter_write(e, spec, w, err);
        json_end_object(w);
        return r;
}

int vm_job_write(struct engine *e, const struct instance *i, const char *hostname,
                 const struct instance_network *network, const struct vm_files *files, const struct buf *spec,
                 struct buf *out, struct error *err)
{
        struct json_writer w = { .out = out };
        int r;

        json_begin_object(&w, NULL);
        r = write_machine(e, i, network->tap >= 0, files, &w, err);
        if (r == 0)
                r = write_guest(e, i, hostname, network, spec, &w, err);
        json_write_raw(&w, "spec", buf_str(spec));
        json_end_object(&w);
        if (r == 0 && buf_failed(out))
                r = error_set(err, ENOMEM, "out of memory");
        return r;
}

int vm_job_write_bare(struct engine *e, const struct instance *i, const uint64_t *layers, size_t n_layers,
                      struct buf *out, struct error *err)
{
        const struct vm_files files = { layers, n_layers, n_layers, 0 };
        struct json_writer w = { .out = out };
        int r;

        json_begin_object(&w, NULL);
        r = write_machine(e, i, false, &files, &w, err);
        json_begin_object(&w, "guest");
        json_end_object(&w);
        json_end_object(&w);
        return r == 0 && buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : r;
}
