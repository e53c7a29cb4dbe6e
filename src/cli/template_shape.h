/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Docker's types know and JSON does not say: that Labels is a map, in which anything may be absent, while Config
 * has certain members, so that another's name is a mistake; that null stands for an empty list; that Health is a member
 * even where it is left out. It goes by the name of the member.
 */
#pragma once

#include "cli/template_value.h"

/* A map with keys of people's own; v is an object or null. */
bool template_is_open_map(const struct template_value *v);

/* Absent means null for it. */
bool template_is_optional(const char *name);

/* "[]" or "map[]" for null in the place of a list or map, else `otherwise`. */
const char *template_null_text(const struct template_value *v, const char *otherwise);
