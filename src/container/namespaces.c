/* SPDX-License-Identifier: Apache-2.0 */
#include "container/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/own.h"
#include "container/container.h"
#include "sys/fd.h"

enum { BEFORE_CLONE = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME };

static const char *type_name(int type)
{
        for (const struct name_value *n = oci_namespaces; n->name; n++) {
                if ((int)n->value == type)
                        return n->name;
        }
        return "unknown";
}

/* given: a descriptor of it, which goes before the path; -1. */
static int open_namespace(const struct spec_namespace *n, int given, struct namespaces *ns, struct error *err)
{
        own_fd int fd =
                given >= 0 ? fcntl(given, F_DUPFD_CLOEXEC, 3) : open(n->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        const char *name = given >= 0 ? "that was given" : n->path;
        int type;

        if (fd < 0)
                return error_errno(err, errno, "open %s namespace %s", type_name(n->type), name);
        type = ioctl(fd, NS_GET_NSTYPE);
        if (type < 0)
                return error_set(err, EINVAL, "%s is not a namespace", name);
        if (type != n->type)
                return error_set(err, EINVAL, "%s is a %s namespace, not a %s namespace", name, type_name(type),
                                 type_name(n->type));
        ns->join[ns->n_join].type = type;
        ns->join[ns->n_join++].fd = take_fd(&fd);
        ns->joined |= type;
        return 0;
}

/* -1: there is none, its path counts. */
static int find_given(const struct spec_namespace *n, const struct container_bundle *content)
{
        if (content && content->has_netns && n->type == CLONE_NEWNET)
                return content->netns;
        return container_given(content, n->path);
}

int namespaces_plan(const struct spec *spec, const struct container_bundle *content, struct namespaces *ret,
                    struct error *err)
{
        struct namespaces ns = {};
        int r;

        for (size_t i = 0; i < spec->linux_.n_namespaces; i++) {
                const struct spec_namespace *n = &spec->linux_.namespaces[i];

                int given = find_given(n, content);

                if (!n->path && given < 0) {
                        ns.create |= n->type;
                        continue;
                }
                r = ns.n_join == NAMESPACES_MAX ? error_set(err, E2BIG, "too many namespaces")
                                                : open_namespace(n, given, &ns, err);
                if (r < 0) {
                        namespaces_finish(&ns);
                        return r;
                }
        }
        *ret = ns;
        return 0;
}

void namespaces_finish(struct namespaces *ns)
{
        for (size_t i = 0; i < ns->n_join; i++)
                close(ns->join[i].fd);
        *ns = (struct namespaces){};
}

bool namespaces_has_new_user(const struct namespaces *ns)
{
        return ns->create & CLONE_NEWUSER;
}

bool namespaces_needs_stage(const struct namespaces *ns)
{
        int special = (ns->joined & CLONE_NEWPID) | ((ns->create | ns->joined) & CLONE_NEWTIME);

        return ns->joined & CLONE_NEWUSER || (special && ns->create & CLONE_NEWUSER);
}

int namespaces_joined_fd(const struct namespaces *ns, int type)
{
        for (size_t i = 0; i < ns->n_join; i++) {
                if (ns->join[i].type == type)
                        return ns->join[i].fd;
        }
        return -1;
}

int namespaces_join(const struct namespaces *ns, int types, struct error *err)
{
        for (size_t i = 0; i < ns->n_join; i++) {
                if (!(ns->join[i].type & types))
                        continue;
                if (setns(ns->join[i].fd, ns->join[i].type) < 0)
                        return error_errno(err, errno, "join %s namespace", type_name(ns->join[i].type));
        }
        return 0;
}

static int write_offsets(const struct spec_linux *l, struct error *err)
{
        const struct {
                const char *name;
                const struct spec_time_offset *offset;
        } clocks[] = { { "monotonic", &l->monotonic }, { "boottime", &l->boottime } };
        own_buf struct buf text = {};
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
                if (clocks[i].offset->set)
                        buf_addf(&text, "%s %lld %u\n", clocks[i].name, (long long)clocks[i].offset->secs,
                                 clocks[i].offset->nanosecs);
        }
        if (!text.len)
                return 0;
        r = fd_write_file_at(AT_FDCWD, "/proc/self/timens_offsets", buf_str(&text));
        return r < 0 ? error_errno(err, -r, "set the time namespace's offsets") : 0;
}

int namespaces_prepare_children(const struct namespaces *ns, const struct spec *spec, struct error *err)
{
        int r;

        if (ns->create & CLONE_NEWTIME) {
                if (unshare(CLONE_NEWTIME) < 0)
                        return error_errno(err, errno, "make a time namespace");
                r = write_offsets(&spec->linux_, err);
                if (r < 0)
                        return r;
        }
        return namespaces_join(ns, CLONE_NEWPID | CLONE_NEWTIME, err);
}

uint64_t namespaces_clone_flags(const struct namespaces *ns, bool user_done)
{
        uint64_t flags = (uint64_t)ns->create & ~(uint64_t)(CLONE_NEWTIME | CLONE_NEWCGROUP);

        return user_done ? flags & ~(uint64_t)CLONE_NEWUSER : flags;
}
