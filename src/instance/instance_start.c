/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what was asked for to a program that runs. The shim is started first and comes up while its job is being made;
 * until it has that job, it is nothing but a process that goes with our end of the connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "container/cgroup.h"
#include "container/container.h"
#include "instance/apparmor.h"
#include "instance/backend.h"
#include "instance/instance_event.h"
#include "instance/image_spec.h"
#include "instance/image_user.h"
#include "instance/instance_explain.h"
#include "instance/instance_files.h"
#include "instance/instance_image.h"
#include "instance/instance_lock.h"
#include "instance/instance_network.h"
#include "instance/instance_record.h"
#include "instance/instance_root.h"
#include "instance/instance_trees.h"
#include "instance/namespace_flags.h"
#include "instance/network_flags.h"
#include "instance/network_open.h"
#include "instance/selinux_instance.h"
#include "instance/shared_memory.h"
#include "instance/shim_client.h"
#include "instance/user_range.h"
#include "instance/user_rights.h"
#include "instance/vm_job.h"
#include "instance/volume_store.h"
#include "oci/image_config.h"
#include "store/layer_mount.h"
#include "sys/mount_tree.h"
#include "sys/sibling_program.h"
#include "sys/user_namespace.h"

enum { SHORT_ID = 12, MAX_HOSTNAME = 64, LOCK_TRIES = 5000, NAMESPACE_NAME = 32 };

struct start {
        struct engine *e;
        struct instance *i;
        struct image_info *image;
        struct image_user user;
        struct instance_network network;
        char hostname[MAX_HOSTNAME + 1];
        char pid_namespace[NAMESPACE_NAME], ipc_namespace[NAMESPACE_NAME], user_namespace[NAMESPACE_NAME],
                ipc_shm[PATH_MAX], init[PATH_MAX];
        const struct instance_mounts *planned; /* it is only looked at (instance_explain.h) */
        int *pins;
        struct instance_trees trees;
        struct selinux_labels selinux;
        struct start_job job;
};

static void start_finish(struct start *s)
{
        for (size_t n = 0; n < s->job.n_pins; n++)
                close(s->pins[n]);
        if (s->job.root >= 0)
                close(s->job.root);
        free(s->pins);
        free(s->image);
        buf_finish(&s->job.config);
        image_user_finish(&s->user);
        instance_network_finish(&s->network);
        instance_trees_finish(&s->trees);
}
#define own_start __attribute__((cleanup(start_finish)))

static const char *or_null(const char *text)
{
        return *text ? text : NULL;
}

static int read_image(struct start *s, struct store *store, struct error *err)
{
        int r = store_image_find(store, s->i->image.text, &s->image, err);

        if (r == 0)
                r = instance_image_read(s->e, s->i, err);
        return r < 0 ? error_wrap(err, "image of %s", s->i->name) : 0;
}

static int open_directory(int dir, const char *name, struct error *err)
{
        int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, "open the instance's directory %s", name) : fd;
}

/* Where upper and work are, through the mappings of the instance's own user namespace. */
static int open_mapped(const struct instance *i, struct error *err)
{
        own_fd int dir = mount_clone(i->fd, "", false);
        int r = dir < 0 ? dir : mount_set_idmap(dir, false, i->users.user_ns);

        return r < 0 ? error_errno(err, -r, "map the owners of what the instance writes") : take_fd(&dir);
}

static int mount_root(struct start *s, struct store *store, struct error *err)
{
        bool is_mapped = s->i->users.user_ns >= 0;
        own_fd int mapped = is_mapped ? open_mapped(s->i, err) : -1, upper = -1, work = -1;
        struct image_mount_options o = { .users = is_mapped ? &s->i->users : NULL,
                                         .is_volatile = s->i->options.rm,
                                         .context = or_null(s->selinux.mount),
                                         .warn = s->e->warn };
        int dir = is_mapped ? mapped : s->i->fd;

        if (dir >= 0)
                upper = open_directory(dir, s->i->upper, err);
        if (upper >= 0)
                work = open_directory(dir, "work", err);
        if (upper < 0 || work < 0)
                return -err->code;
        /* One more for the ports. */
        s->pins = calloc(s->image->n_layers + 1, sizeof *s->pins);
        if (!s->pins)
                return error_set(err, ENOMEM, "out of memory");
        /* A machine writes to a disk of its own: this is for us to look into. */
        o.upper_fd = s->i->backend->is_machine ? -1 : upper;
        o.work_fd = s->i->backend->is_machine ? -1 : work;
        o.ret_pins = s->pins;
        s->job.root = image_mount(store, s->image->diff_ids, s->image->n_layers, &o, err);
        if (s->job.root < 0)
                return s->job.root;
        s->job.pins = s->pins;
        s->job.n_pins = s->image->n_layers;
        return 0;
}

static int find_user(struct start *s, struct error *err)
{
        const struct instance_options *o = &s->i->options;
        int r = image_user_find(s->job.root, o->user ? o->user : s->i->config->user, &s->user, err);

        return r == 0 ? image_user_add_groups(s->job.root, o->group_add, &s->user, err) : r;
}

static int find_hostname(struct start *s, struct error *err)
{
        const char *given = s->i->options.hostname;

        if (given && strlen(given) > MAX_HOSTNAME)
                return error_set(err, EINVAL, "hostname \"%s\": over %d bytes", given, MAX_HOSTNAME);
        snprintf(s->hostname, sizeof s->hostname, "%.*s", given ? MAX_HOSTNAME : SHORT_ID, given ? given : s->i->id);
        return 0;
}

/* The other instance's own namespace. Held by a descriptor it is that one, whatever becomes of the pid. */
static int find_namespace(struct start *s, const char *flag, const char *kind, char ret[NAMESPACE_NAME],
                          struct error *err)
{
        const char *name = namespace_flag_instance(flag);
        own_instance struct instance *other = NULL;
        int r = name ? instance_find(s->e, name, &other, err) : 0;

        *ret = '\0';
        if (!name || r < 0)
                return r;
        r = instance_check_on_host(other, "joined", err);
        if (r < 0)
                return r;
        if (!instance_is_running(other) || !other->state.pid)
                return error_set(err, ESRCH, "instance %s does not run: there is no %s namespace to join", name, kind);
        r = other->backend->open_namespace(s->e->run, other->id, kind, err);
        if (r < 0)
                return error_wrap(err, "join the %s namespace of instance %s", kind, name);
        if (s->planned)
                snprintf(ret, NAMESPACE_NAME, "/proc/%d/ns/%s", (int)other->state.pid, kind);
        else
                snprintf(ret, NAMESPACE_NAME, CONTAINER_GIVEN "%zu", s->trees.n);
        return instance_trees_take(&s->trees, r, err);
}

/* What is at /dev/shm: that of the instance whose IPC is joined, or one that others may join. */
static int find_shared_memory(struct start *s, struct error *err)
{
        const struct instance_options *o = &s->i->options;
        const char *name = namespace_flag_instance(o->ipc);
        own_instance struct instance *other = NULL;
        int r;

        if (o->ipc && strcmp(o->ipc, "shareable") == 0)
                return s->planned ? shared_memory_path(s->e->run, s->i->id, s->ipc_shm, err)
                                  : shared_memory_open(s->e->run, s->i->id, o->shm_size, s->ipc_shm, err);
        if (!name)
                return 0;
        r = instance_find(s->e, name, &other, err);
        if (r == 0)
                r = shared_memory_find(s->e->run, other->id, s->ipc_shm, err);
        return r < 0 ? error_wrap(err, "join the IPC of %s", name) : 0;
}

static int find_namespaces(struct start *s, struct error *err)
{
        int r = find_namespace(s, s->i->options.pid, "pid", s->pid_namespace, err);

        if (r == 0)
                r = find_namespace(s, s->i->options.ipc, "ipc", s->ipc_namespace, err);
        if (r == 0)
                r = find_shared_memory(s, err);
        return r < 0 || !s->i->options.init ? r : sibling_program_find("holt-init", s->init, err);
}

/* In a machine, and in a namespace of others, it is not ours to say. */
static const char *find_apparmor(const struct start *s, bool is_nested)
{
        if (is_nested || s->i->backend->is_machine)
                return NULL;
        return s->planned ? apparmor_planned(s->e, &s->i->options) : apparmor_default(s->e, &s->i->options);
}

static int write_config(struct start *s, struct error *err)
{
        bool is_nested = user_namespace_is_nested();
        enum cgroup_of_user cgroup = is_nested ? cgroup_of_user() : CGROUP_OF_USER_BESIDE;
        const struct image_spec spec = { .image = s->i->config,
                                         .options = &s->i->options,
                                         .user = &s->user,
                                         .warn = s->e->warn,
                                         .id = s->i->id,
                                         .hostname = s->hostname,
                                         .planned = s->planned,
                                         .directory = s->i->path,
                                         .shares = s->i->backend->is_machine && !s->planned ? &s->trees : NULL,
                                         .files = s->i->backend->is_machine ? VM_FILES : s->i->path,
                                         .init = or_null(s->init),
                                         /* The machine has the network; what runs in it shares that. */
                                         .host_network = s->network.is_host || s->i->backend->is_machine,
                                         .in_guest = s->i->backend->is_machine,
                                         .pid_path = or_null(s->pid_namespace),
                                         .ipc_path = or_null(s->ipc_namespace),
                                         .user_path = or_null(s->user_namespace),
                                         .ipc_shm = or_null(s->ipc_shm),
                                         .selinux = &s->selinux,
                                         .apparmor = find_apparmor(s, is_nested),
                                         .is_guest = s->i->backend->is_machine,
                                         .one_id = user_namespace_has_one_id(),
                                         .by_systemd = cgroup == CGROUP_OF_USER_SYSTEMD,
                                         .no_limits = cgroup == CGROUP_OF_USER_NONE,
                                         .own_cgroup = is_nested };

        s->job.by_systemd = spec.by_systemd;
        return image_spec_write(&spec, &s->job.config, err);
}

/* They are filled with the image's files as those of whom they are there, not as those of whom the instance has. */
static int prepare_volumes(struct start *s, struct error *err)
{
        own_instance_root struct instance_root plain = INSTANCE_ROOT_NONE;
        const struct instance_options *o = &s->i->options;
        int r = 0;

        if (s->i->users.user_ns >= 0 && (o->volume || o->mount || o->volumes_from || o->image_volume))
                r = instance_root_open_image(s->e, s->i, &plain, err);
        return r < 0 ? r : instance_volumes_prepare(s->e, s->i, plain.fd >= 0 ? plain.fd : s->job.root, err);
}

/* The namespace of users of its own is given by descriptor as well. */
static int give_users(struct start *s, struct error *err)
{
        if (s->i->users.user_ns < 0)
                return 0;
        snprintf(s->user_namespace, sizeof s->user_namespace, CONTAINER_GIVEN "%zu", s->trees.n);
        return instance_trees_take(&s->trees, take_fd(&s->i->users.user_ns), err);
}

/* What of its volumes has no path. */
static int open_trees(struct start *s, struct error *err)
{
        const struct instance_options *o = &s->i->options;
        int r = o->mount || o->volumes_from || o->volume ? instance_trees_open(s->e, s->i, &s->trees, err) : 0, *pins;

        if (r < 0 || !s->trees.n_pins)
                return r;
        /* And one for the ports. */
        pins = realloc(s->pins, (s->job.n_pins + s->trees.n_pins + 1) * sizeof *pins);
        if (!pins)
                return error_set(err, ENOMEM, "out of memory");
        s->job.pins = s->pins = pins;
        while (s->trees.n_pins)
                pins[s->job.n_pins++] = s->trees.pins[--s->trees.n_pins];
        return 0;
}

/* When all sources of its mounts are there. */
static int label_files(struct start *s, struct error *err)
{
        bool has_shm = *s->ipc_shm && !namespace_flag_instance(s->i->options.ipc);

        return selinux_instance_label(s->e, s->i, &s->selinux, has_shm ? s->ipc_shm : NULL, err);
}

/* What keeps the published ports is kept as the layers are. */
static void keep_ports(struct start *s)
{
        if (s->network.ports >= 0)
                s->pins[s->job.n_pins++] = take_fd(&s->network.ports);
}

static void tell_debug(const struct start *s)
{
        char text[600];

        if (!s->e->debug)
                return;
        snprintf(text, sizeof text, "image %s, layers: %zu", s->image->id.text, s->image->n_layers);
        s->e->debug(text);
        snprintf(text, sizeof text, "container %s, what it writes: %s, its state: %s/containers", s->i->id, s->i->path,
                 s->e->run);
        s->e->debug(text);
}

/* The layers themselves, and what makes a machine of them, in the place of a mounted root. */
static int make_machine(struct start *s, struct error *err)
{
        own_mem uint64_t *sizes = calloc(s->image->n_layers, sizeof(*sizes));
        own_buf struct buf spec = s->job.config;
        char path[PATH_MAX];
        struct stat st;
        int r;

        s->job.config = (struct buf){};
        if (!sizes)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t n = 0; n < s->image->n_layers; n++) {
                if (fstat(s->pins[n], &st) < 0)
                        return error_errno(err, errno, "look at a layer");
                sizes[n] = (uint64_t)st.st_size;
        }
        close(take_fd(&s->job.root));
        r = sibling_program_find("holt-vm", path, err);
        if (r < 0)
                return r;
        s->job.root = open(path, O_PATH | O_CLOEXEC);
        if (s->job.root < 0)
                return error_errno(err, errno, "open %s", path);
        return vm_job_write(s->e, s->i, s->hostname, &s->network,
                            &(struct vm_files){ .layers = sizes,
                                                .n_layers = s->image->n_layers,
                                                .n_pins = s->job.n_pins,
                                                .n_shares = s->trees.n },
                            &spec, &s->job.config, err);
}

static int make_job(struct start *s, struct error *err)
{
        struct store *store;
        int r = engine_store(s->e, &store, err);

        if (r == 0)
                r = read_image(s, store, err);
        if (r == 0)
                r = user_range_open(s->i, &s->i->users, err);
        if (r == 0)
                r = find_hostname(s, err);
        if (r == 0)
                r = selinux_instance_open(s->e, s->i, &s->selinux, err);
        if (r == 0)
                r = mount_root(s, store, err);
        if (r == 0)
                r = find_user(s, err);
        if (r == 0)
                r = prepare_volumes(s, err);
        if (r == 0)
                r = open_trees(s, err);
        if (r == 0)
                r = instance_network_open(s->e, s->i, s->hostname, &s->network, err);
        if (r == 0)
                keep_ports(s);
        if (r == 0)
                r = instance_files_write(s->i, s->hostname, &s->network, err);
        if (r == 0)
                r = find_namespaces(s, err);
        if (r == 0)
                r = give_users(s, err);
        if (r == 0)
                r = write_config(s, err);
        if (r == 0)
                r = label_files(s, err);
        if (r == 0 && s->i->backend->is_machine)
                r = make_machine(s, err);
        s->job.netns = s->i->backend->is_machine ? s->network.tap : s->network.netns;
        s->job.given = s->trees.fds;
        s->job.n_given = s->trees.n;
        if (r == 0)
                tell_debug(s);
        return r;
}

int instance_plan_config(struct engine *e, struct instance *i, const struct instance_mounts *planned, int root,
                         struct buf *out, struct error *err)
{
        own_start struct start s = { .e = e,
                                     .i = i,
                                     .network = INSTANCE_NETWORK_NONE,
                                     .planned = planned,
                                     .job = { .root = root, .netns = -1 } };
        own_network_flags struct network_flags network = {};
        int r = network_flags_read(&i->options, network_is_ours(), &network, err);

        s.network.is_host = network.mode == NETWORK_MODE_HOST;
        if (r == 0)
                r = find_hostname(&s, err);
        if (r == 0 && root >= 0)
                r = find_user(&s, err);
        if (r == 0)
                r = find_namespaces(&s, err);
        if (r == 0)
                r = selinux_instance_open(e, i, &s.selinux, err);
        if (r == 0)
                r = write_config(&s, err);
        if (r == 0)
                buf_add(out, buf_str(&s.job.config), s.job.config.len);
        return r;
}

/* Without it, a host that goes down would leave one that looks as if it had never been started. */
static int mark_started(struct instance *i, struct error *err)
{
        own_fd int fd = openat(i->fd, "started", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

        return fd < 0 ? error_errno(err, errno, "mark the instance as started") : 0;
}

/*
 * The shim goes with its connection; it, and what it may have begun, have the lock as we do: when it can be had anew,
 * they are gone. Should that not come about, RUN/instances/ID stays, and a sweep sees to it.
 */
static int wait_for_shim(struct engine *e, struct instance *i, struct error *err)
{
        const struct timespec pause = { .tv_nsec = 2000000 };
        own_fd int run = engine_open_run(e, err);
        int lock = -EBUSY;

        close(take_fd(&i->lock));
        for (int n = 0; lock == -EBUSY && n < LOCK_TRIES; n++) {
                lock = instance_lock_existing(run, i->id);
                if (lock == -EBUSY)
                        nanosleep(&pause, NULL);
        }
        i->lock = lock < 0 ? -1 : lock;
        return lock < 0 ? lock : 0;
}

static void give_back(struct engine *e, struct instance *i)
{
        struct error ignored;

        if (wait_for_shim(e, i, &ignored) < 0)
                return;
        i->backend->destroy(e->run, i->id, &ignored);
        instance_network_close(e, i->id, &ignored);
        shared_memory_close(e->run, i->id);
        instance_volumes_unmount(e, i, &ignored);
        unlinkat(i->fd, "started", 0);
}

static int start(struct engine *e, struct instance *i, bool attach, int *ret_shim, struct error *err)
{
        own_start struct start s = {
                .e = e, .i = i, .network = INSTANCE_NETWORK_NONE, .job = { .root = -1, .netns = -1 }
        };
        own_fd int shim = shim_spawn(e, i, err);
        int r = shim < 0 ? shim : make_job(&s, err);

        if (r == 0)
                r = mark_started(i, err);
        if (r == 0)
                r = shim_begin(shim, e, i, &s.job, attach, err);
        if (r < 0) {
                if (shim >= 0)
                        close(take_fd(&shim));
                give_back(e, i);
                return r;
        }
        close(take_fd(&i->lock));
        instance_tell_start(e, i);
        *ret_shim = take_fd(&shim);
        return 0;
}

/* The id of another whose namespaces it asks for, NULL for none: an ordinary user's must be in the same user namespace.
 */
static int find_partner(struct engine *e, const struct instance *i, struct instance **ret, struct error *err)
{
        const char *const *network = i->options.network;
        const char *const flags[] = { network ? *network : NULL, i->options.pid, i->options.ipc };

        for (size_t n = 0; n < ARRAY_SIZE(flags); n++) {
                const char *name = namespace_flag_instance(flags[n]);

                if (name)
                        return instance_find(e, name, ret, err);
        }
        return 0;
}

static int become_root(struct engine *e, struct instance *i, int *ret_lock, struct error *err)
{
        own_instance struct instance *partner = NULL;
        int r = geteuid() == 0 ? 0 : find_partner(e, i, &partner, err);

        if (r == 0)
                r = user_rights_lock_first(e, ret_lock, err);
        return r == 0 ? instance_take_rights(e, i, partner ? partner->id : NULL, err) : r;
}

int instance_start(struct engine *e, struct instance *i, bool attach, int *ret_shim, struct error *err)
{
        own_fd int first = -1;
        int r = become_root(e, i, &first, err);

        if (r == 0 && instance_is_running(i))
                return error_set(err, EALREADY, "instance %s runs already", i->name);
        if (r == 0 && i->lock < 0)
                r = instance_lock_stopped(e, i, err);
        return r < 0 ? r : start(e, i, attach, ret_shim, err);
}

void instance_release(struct engine *e, struct instance *i)
{
        instance_unlock(e, i->id, &i->lock);
}

void instance_fail(struct engine *e, struct instance *i, int exit_code, const char *why)
{
        struct error ignored;

        i->state.exit_code = exit_code;
        snprintf(i->state.error, sizeof i->state.error, "%s", why);
        instance_save_end(i, &i->state, &ignored);
        instance_release(e, i);
}
