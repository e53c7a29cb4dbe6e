/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's unit properties, a(sv) in D-Bus' words, that say what a specification says. */
#pragma once

#include "base/buf.h"
#include "container/cgroup.h"

/* Each appends one property to the array. */
void property_add_string(struct buf *b, const char *name, const char *value);
void property_add_bool(struct buf *b, const char *name, bool value);
void property_add_u64(struct buf *b, const char *name, uint64_t value);
void property_add_string_list(struct buf *b, const char *name, const char *value); /* of one string */
void property_add_pid(struct buf *b, pid_t pid);                                   /* PIDs */

/*
 * The properties for resources. `version` is systemd's: what that version does not know is left to
 * the files, which cgroup_apply() writes in any case. Without `devices` their rules are left away.
 */
int properties_add_resources(struct buf *b, const struct cgroup *cg, const struct spec_resources *res, unsigned version,
                             bool devices, struct error *err);

/*
 * One property from an annotation "org.systemd.property.NAME": VALUE, where the value is in GVariant's text form:
 * 'text', true, 12, 1.5, uint64 12, @t 12, ['a', 'b']. Other annotations add nothing. A number of seconds
 * ("...Sec") becomes what systemd has over D-Bus: microseconds ("...USec").
 */
int property_add_annotation(struct buf *b, const struct str_pair *annotation, struct error *err);

/* "1,3-5" as a bit mask, least byte first; a malloc'ed array. -EINVAL, -ENOMEM. */
int cpu_list_to_bits(const char *list, uint8_t **ret, size_t *ret_n);
