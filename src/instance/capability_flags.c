/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/capability_flags.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "oci/runtime_spec.h"

/* Docker's (moby: oci/caps/defaults.go). */
static const char *const default_capabilities[] = {
        "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
        "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
        "CAP_KILL",    "CAP_AUDIT_WRITE",
};

/* "net_admin", "CAP_NET_ADMIN" or "all". */
static int capability_bits(const char *name, uint64_t *ret, struct error *err)
{
        char full[40] = "CAP_";
        size_t at = strncasecmp(name, "CAP_", 4) == 0 ? 0 : 4, i;
        uint64_t bit;

        *ret = 0;
        if (strcasecmp(name, "all") == 0) {
                for (const struct name_value *c = oci_capabilities; c->name; c++)
                        *ret |= 1ULL << c->value;
                return 0;
        }
        for (i = 0; name[i] && at + i + 1 < sizeof full; i++)
                full[at + i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 0x20 : name[i]);
        full[at + i] = '\0';
        if (!name_value_find(oci_capabilities, full, &bit))
                return error_set(err, EINVAL, "there is no capability \"%s\"", name);
        *ret = 1ULL << bit;
        return 0;
}

/* "all" first, so that it can be dropped but for those that are added, and the other way round. */
static int change_capabilities(const char *const *names, bool all, bool add, uint64_t *caps, struct error *err)
{
        uint64_t bits;

        for (; names && *names; names++) {
                int r = capability_bits(*names, &bits, err);

                if (r < 0)
                        return r;
                if (all == (strcasecmp(*names, "all") == 0))
                        *caps = add ? *caps | bits : *caps & ~bits;
        }
        return 0;
}

static uint64_t all_of(const char *const *names, size_t n)
{
        uint64_t caps = 0, bits;

        for (size_t i = 0; i < n; i++) {
                if (capability_bits(names[i], &bits, NULL) == 0)
                        caps |= bits;
        }
        return caps;
}

int capability_flags_read(const struct instance_options *o, uint64_t *ret, struct error *err)
{
        static const char *const all[] = { "all" };
        uint64_t caps = o->privileged ? all_of(all, ARRAY_SIZE(all))
                                      : all_of(default_capabilities, ARRAY_SIZE(default_capabilities));
        int r = 0;

        for (int pass = 1; r == 0 && pass >= 0; pass--) {
                r = change_capabilities(o->cap_drop, pass, false, &caps, err);
                if (r == 0)
                        r = change_capabilities(o->cap_add, pass, true, &caps, err);
        }
        if (r < 0)
                return r;
        *ret = caps;
        return 0;
}

static void write_set(const char *name, uint64_t caps, struct json_writer *w)
{
        json_begin_array(w, name);
        for (const struct name_value *c = oci_capabilities; c->name; c++) {
                if (caps & 1ULL << c->value)
                        json_write_string(w, NULL, c->name);
        }
        json_end_array(w);
}

void capability_flags_write(uint64_t capabilities, uint32_t uid, struct json_writer *w)
{
        uint64_t own = uid ? 0 : capabilities;

        json_begin_object(w, "capabilities");
        write_set("bounding", capabilities, w);
        write_set("effective", own, w);
        write_set("permitted", own, w);
        json_end_object(w);
}
