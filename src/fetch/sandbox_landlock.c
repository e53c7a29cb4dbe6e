/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/sandbox_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

/* landlock(7), Linux 6.12; Debian's header is that of 6.1. The kernel takes a longer struct when its rest is zero. */
struct ruleset {
        uint64_t files, network, scoped;
};

enum {
        FS_TRUNCATE = 1 << 14,  /* ABI 3 */
        FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
        NET_BIND_TCP = 1 << 0,  /* ABI 4 */
        NET_CONNECT_TCP = 1 << 1,
        SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0, /* ABI 6 */
        SCOPE_SIGNAL = 1 << 1,
};

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE                                                                                        \
        (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | \
         LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REFER)
#define FIRST_ABI (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1)
/* What a rule for a file may have; the rest means directories. */
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

static struct ruleset rules_of(long abi, bool network)
{
        struct ruleset r = { .files = FIRST_ABI };

        if (abi >= 2)
                r.files |= LANDLOCK_ACCESS_FS_REFER;
        if (abi >= 3)
                r.files |= FS_TRUNCATE;
        if (abi >= 4)
                r.network = NET_BIND_TCP | (network ? 0 : NET_CONNECT_TCP);
        if (abi >= 5)
                r.files |= FS_IOCTL_DEV;
        if (abi >= 6)
                r.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
        return r;
}

static int allow(int rules, int fd, uint64_t rights, struct error *err)
{
        struct landlock_path_beneath_attr a = { .allowed_access = rights, .parent_fd = fd };

        if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0)
                return error_errno(err, errno, "landlock_add_rule");
        return 0;
}

static int allow_path(int rules, const char *path, struct error *err)
{
        own_fd int fd = open(path, O_PATH | O_CLOEXEC);
        struct stat st;

        /* What is not here needs no rule. */
        if (fd < 0 || fstat(fd, &st) < 0)
                return 0;
        return allow(rules, fd, S_ISDIR(st.st_mode) ? READ : READ & FILE_RIGHTS, err);
}

/* Names (resolv.conf and where it points to, nsswitch.conf and its libraries), certificates, time zones. */
static int allow_network(int rules, struct error *err)
{
        static const char *const paths[] = {
                "/etc",
                "/usr",
                "/lib",
                "/lib64",
                "/run/systemd/resolve",
                "/run/resolvconf",
                "/run/NetworkManager",
                "/var/run/NetworkManager",
                "/mnt/wsl",
                "/dev/urandom",
                "/dev/null",
        };
        static const char *const variables[] = { "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE" };
        static const char *const homes[] = { ".config/containers/certs.d", ".docker/certs.d" };
        const char *home = getenv("HOME");
        char path[PATH_MAX];
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(paths) && r == 0; i++)
                r = allow_path(rules, paths[i], err);
        for (size_t i = 0; i < ARRAY_SIZE(variables) && r == 0; i++)
                if (getenv(variables[i]))
                        r = allow_path(rules, getenv(variables[i]), err);
        for (size_t i = 0; home && i < ARRAY_SIZE(homes) && r == 0; i++)
                if (snprintf(path, sizeof path, "%s/%s", home, homes[i]) < (int)sizeof path)
                        r = allow_path(rules, path, err);
        return r;
}

int sandbox_landlock(const struct sandbox *s, struct error *err)
{
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
        struct ruleset handled = rules_of(abi, s->network);
        own_fd int rules = -1;
        int r = 0;

        if (abi < 0) /* ENOSYS, EOPNOTSUPP: not in this kernel, or not enabled */
                return 0;
        rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
        if (rules < 0)
                return error_errno(err, errno, "landlock_create_ruleset");
        if (s->network)
                r = allow_network(rules, err);
        if (r == 0 && s->directory >= 0)
                r = allow(rules, s->directory, (READ | (s->writable ? WRITE | FS_TRUNCATE : 0)) & handled.files, err);
        if (r == 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
                r = error_errno(err, errno, "landlock_restrict_self");
        return r;
}
