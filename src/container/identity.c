/* SPDX-License-Identifier: Apache-2.0 */
#include "container/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "container/environment.h"
#include "container/launch.h"
#include "container/message.h"
#include "sys/capability.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/schedule.h"

int identity_set_limits(const struct spec_process *p, pid_t pid, struct error *err)
{
        for (size_t i = 0; i < p->n_rlimits; i++) {
                const struct rlimit limit = { .rlim_cur = p->rlimits[i].soft, .rlim_max = p->rlimits[i].hard };

                if (prlimit(pid, p->rlimits[i].resource, &limit, NULL) < 0)
                        return error_errno(err, errno, "set process.rlimits[%zu] to %llu:%llu", i,
                                           (unsigned long long)p->rlimits[i].soft,
                                           (unsigned long long)p->rlimits[i].hard);
        }
        return 0;
}

int identity_set_oom_score(const struct spec_process *p, pid_t pid, struct error *err)
{
        char path[64], text[24];
        int r;

        if (!p->oom_score_adj.set)
                return 0;
        snprintf(path, sizeof path, pid ? "/proc/%d/oom_score_adj" : "/proc/self/oom_score_adj", (int)pid);
        snprintf(text, sizeof text, "%lld", (long long)p->oom_score_adj.v);
        r = fd_write_file_at(AT_FDCWD, path, text);
        return r < 0 ? error_errno(err, -r, "set process.oomScoreAdj to %s", text) : 0;
}

static int set_schedule(const struct identity *id, struct error *err)
{
        const struct spec_process *p = id->process;
        const struct spec_scheduler *s = p->scheduler;
        int r = 0;

        if (s)
                r = schedule_set(&(struct schedule){ s->policy, s->nice, s->priority, s->flags, s->runtime, s->deadline,
                                                     s->period });
        /* SCHED_DEADLINE wants all CPUs. The words are runc's. */
        if (r == -EPERM && id->has_cpus)
                return error_set(err, EPERM, "process scheduler can't be used together with AllowedCPUs");
        if (r < 0)
                return error_errno(err, -r, "set process.scheduler");
        if (p->io_priority.set && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, (int)p->io_priority.v) < 0)
                return error_errno(err, errno, "set process.ioPriority");
        return 0;
}

void identity_become_root(void)
{
        if (setgroups(0, NULL) == 0 && setresgid(0, 0, 0) == 0)
                (void)!setresuid(0, 0, 0);
}

/* Label files are those of a procfs that nobody else can reach: never the container's own /proc. */
static int set_labels(const struct spec_process *p, struct error *err)
{
        own_fd int proc = -1;
        char text[512];
        int r = 0;

        if (!p->apparmor_profile && !p->selinux_label)
                return 0;
        proc = private_proc_open(err);
        if (proc < 0)
                return proc;
        if (p->selinux_label)
                r = private_proc_write(proc, "self/attr/exec", p->selinux_label, err);
        if (r == 0 && p->apparmor_profile) {
                snprintf(text, sizeof text, "exec %s", p->apparmor_profile);
                r = private_proc_write(proc, "self/attr/apparmor/exec", text, err);
        }
        return r < 0 ? error_wrap(err, "set the security label") : 0;
}

int identity_check_labels(const struct spec_process *p, const char *mount_label, struct error *err)
{
        char enabled[8] = "";

        if (((p && p->selinux_label) || mount_label) && access("/sys/fs/selinux/enforce", F_OK) < 0)
                return error_set(err, ENOTSUP, "selinuxLabel or mountLabel: this host runs without SELinux");
        if (!p || !p->apparmor_profile)
                return 0;
        if (fd_read_file_at(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", enabled, sizeof enabled) <= 0 ||
            enabled[0] != 'Y')
                return error_set(err, ENOTSUP, "apparmorProfile: this host runs without AppArmor");
        return 0;
}

static bool has_capability(uint64_t set, unsigned number)
{
        return set >> number & 1;
}

/* Who may do it and still gets EPERM is where /proc/PID/setgroups says "deny": a user who keeps the groups he has. */
static int set_groups(const struct spec_process *p, const struct capability_sets *have, struct error *err)
{
        bool may_be_denied = !p->n_additional_gids && has_capability(have->effective, CAP_SETGID);

        if (setgroups(p->n_additional_gids, p->additional_gids) == 0 || (errno == EPERM && may_be_denied))
                return 0;
        return error_errno(err, errno, "set process.user.additionalGids");
}

static int set_user(const struct spec_process *p, const struct capability_sets *have, struct error *err)
{
        int r = set_groups(p, have, err);

        if (r < 0)
                return r;
        if (setresgid(p->gid, p->gid, p->gid) < 0)
                return error_errno(err, errno, "set process.user.gid to %u", p->gid);
        if (setresuid(p->uid, p->uid, p->uid) < 0)
                return error_errno(err, errno, "set process.user.uid to %u", p->uid);
        return 0;
}

/*
 * Capabilities that the runtime itself lacks cannot be granted; the spec asks to go on without them
 * (config.md, "Linux Process"). Keeping the permitted set over setuid needs PR_SET_KEEPCAPS.
 */
static int set_user_and_capabilities(const struct spec_process *p, struct error *err)
{
        struct capability_sets have, want;
        int r;

        r = capability_get(&have);
        if (r < 0)
                return error_errno(err, -r, "read the capabilities");
        r = capability_bound(p->caps.bounding);
        if (r < 0 && !(r == -EPERM && !has_capability(have.effective, CAP_SETPCAP)))
                return error_errno(err, -r, "set the capability bounding set");
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
                return error_errno(err, errno, "keep capabilities");
        r = set_user(p, &have, err);
        if (r < 0)
                return r;
        want.permitted = p->caps.permitted & have.permitted;
        want.effective = p->caps.effective & want.permitted;
        want.inheritable = p->caps.inheritable & (have.permitted | have.inheritable);
        r = capability_set(&want);
        if (r == 0)
                r = capability_set_ambient(p->caps.ambient & want.permitted & want.inheritable);
        if (r < 0)
                return error_errno(err, -r, "set the capabilities");
        prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
        return 0;
}

/* A directory outside the root makes getcwd(2) answer "(unreachable)...": an inherited one would be a way out
 * (CVE-2024-21626). */
static int enter_cwd(const char *cwd, struct error *err)
{
        char where[PATH_MAX];

        if (chdir(cwd) < 0)
                return error_errno(err, errno, "chdir to process.cwd %s", cwd);
        if (!getcwd(where, sizeof where) || where[0] != '/')
                return error_set(err, EPERM, "process.cwd %s is outside of the container", cwd);
        return 0;
}

static int install_seccomp(const struct identity *id, struct error *err)
{
        own_fd int listener = -1;
        int r;

        if (!id->seccomp)
                return 0;
        r = seccomp_install(id->seccomp, &listener, err);
        if (r < 0)
                return r;
        if (listener < 0)
                return 0;
        r = message_send(id->peer, MESSAGE_LISTENER, listener);
        return r < 0 ? error_errno(err, -r, "hand over the seccomp listener") : 0;
}

static int join_keyring(const struct identity *id, struct error *err)
{
        if (!id->session_keyring)
                return 0;
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, id->session_keyring) < 0 && errno != ENOSYS &&
            errno != EPERM)
                return error_errno(err, errno, "make a session keyring");
        return 0;
}

int identity_close_others(unsigned preserve_fds, int peer, int other, struct error *err)
{
        const int keep[] = { peer, other };
        int r = fd_close_others(preserve_fds, keep, ARRAY_SIZE(keep));

        return r < 0 ? error_errno(err, -r, "close descriptors") : 0;
}

/* Docker reads these words to choose between the exit codes 126 and 127, and minds upper case. `before` and `after`
 * stand around the name: "exec: \"" where it was only looked up, "exec " where the kernel would not execute it. */
static int exec_error(const char *before, const char *name, const char *after, int code, struct error *err)
{
        char text[128];

        snprintf(text, sizeof text, "%s", strerror(code));
        if (text[0] >= 'A' && text[0] <= 'Z')
                text[0] = (char)(text[0] | 0x20);
        return error_set(err, code, "%s%s%s: %s", before, name, after, text);
}

static bool is_program(const char *path, int *ret_error)
{
        struct stat st;

        if (stat(path, &st) < 0) {
                *ret_error = errno;
                return false;
        }
        *ret_error = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
        return S_ISREG(st.st_mode) && st.st_mode & 0111;
}

static const char *search_path(const struct spec_process *p)
{
        for (size_t i = p->env.n; i > 0; i--) {
                if (strncmp(p->env.v[i - 1], "PATH=", 5) == 0)
                        return p->env.v[i - 1] + 5;
        }
        return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* The words are those that podman, Docker and containerd look for to choose between the exit codes 126 and 127. */
static int find_in_path(const char *name, const char *path, char **ret, struct error *err)
{
        int e, worst = ENOENT;

        for (const char *p = path;; p++) {
                int n = (int)strcspn(p, ":");
                own_mem char *full = NULL;

                if (asprintf(&full, "%.*s/%s", n, n ? p : ".", name) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                if (is_program(full, &e)) {
                        *ret = take_ptr(full);
                        return 0;
                }
                if (e == EACCES)
                        worst = EACCES;
                p += n;
                if (!*p)
                        break;
        }
        if (worst == EACCES)
                return error_set(err, EACCES, "exec: \"%s\": permission denied", name);
        return error_set(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

int identity_find_program(const struct spec_process *p, char **ret, struct error *err)
{
        const char *name = p->args.v[0];
        int e;

        if (!*name)
                return error_set(err, ENOENT, "exec: \"\": executable file not found in $PATH");
        if (!strchr(name, '/'))
                return find_in_path(name, search_path(p), ret, err);
        if (!is_program(name, &e))
                return e == EISDIR ? error_set(err, EACCES, "exec: \"%s\": is a directory: permission denied", name)
                                   : exec_error("exec: \"", name, "\"", e, err);
        *ret = strdup(name);
        return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}

int identity_execute(const struct identity *id, const char *program, struct error *err)
{
        const struct spec_process *p = id->process;
        own_environment struct environment env = {};
        int r, entered = 0;

        r = join_keyring(id, err);
        if (r == 0 && id->has_personality && personality(id->personality) < 0)
                r = error_errno(err, errno, "set linux.personality");
        if (r == 0)
                r = set_schedule(id, err);
        if (r == 0)
                r = set_labels(p, err);
        if (r < 0)
                return r;
        r = environment_make(p, &env, err);
        if (r < 0)
                return r;
        /* Without no_new_privs the filter needs CAP_SYS_ADMIN, which is about to go. */
        if (!p->no_new_privileges)
                r = install_seccomp(id, err);
        /* With all rights first: the user may start in a directory that he could not enter. Then as he could (NFS). */
        if (r == 0)
                entered = enter_cwd(p->cwd, err);
        if (r == 0)
                r = entered == -EACCES ? 0 : entered;
        if (r == 0)
                r = set_user_and_capabilities(p, err);
        if (r == 0 && entered < 0)
                r = enter_cwd(p->cwd, err);
        if (r < 0)
                return r;
        umask(p->umask.set ? (mode_t)p->umask.v : 022);
        process_reset_signals();
        if (p->no_new_privileges) {
                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                        return error_errno(err, errno, "set no_new_privs");
                r = install_seccomp(id, err);
                if (r < 0)
                        return r;
        }
        if (id->last) {
                r = id->last(id->userdata, err);
                if (r < 0)
                        return r;
        }
        execve(program, (char *const *)p->args.v, (char *const *)env.v);
        return exec_error("exec ", program, "", errno, err);
}
