/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/namespace_flags.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/own.h"
#include "instance/flag_value.h"
#include "instance/user_range.h"

enum { PID = 1, IPC = 2, UTS = 4, CGROUP = 8 };

/* Which words which flags know. */
static const struct {
        const char *word;
        enum namespace_mode mode;
        unsigned flags;
} words[] = {
        { "host", NAMESPACE_HOST, PID | IPC | UTS | CGROUP },
        { "private", NAMESPACE_OWN, PID | IPC | UTS | CGROUP },
        { "shareable", NAMESPACE_SHAREABLE, IPC },
        { "none", NAMESPACE_NONE, IPC },
};

const char *namespace_flag_instance(const char *value)
{
        return value && strncmp(value, "container:", 10) == 0 ? value + 10 : NULL;
}

static int read_mode(const char *flag, const char *value, unsigned bit, enum namespace_mode *ret, struct error *err)
{
        const char *name = namespace_flag_instance(value);

        *ret = NAMESPACE_OWN;
        if (!value || !*value)
                return 0;
        if (name && bit & (PID | IPC)) {
                *ret = NAMESPACE_INSTANCE;
                return *name ? 0 : flag_refuse(flag, value, "whose?", err);
        }
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (bit & words[i].flags && strcmp(value, words[i].word) == 0) {
                        *ret = words[i].mode;
                        return 0;
                }
        }
        return flag_refuse(flag, value,
                           bit & (PID | IPC) ? "must be host, private, container:NAME" : "must be host or private",
                           err);
}

/* Files of an image that is mounted in a user's namespace cannot be shown as others' again. */
static int check_user(const char *value, struct error *err)
{
        if (!value || !*value || strcmp(value, "host") == 0)
                return 0;
        if (strcmp(value, "nomap") == 0 || strncmp(value, "keep-id", 7) == 0)
                return error_set(err, ENOTSUP,
                                 "--userns %s: the kernel maps the owners of a user's own mounts no second time; the "
                                 "instance's root is that user, whom --user can name",
                                 value);
        return flag_refuse("userns", value, "must be host, private, auto or auto:size=NUMBER", err);
}

/* Who has ids of his own has no rights in the namespaces of others. */
static int read_user(const struct instance_options *o, struct namespace_modes *m, struct error *err)
{
        const char *network = o->network ? o->network[0] : NULL;
        uint32_t size;
        int r = user_range_read_flag(o->userns, &size, err);

        if (r <= 0)
                return r < 0 ? r : check_user(o->userns, err);
        m->own_users = true;
        if (m->pid == NAMESPACE_INSTANCE || m->ipc == NAMESPACE_INSTANCE || namespace_flag_instance(network))
                return error_set(err, EINVAL, "--userns %s and a namespace of another instance do not go together",
                                 o->userns);
        return 0;
}

int namespace_flags_read(const struct instance_options *o, struct namespace_modes *ret, struct error *err)
{
        struct namespace_modes m = {};
        int r = read_mode("pid", o->pid, PID, &m.pid, err);

        if (r == 0)
                r = read_mode("ipc", o->ipc, IPC, &m.ipc, err);
        if (r == 0)
                r = read_mode("uts", o->uts, UTS, &m.uts, err);
        if (r == 0)
                r = read_mode("cgroupns", o->cgroupns, CGROUP, &m.cgroup, err);
        if (r == 0)
                r = read_user(o, &m, err);
        if (r < 0)
                return r;
        if (m.uts == NAMESPACE_HOST && (o->hostname || o->domainname))
                return error_set(err, EINVAL, "--%s and --uts host contradict each other",
                                 o->hostname ? "hostname" : "domainname");
        *ret = m;
        return 0;
}
