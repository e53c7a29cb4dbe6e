/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

/* Linux 6.12. The kernel takes a longer struct when its rest is zero. */
struct ruleset {
        uint64_t files, network, scoped;
};

enum {
        NET_BIND_TCP = 1 << 0, /* ABI 4 */
        NET_CONNECT_TCP = 1 << 1,
        SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0, /* ABI 6 */
        SCOPE_SIGNAL = 1 << 1,
};

#define FIRST_ABI (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1)
/* What a rule for a file may have; the rest means directories. */
#define FILE_RIGHTS                                                                                  \
        (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
         LANDLOCK_FILE_TRUNCATE | LANDLOCK_FILE_IOCTL)

static struct ruleset rules_of(long abi, bool connects)
{
        struct ruleset r = { .files = FIRST_ABI };

        if (abi >= 2)
                r.files |= LANDLOCK_ACCESS_FS_REFER;
        if (abi >= 3)
                r.files |= LANDLOCK_FILE_TRUNCATE;
        if (abi >= 4)
                r.network = NET_BIND_TCP | (connects ? 0 : NET_CONNECT_TCP);
        if (abi >= 5)
                r.files |= LANDLOCK_FILE_IOCTL;
        if (abi >= 6)
                r.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
        return r;
}

void landlock_finish(struct landlock *l)
{
        if (l->rules >= 0)
                close(take_fd(&l->rules));
}

int landlock_begin(bool connects, struct landlock *ret, struct error *err)
{
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
        struct ruleset handled = rules_of(abi, connects);
        int rules = -1;

        /* ENOSYS, EOPNOTSUPP: not in this kernel, or not enabled */
        if (abi >= 0)
                rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
        if (abi >= 0 && rules < 0)
                return error_errno(err, errno, "landlock_create_ruleset");
        *ret = (struct landlock){ .rules = rules, .files = handled.files };
        return 0;
}

int landlock_allow(const struct landlock *l, int fd, uint64_t rights, struct error *err)
{
        struct landlock_path_beneath_attr a = { .allowed_access = rights & l->files, .parent_fd = fd };
        struct stat st;

        if (l->rules < 0)
                return 0;
        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, "look at what may be opened");
        if (!S_ISDIR(st.st_mode))
                a.allowed_access &= FILE_RIGHTS;
        if (syscall(SYS_landlock_add_rule, l->rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0)
                return error_errno(err, errno, "landlock_add_rule");
        return 0;
}

int landlock_allow_path(const struct landlock *l, const char *path, uint64_t rights, struct error *err)
{
        own_fd int fd = l->rules < 0 ? -1 : open(path, O_PATH | O_CLOEXEC);

        return fd < 0 ? 0 : landlock_allow(l, fd, rights, err);
}

int landlock_enter(const struct landlock *l, struct error *err)
{
        if (l->rules >= 0 && syscall(SYS_landlock_restrict_self, l->rules, 0) < 0)
                return error_errno(err, errno, "landlock_restrict_self");
        return 0;
}
