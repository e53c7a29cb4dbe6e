/* SPDX-License-Identifier: Apache-2.0 */
/* Each in a process of its own, which may take namespaces, run guests and hang without harm. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "container/cgroup.h"
#include "instance/doctor/attempt_network.h"
#include "instance/doctor/kvm.h"
#include "instance/doctor/place.h"
#include "store/erofs_image.h"
#include "sys/fd.h"
#include "sys/loop_device.h"
#include "sys/mount_tree.h"
#include "sys/process.h"
#include "sys/user_namespace.h"

enum { TIMEOUT_SECONDS = 10, NOBODY = 65534 };

/* A file without a name on the file system of the store, with an EROFS image that has nothing but a root. */
static int make_image(const struct doctor_host *h)
{
        static const struct erofs_attributes attributes = { .mode = S_IFDIR | 0755, .nlink = 2 };
        static const uint8_t uuid[16] = {};
        char place[PATH_MAX];
        struct erofs_image im;
        struct erofs_place root;
        own_fd int fd = -1;
        int r = doctor_existing_place(h->root, place);

        if (r < 0)
                return r;
        fd = open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = erofs_image_begin(&im, fd, NULL);
        if (r < 0)
                return r;
        r = erofs_directory_place(&im, true, 0, NULL, &root, NULL);
        if (r == 0)
                r = erofs_directory_write(&im, &root, &attributes, NULL, 0, NULL);
        if (r == 0)
                r = erofs_image_end(&im, root.nid, uuid, NULL);
        erofs_image_finish(&im);
        return r < 0 ? r : take_fd(&fd);
}

static int try_erofs(const struct doctor_host *h, bool loop)
{
        static const char *const data[] = { "ro", NULL };
        own_fd int image = make_image(h), device = -1, mount = -1;
        char path[LOOP_PATH_MAX];

        if (image < 0)
                return image;
        snprintf(path, sizeof path, "/proc/self/fd/%d", image);
        device = loop ? loop_device_new(image, path, NULL) : 0;
        if (device < 0)
                return device;
        mount = mount_new("erofs", path, data, MOUNT_ATTR_RDONLY, NULL);
        return mount < 0 ? mount : 0;
}

/* By short names: fsconfig(2) takes no long ones. */
static int mount_overlay(const char *directory, bool user)
{
        static const char *const names[] = { "lower", "upper", "work" };
        const char *const data[] = { "lowerdir=lower", "upperdir=upper", "workdir=work", user ? "userxattr" : NULL,
                                     NULL };
        own_fd int mount = -1, file = -1;

        if (chdir(directory) < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (mkdir(names[i], 0700) < 0)
                        return -errno;
        mount = mount_new("overlay", "holt", data, 0, NULL);
        if (mount < 0)
                return mount;
        file = openat(mount, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        return file < 0 ? -errno : 0;
}

static int try_overlay(const struct doctor_host *h)
{
        char place[PATH_MAX], directory[PATH_MAX + 24];
        int r = doctor_existing_place(h->root, place);

        if (r == 0 && h->uid)
                r = user_namespace_enter(NULL);
        if (r < 0)
                return r;
        snprintf(directory, sizeof directory, "%s/.doctor-XXXXXX", place);
        if (!mkdtemp(directory))
                return -errno;
        r = mount_overlay(directory, h->uid);
        (void)fd_remove_tree_at(AT_FDCWD, directory);
        return r;
}

static int try_user_namespace(const struct doctor_host *h)
{
        if (!h->uid &&
            (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
                return -errno;
        /* A namespace in which one is nobody is of no use: AppArmor may give no more. */
        return unshare(CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNS) < 0 ? -errno : 0;
}

/* Missing rights are no error where an ordinary user makes one: then there is nothing. */
static bool was_made(const struct cgroup *cg)
{
        for (size_t i = 0; i < cg->n; i++)
                if (cg->h[i].fd >= 0 || cg->h[i].tasks_fd >= 0)
                        return true;
        return false;
}

static int try_cgroup(const struct doctor_host *h)
{
        struct spec spec = {};
        struct cgroup cg = {};
        struct error err;
        char id[32];
        int r;

        snprintf(id, sizeof id, "holt-doctor-%d", (int)getpid());
        r = cgroup_plan(&cg, &spec, id, false, &err);
        if (r == 0)
                r = cgroup_create(&cg, &spec, &err);
        if (r == 0)
                r = was_made(&cg) ? cgroup_destroy(&cg, &err) : -EACCES;
        else
                cgroup_give_back(&cg);
        cgroup_finish(&cg);
        return r;
}

static int try_clock(void)
{
        struct timex t = {};
        int r = adjtimex(&t);

        return r < 0 ? -errno : r == TIME_ERROR ? -ENODATA : 0;
}

static int attempt(const struct doctor_host *h, enum doctor_trial trial)
{
        switch (trial) {
        case TRIAL_EROFS_FILE:
        case TRIAL_EROFS_LOOP:
                return try_erofs(h, trial == TRIAL_EROFS_LOOP);
        case TRIAL_OVERLAY:
                return try_overlay(h);
        case TRIAL_USER_NAMESPACE:
                return try_user_namespace(h);
        case TRIAL_CGROUP:
                return try_cgroup(h);
        case TRIAL_BRIDGE:
                return network_try_link("bridge");
        case TRIAL_VETH:
                return network_try_link("veth");
        case TRIAL_NFTABLES:
                return network_try_nftables();
        case TRIAL_KVM:
                return kvm_try();
        default:
                return try_clock();
        }
}

int doctor_attempt(const struct doctor_host *h, enum doctor_trial trial)
{
        struct clone_options o = { .cgroup_fd = -1 };
        pid_t pid = process_clone(&o);
        int status;

        if (pid < 0)
                return (int)pid;
        if (pid == 0) {
                alarm(TIMEOUT_SECONDS);
                _exit(-attempt(h, trial));
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -ETIMEDOUT;
}

int doctor_existing_place(const char *path, char ret[PATH_MAX])
{
        char *slash;

        if (snprintf(ret, PATH_MAX, "%s", path) >= PATH_MAX)
                return -ENAMETOOLONG;
        while (access(ret, F_OK) < 0) {
                slash = strrchr(ret, '/');
                if (!slash || slash == ret) {
                        memcpy(ret, "/", sizeof "/");
                        return 0;
                }
                *slash = '\0';
        }
        return 0;
}
