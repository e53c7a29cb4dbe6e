/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on the host itself. Our own is an ordinary process of the caller.
 *
 * A program of an image needs that image's files, and must not be let loose on the host: it gets them as its root, in
 * mount, process, IPC and network namespaces of its own, and as root no right that reaches beyond (a network namespace
 * also because of abstract sockets, by which root is obeyed: CVE-2020-15257). None of that costs a running program
 * anything. What an instance has and this has not: a cgroup, a seccomp filter, limits, a shim, and what it takes to
 * make all of that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/compare_image.h"
#include "cli/compare_run.h"
#include "instance/user_rights.h"
#include "store/layer_mount.h"
#include "sys/capability.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"
#include "sys/process.h"

enum { NOT_FOUND = 127, READY = 0 };

struct bare {
        const struct compare_setup *setup;
        const char *dir;
        const char **argv;
        const char **env; /* NULL: the caller's */
        int root, proc;   /* of the image's files, mounted; -1 */
};

/* ---- the image's files as a root ---- */

static int open_new_directory(const char *dir, const char *name, struct error *err)
{
        own_fd int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int fd = -1;

        if (parent >= 0 && (mkdirat(parent, name, 0755) == 0 || errno == EEXIST))
                fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "make %s/%s", dir, name) : fd;
}

/* Returns its descriptor; it stands at DIR/root. */
static int mount_files(struct engine *e, const struct bare *b, struct error *err)
{
        own_fd int upper = open_new_directory(b->dir, "upper", err), work = -1, place = -1, tree = -1;
        struct image_mount_options o = {};
        struct store *store;
        int r = upper < 0 ? upper : (work = open_new_directory(b->dir, "work", err));

        if (r >= 0)
                r = place = open_new_directory(b->dir, "root", err);
        if (r >= 0)
                r = engine_store(e, &store, err);
        if (r < 0)
                return r;
        o.upper_fd = upper;
        o.work_fd = work;
        r = tree = image_mount(store, b->setup->files->diff_ids, b->setup->files->n_layers, &o, err);
        if (r < 0)
                return r;
        r = mount_attach(tree, place);
        return r < 0 ? error_errno(err, -r, "mount the image") : take_fd(&tree);
}

/* What each program expects to find, bound from the host. */
static int add_devices(int root, struct error *err)
{
        static const char *const names[] = { "null", "zero", "full", "random", "urandom" };
        static const char *const data[] = { "mode=755", NULL };
        own_fd int dev = fd_mkdir_in_root(root, "/dev", 0755), tree = -1;
        int r = dev < 0 ? error_errno(err, -dev, "/dev") : mount_new("tmpfs", "dev", data, MOUNT_ATTR_NOSUID, err);

        if (r < 0)
                return r;
        tree = r;
        r = mount_attach(tree, dev);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
                own_fd int file = openat(tree, names[i], O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
                own_fd int device = -1;
                char path[32];

                snprintf(path, sizeof path, "/dev/%s", names[i]);
                device = mount_clone(AT_FDCWD, path, false);
                r = file < 0 ? -EIO : device < 0 ? device : mount_attach(device, file);
        }
        return r < 0 ? error_errno(err, -r, "make the image's /dev") : 0;
}

/* The new root is all that is left of the host's files. */
static int change_root(int root)
{
        if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
                return -errno;
        return 0;
}

static int bring_loopback_up(struct error *err)
{
        own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

        return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ? error_errno(err, errno, "bring lo up") : 0;
}

/* What was opened of the store is closed again: what it does later is done by children (store_later.h). */
static int mount_all(const struct bare *b, int *ret_root, int *ret_proc, struct error *err)
{
        own_engine struct engine e = {};
        own_fd int root = -1, proc = -1;
        int r = engine_open(b->setup->engine->root, b->setup->engine->run, &e, err);

        if (r == 0)
                r = user_rights_take(&e, NULL, err);
        if (r == 0)
                r = engine_own_mounts(&e, err);
        if (r == 0)
                r = root = mount_files(&e, b, err);
        if (r >= 0)
                r = add_devices(root, err);
        if (r < 0)
                return r;
        proc = fd_mkdir_in_root(root, "/proc", 0755);
        if (proc < 0)
                return error_errno(err, -proc, "/proc of the image");
        *ret_root = take_fd(&root);
        *ret_proc = take_fd(&proc);
        return 0;
}

static int prepare_files(struct bare *b, struct error *err)
{
        int r = mount_all(b, &b->root, &b->proc, err);

        if (r < 0)
                return r;
        if (unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWPID) < 0)
                return error_errno(err, errno, "make namespaces");
        return bring_loopback_up(err);
}

/* ---- the program ---- */

static uint64_t bit(unsigned capability)
{
        return 1ULL << capability;
}

/* A container's rights, but for those that mend or make what is not its own. */
static int lower_rights(void)
{
        const uint64_t keep = bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FSETID) | bit(CAP_FOWNER) |
                              bit(CAP_SETGID) | bit(CAP_SETUID) | bit(CAP_SETFCAP) | bit(CAP_SETPCAP) | bit(CAP_KILL);
        struct capability_sets s;
        int r = capability_get(&s);

        if (r == 0)
                r = capability_bound(keep);
        s.effective &= keep;
        s.permitted &= keep;
        s.inheritable = 0;
        if (r == 0)
                r = capability_set(&s);
        return r < 0 ? r : prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/*
 * In its own process namespace by now, whose processes are seen at /proc; an ordinary user may not see them there when
 * something is hidden from him in the host's.
 */
static int settle_in_files(const struct bare *b, struct error *err)
{
        const char *dir = b->setup->config->working_dir;
        own_fd int proc =
                mount_new("proc", "proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
        int r = proc == -EPERM ? 0 : proc < 0 ? proc : mount_attach(proc, b->proc);

        if (r == 0)
                r = change_root(b->root);
        if (r == 0 && chdir(*dir ? dir : "/") < 0)
                r = -errno;
        if (r == 0)
                r = lower_rights();
        return r < 0 ? error_errno(err, -r, "settle in the image's files") : 0;
}

static _Noreturn void become(const struct bare *b, const int theirs[3])
{
        struct error err = {};
        int r = compare_child_become(theirs);

        if (r == 0)
                r = b->setup->files ? settle_in_files(b, &err) : chdir(b->dir) < 0 ? -errno : 0;
        if (r == 0) {
                fd_cloexec_from(3);
                execve(b->argv[0], (char *const *)b->argv, b->env ? (char *const *)b->env : environ);
        }
        dprintf(theirs[2], "%s: %s\n", b->argv[0], *err.text ? err.text : strerror(errno));
        _exit(NOT_FOUND);
}

/* ---- the process between ---- */

static _Noreturn void stand_between(struct bare *b, const int theirs[3], int talk)
{
        struct error err = {};
        char go;
        pid_t pid;
        int r;

        process_reset_signals();
        /* As instances have: see compare_child_start(). */
        setsid();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = b->setup->files ? prepare_files(b, &err) : 0;
        /* What was tried on the way may have left its error there. */
        if (r >= 0)
                err = (struct error){ .code = READY };
        (void)fd_write_all(talk, &err, sizeof err);
        if (r < 0 || read(talk, &go, 1) != 1)
                _exit(NOT_FOUND);
        pid = process_clone(&(struct clone_options){ .cgroup_fd = -1 });
        if (pid == 0)
                become(b, theirs);
        for (int i = 0; i < 3; i++)
                close(theirs[i]);
        r = pid < 0 ? NOT_FOUND : process_wait(pid);
        _exit(r < 0 ? NOT_FOUND : r);
}

/* Whether it is prepared: from then on the clock runs. */
static int let_go(struct compare_child *c, int talk, struct error *err)
{
        struct error said = {};
        ssize_t n = read(talk, &said, sizeof said);

        if (n == sizeof said && said.code != READY) {
                *err = said;
                return -said.code;
        }
        if (n != sizeof said)
                return error_set(err, EIO, "it ended too early");
        c->born = compare_now();
        return write(talk, "g", 1) == 1 ? 0 : error_errno(err, errno, "start the work");
}

static int spawn(struct bare *b, struct compare_child *c, struct error *err)
{
        own_fd int ours = -1, other = -1;
        int theirs[3], pair[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "make a socket");
        ours = pair[0];
        other = pair[1];
        r = compare_child_pipes(c, theirs, err);
        if (r < 0)
                return r;
        c->pid = process_clone(&(struct clone_options){ .cgroup_fd = -1 });
        if (c->pid == 0) {
                int *const not_its[] = { &ours, &c->in, &c->out, &c->err };

                for (size_t i = 0; i < ARRAY_SIZE(not_its); i++)
                        close(*not_its[i]);
                stand_between(b, theirs, other);
        }
        for (int i = 0; i < 3; i++)
                close(theirs[i]);
        close(take_fd(&other));
        if (c->pid > 0)
                return let_go(c, ours, err);
        r = error_errno(err, -c->pid, "start the work");
        c->pid = 0;
        return r;
}

/* The image's, with what an instance has in any case. */
static const char **make_environment(const struct image_config *config)
{
        static const char *const usual[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                             "HOME=/root" };
        const char **env = calloc(config->env.n + ARRAY_SIZE(usual) + 1, sizeof *env);
        size_t n = 0;

        /* Of two with one name getenv(3) finds the first. */
        for (size_t i = 0; env && i < config->env.n; i++)
                env[n++] = config->env.v[i];
        for (size_t i = 0; env && i < ARRAY_SIZE(usual); i++)
                env[n++] = usual[i];
        return env;
}

int compare_bare_start(const struct compare_setup *s, const char *dir, const char *const *words,
                       struct compare_child *c, struct error *err)
{
        own_mem const char **argv = NULL, **env = s->files ? make_environment(s->config) : NULL;
        struct bare b = { .setup = s, .dir = dir, .env = env, .root = -1, .proc = -1 };
        size_t n = 0;

        while (words[n])
                n++;
        argv = calloc(n + 2, sizeof *argv);
        if (!argv || (s->files && !env))
                return error_set(err, ENOMEM, "out of memory");
        argv[0] = s->files ? COMPARE_PROGRAM_PATH : s->program;
        for (size_t i = 0; i < n; i++)
                argv[1 + i] = words[i];
        b.argv = argv;
        return spawn(&b, c, err);
}
