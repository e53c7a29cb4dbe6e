/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

/* Every kernel that has mount_setattr(2) knows the capabilities up to this one. */
enum { MAX_CAPABILITIES = 64, OLDEST_LAST_CAPABILITY = CAP_CHECKPOINT_RESTORE };

int capability_get(struct capability_sets *ret)
{
        struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct d[2];

        if (syscall(SYS_capget, &h, d) < 0)
                return -errno;
        ret->effective = d[0].effective | (uint64_t)d[1].effective << 32;
        ret->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
        ret->inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
        return 0;
}

int capability_set(const struct capability_sets *s)
{
        struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct d[2];

        for (unsigned i = 0; i < ARRAY_SIZE(d); i++) {
                d[i].effective = (uint32_t)(s->effective >> (32 * i));
                d[i].permitted = (uint32_t)(s->permitted >> (32 * i));
                d[i].inheritable = (uint32_t)(s->inheritable >> (32 * i));
        }
        return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

int capability_set_file_owner(uid_t uid, gid_t gid)
{
        struct capability_sets s = {};
        int r = capability_get(&s);

        if (r < 0)
                return r;
        setfsgid(gid);
        setfsuid(uid);
        return capability_set(&s);
}

int capability_bound(uint64_t keep)
{
        for (unsigned long i = 0; i < MAX_CAPABILITIES; i++) {
                if (keep >> i & 1)
                        continue;
                /* EINVAL: the kernel knows no capability of that number, nor any above. */
                if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
                        return errno == EINVAL && i > OLDEST_LAST_CAPABILITY ? 0 : -errno;
        }
        return 0;
}

int capability_set_ambient(uint64_t set)
{
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return errno == EINVAL && !set ? 0 : -errno;
        for (unsigned long i = 0; i < MAX_CAPABILITIES; i++) {
                if (set >> i & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
                        return -errno;
        }
        return 0;
}
