/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "sys/fd.h"
#include "sys/program.h"

#define PROFILES "/sys/kernel/security/apparmor/profiles"

enum { MAX_PROFILES = 4 << 20 };

/*
 * Without includes: what a distribution's abstractions say is not ours to rely on. Signals come from the host's
 * commands, which are unconfined. All of /proc that is no process's is closed to writing, but for what namespaces and
 * capabilities guard; so is all of /sys but the cgroups.
 */
static const char policy[] =
        "profile " APPARMOR_PROFILE " flags=(attach_disconnected,mediate_deleted) {\n"
        "  network,\n"
        "  capability,\n"
        "  file,\n"
        "  umount,\n"
        "  unix,\n"
        "  signal (receive) peer=unconfined,\n"
        "  signal (send,receive) peer=" APPARMOR_PROFILE ",\n"
        "  ptrace (trace,read,tracedby,readby) peer=" APPARMOR_PROFILE ",\n"
        "  deny /proc/* w,\n"
        "  deny /proc/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w,\n"
        "  deny /proc/sys/[^k]** w,\n"
        "  deny /proc/sys/kernel/{?,??,[^s][^h][^m]**} w,\n"
        "  deny /proc/sysrq-trigger rwklx,\n"
        "  deny /proc/kcore rwklx,\n"
        "  deny mount,\n"
        "  deny /sys/[^f]*/** wklx,\n"
        "  deny /sys/f[^s]*/** wklx,\n"
        "  deny /sys/fs/[^c]*/** wklx,\n"
        "  deny /sys/fs/c[^g]*/** wklx,\n"
        "  deny /sys/fs/cg[^r]*/** wklx,\n"
        "  deny /sys/firmware/** rwklx,\n"
        "  deny /sys/devices/virtual/powercap/** rwklx,\n"
        "  deny /sys/kernel/security/** rwklx,\n"
        "}\n";

/* 1: the kernel has it, 0: it has not; negative: there is no AppArmor. */
static int is_loaded(void)
{
        own_fd int fd = open(PROFILES, O_RDONLY | O_CLOEXEC);
        own_buf struct buf text = {};

        if (fd < 0)
                return -errno;
        /* The first line may be ours. */
        buf_add_str(&text, "\n");
        if (fd_read_all(fd, MAX_PROFILES, &text) < 0)
                return -EIO;
        return strstr(buf_str(&text), "\n" APPARMOR_PROFILE " (") != NULL;
}

/* RUN/apparmor: it was said that there is none. */
static void complain(const struct engine *e, const struct error *why)
{
        own_buf struct buf path = {}, text = {};
        own_fd int fd = -1;

        buf_addf(&path, "%s/apparmor", e->run);
        buf_addf(&text, "instances run without an AppArmor profile: %s; install apparmor_parser (package apparmor)",
                 why->text);
        if (buf_failed(&path) || buf_failed(&text))
                return;
        fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd >= 0 && e->warn)
                e->warn(text.data);
}

static bool has_complained(const struct engine *e)
{
        own_buf struct buf path = {};

        buf_addf(&path, "%s/apparmor", e->run);
        return buf_failed(&path) || access(path.data, F_OK) == 0;
}

/* Whether the default is of no interest: it asks for another, or for none. */
static bool has_own(const struct instance_options *o)
{
        for (const char *const *text = o->security_opt; text && *text; text++) {
                if (strncmp(*text, "apparmor", 8) == 0)
                        return true;
        }
        return o->privileged;
}

const char *apparmor_planned(const struct engine *e, const struct instance_options *o)
{
        int r = geteuid() != 0 || has_own(o) ? -ENOENT : is_loaded();

        return r > 0 || (r == 0 && !has_complained(e)) ? APPARMOR_PROFILE : NULL;
}

const char *apparmor_default(const struct engine *e, const struct instance_options *o)
{
        static const char *const argv[] = { "apparmor_parser", "--replace", "--skip-cache", NULL };
        struct error err;
        int r = geteuid() != 0 || has_own(o) ? -ENOENT : is_loaded();

        if (r != 0)
                return r > 0 ? APPARMOR_PROFILE : NULL;
        if (has_complained(e))
                return NULL;
        r = program_run(argv, policy, &err);
        if (r == 0)
                return APPARMOR_PROFILE;
        complain(e, &err);
        return NULL;
}
