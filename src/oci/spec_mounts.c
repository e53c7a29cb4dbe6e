/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of mounts[], and what its options mean (runtime-spec, config.md#configLinuxMountOptions). */
#include "oci/spec_parse.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

enum kind {
        NOTHING,
        ATTR_SET,
        ATTR_CLEAR,
        ATIME_MODE,
        REC_ATTR_SET,
        REC_ATTR_CLEAR,
        REC_ATIME_MODE,
        PROPAGATION,
        SUPERBLOCK_SET,
        SUPERBLOCK_CLEAR,
        BIND,
        BIND_RECURSIVE,
        IDMAP,
        IDMAP_RECURSIVE,
        REMOUNT,
        TMPCOPYUP,
};

/* Flags of the superblock: in superblock_names' order. */
enum { SB_DIRSYNC = 1, SB_LAZYTIME = 2, SB_MAND = 4, SB_SYNC = 8 };

static const struct {
        const char *on, *off; /* as fsconfig(2) takes them for any filesystem */
} superblock_names[] = {
        { "dirsync", NULL },
        { "lazytime", "nolazytime" },
        { "mand", "nomand" },
        { "sync", "async" },
};

/*
 * Sorted, for bsearch. The opposite of an access time mode is the kernel's default,
 * relatime. silent, loud, iversion and noiversion mean nothing to a filesystem context:
 * the kernel reports errors to the context instead of its log, and whether a filesystem
 * counts changes of inodes is its own choice since Linux 6.
 */
#define MOUNT_OPTIONS(X)                                          \
        X("async", SUPERBLOCK_CLEAR, SB_SYNC)                     \
        X("atime", ATIME_MODE, MOUNT_ATTR_RELATIME)               \
        X("bind", BIND, 0)                                        \
        X("defaults", NOTHING, 0)                                 \
        X("dev", ATTR_CLEAR, MOUNT_ATTR_NODEV)                    \
        X("diratime", ATTR_CLEAR, MOUNT_ATTR_NODIRATIME)          \
        X("dirsync", SUPERBLOCK_SET, SB_DIRSYNC)                  \
        X("exec", ATTR_CLEAR, MOUNT_ATTR_NOEXEC)                  \
        X("idmap", IDMAP, 0)                                      \
        X("iversion", NOTHING, 0)                                 \
        X("lazytime", SUPERBLOCK_SET, SB_LAZYTIME)                \
        X("loud", NOTHING, 0)                                     \
        X("mand", SUPERBLOCK_SET, SB_MAND)                        \
        X("noatime", ATIME_MODE, MOUNT_ATTR_NOATIME)              \
        X("nodev", ATTR_SET, MOUNT_ATTR_NODEV)                    \
        X("nodiratime", ATTR_SET, MOUNT_ATTR_NODIRATIME)          \
        X("noexec", ATTR_SET, MOUNT_ATTR_NOEXEC)                  \
        X("noiversion", NOTHING, 0)                               \
        X("nolazytime", SUPERBLOCK_CLEAR, SB_LAZYTIME)            \
        X("nomand", SUPERBLOCK_CLEAR, SB_MAND)                    \
        X("norelatime", ATIME_MODE, MOUNT_ATTR_RELATIME)          \
        X("nostrictatime", ATIME_MODE, MOUNT_ATTR_RELATIME)       \
        X("nosuid", ATTR_SET, MOUNT_ATTR_NOSUID)                  \
        X("nosymfollow", ATTR_SET, MOUNT_ATTR_NOSYMFOLLOW)        \
        X("private", PROPAGATION, MS_PRIVATE)                     \
        X("ratime", REC_ATIME_MODE, MOUNT_ATTR_RELATIME)          \
        X("rbind", BIND_RECURSIVE, 0)                             \
        X("rdev", REC_ATTR_CLEAR, MOUNT_ATTR_NODEV)               \
        X("rdiratime", REC_ATTR_CLEAR, MOUNT_ATTR_NODIRATIME)     \
        X("relatime", ATIME_MODE, MOUNT_ATTR_RELATIME)            \
        X("remount", REMOUNT, 0)                                  \
        X("rexec", REC_ATTR_CLEAR, MOUNT_ATTR_NOEXEC)             \
        X("ridmap", IDMAP_RECURSIVE, 0)                           \
        X("rnoatime", REC_ATIME_MODE, MOUNT_ATTR_NOATIME)         \
        X("rnodev", REC_ATTR_SET, MOUNT_ATTR_NODEV)               \
        X("rnodiratime", REC_ATTR_SET, MOUNT_ATTR_NODIRATIME)     \
        X("rnoexec", REC_ATTR_SET, MOUNT_ATTR_NOEXEC)             \
        X("rnorelatime", REC_ATIME_MODE, MOUNT_ATTR_RELATIME)     \
        X("rnostrictatime", REC_ATIME_MODE, MOUNT_ATTR_RELATIME)  \
        X("rnosuid", REC_ATTR_SET, MOUNT_ATTR_NOSUID)             \
        X("rnosymfollow", REC_ATTR_SET, MOUNT_ATTR_NOSYMFOLLOW)   \
        X("ro", ATTR_SET, MOUNT_ATTR_RDONLY)                      \
        X("rprivate", PROPAGATION, MS_PRIVATE | MS_REC)           \
        X("rrelatime", REC_ATIME_MODE, MOUNT_ATTR_RELATIME)       \
        X("rro", REC_ATTR_SET, MOUNT_ATTR_RDONLY)                 \
        X("rrw", REC_ATTR_CLEAR, MOUNT_ATTR_RDONLY)               \
        X("rshared", PROPAGATION, MS_SHARED | MS_REC)             \
        X("rslave", PROPAGATION, MS_SLAVE | MS_REC)               \
        X("rstrictatime", REC_ATIME_MODE, MOUNT_ATTR_STRICTATIME) \
        X("rsuid", REC_ATTR_CLEAR, MOUNT_ATTR_NOSUID)             \
        X("rsymfollow", REC_ATTR_CLEAR, MOUNT_ATTR_NOSYMFOLLOW)   \
        X("runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC)     \
        X("rw", ATTR_CLEAR, MOUNT_ATTR_RDONLY)                    \
        X("shared", PROPAGATION, MS_SHARED)                       \
        X("silent", NOTHING, 0)                                   \
        X("slave", PROPAGATION, MS_SLAVE)                         \
        X("strictatime", ATIME_MODE, MOUNT_ATTR_STRICTATIME)      \
        X("suid", ATTR_CLEAR, MOUNT_ATTR_NOSUID)                  \
        X("symfollow", ATTR_CLEAR, MOUNT_ATTR_NOSYMFOLLOW)        \
        X("sync", SUPERBLOCK_SET, SB_SYNC)                        \
        X("tmpcopyup", TMPCOPYUP, 0)                              \
        X("unbindable", PROPAGATION, MS_UNBINDABLE)

struct option {
        const char *name;
        enum kind kind;
        uint32_t value;
};

#define OPTION_ROW(name, kind, value) { name, kind, value },
#define OPTION_NAME(name, kind, value) name,

static const struct option options[] = { MOUNT_OPTIONS(OPTION_ROW) };

const char *const oci_mount_options[] = { MOUNT_OPTIONS(OPTION_NAME) NULL };

static int option_compare(const void *name, const void *option)
{
        return strcmp(name, ((const struct option *)option)->name);
}

static void attr_set(uint64_t *set, uint64_t *clr, uint64_t bit)
{
        *set |= bit;
        *clr &= ~bit;
}

/* The access time modes are a number in a field: mount_setattr(2) wants the whole field cleared then. */
static void atime_set(uint64_t *set, uint64_t *clr, uint64_t mode)
{
        *set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | mode;
        *clr |= MOUNT_ATTR__ATIME;
}

/* The superblock flags that the options turned on and off. */
struct superblock {
        unsigned on, off;
};

static void option_apply(struct spec_mount *m, struct superblock *sb, const struct option *o)
{
        switch (o->kind) {
        case NOTHING:
                break;
        case ATTR_SET:
                attr_set(&m->attr_set, &m->attr_clr, o->value);
                break;
        case ATTR_CLEAR:
                attr_set(&m->attr_clr, &m->attr_set, o->value);
                break;
        case ATIME_MODE:
                atime_set(&m->attr_set, &m->attr_clr, o->value);
                break;
        case REC_ATTR_SET:
                attr_set(&m->rec_attr_set, &m->rec_attr_clr, o->value);
                break;
        case REC_ATTR_CLEAR:
                attr_set(&m->rec_attr_clr, &m->rec_attr_set, o->value);
                break;
        case REC_ATIME_MODE:
                atime_set(&m->rec_attr_set, &m->rec_attr_clr, o->value);
                break;
        case PROPAGATION:
                m->propagation = o->value;
                break;
        case SUPERBLOCK_SET:
                sb->on |= o->value;
                sb->off &= ~o->value;
                break;
        case SUPERBLOCK_CLEAR:
                sb->off |= o->value;
                sb->on &= ~o->value;
                break;
        case BIND_RECURSIVE:
                m->bind = m->bind_recursive = true;
                break;
        case BIND:
                m->bind = true;
                break;
        case IDMAP_RECURSIVE:
                m->idmap = m->idmap_recursive = true;
                break;
        case IDMAP:
                m->idmap = true;
                break;
        case REMOUNT:
                m->remount = true;
                break;
        case TMPCOPYUP:
                m->tmpcopyup = true;
                break;
        }
}

/* A bind has no superblock of its own, so nothing is said to it; a new one has all flags off already. */
static void superblock_add(struct spec_mount *m, const struct superblock *sb)
{
        if (m->bind)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(superblock_names); i++) {
                if (sb->on & 1U << i)
                        m->data.v[m->data.n++] = superblock_names[i].on;
                else if (m->remount && sb->off & 1U << i && superblock_names[i].off)
                        m->data.v[m->data.n++] = superblock_names[i].off;
        }
}

static int options_read(struct arena *a, struct json_object *o, struct spec_mount *m, struct error *err)
{
        struct superblock sb = {};
        struct str_list all = {};

        if (read_str_list(a, o, "options", &all, err) < 0)
                return -err->code;
        m->data.v = arena_alloc(a, all.n + ARRAY_SIZE(superblock_names) + 1, sizeof *m->data.v);
        if (!m->data.v)
                return no_memory(err);
        for (size_t i = 0; i < all.n; i++) {
                const struct option *known =
                        bsearch(all.v[i], options, ARRAY_SIZE(options), sizeof *options, option_compare);

                if (known)
                        option_apply(m, &sb, known);
                else if (*all.v[i])
                        m->data.v[m->data.n++] = all.v[i];
        }
        superblock_add(m, &sb);
        return 0;
}

static int mappings_read(struct arena *a, struct json_object *o, struct spec_mount *m, struct error *err)
{
        if (read_id_mappings(a, o, "uidMappings", &m->uid_mappings, err) < 0 ||
            read_id_mappings(a, o, "gidMappings", &m->gid_mappings, err) < 0)
                return -err->code;
        if (!m->uid_mappings.n != !m->gid_mappings.n)
                return error_set(err, EINVAL, "%s: must be given too",
                                 m->uid_mappings.n ? "gidMappings" : "uidMappings");
        if (m->uid_mappings.n)
                m->idmap = true;
        return 0;
}

int mount_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_mount *m = ret;

        if (read_required(o, "destination", &m->destination, err) < 0 || read_string(o, "type", &m->type, err) < 0 ||
            read_string(o, "source", &m->source, err) < 0)
                return -err->code;
        m->bind = m->type && strcmp(m->type, "bind") == 0;
        if (options_read(a, o, m, err) < 0 || mappings_read(a, o, m, err) < 0)
                return -err->code;
        /* The kernel would ignore them, and the user rely on them. */
        if (m->bind && m->data.n)
                return error_set(err, EINVAL, "options: a bind mount cannot take \"%s\"", m->data.v[0]);
        return 0;
}
