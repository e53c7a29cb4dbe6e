/* SPDX-License-Identifier: Apache-2.0 */
/* Names of instances: ROOT/instances/NAME is a link to an id. `dir` is a descriptor of ROOT/instances. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "instance/instance.h"

/* 64 lower case hexadecimal digits. */
bool instance_is_id(const char *text);

int instance_make_id(char ret[INSTANCE_ID_LEN + 1], struct error *err);

/* Letters, digits and "_.-" behind a first letter or digit, as Docker has them; no id. -EINVAL. */
int instance_name_check(const char *name, struct error *err);

/* -EEXIST says whose it is. A link that leads nowhere, or to one that has another name, is
 * taken over. */
int instance_name_take(int dir, const char *name, const char *id, struct error *err);

/* A name that nobody has yet, as "brave_heron"; malloc'ed. */
int instance_name_invent(int dir, const char *id, char **ret, struct error *err);

/* Unless it leads to another by now. */
void instance_name_drop(int dir, const char *name, const char *id);

/* A name that leads to the id, or else the id itself: when its configuration cannot say it. malloc'ed; NULL: no memory.
 */
char *instance_name_find(int dir, const char *id);

/* Every name that leads to the id: when its configuration cannot say it. */
void instance_name_drop_all(int dir, const char *id);

/*
 * The id that a name, an id or the first digits of one mean. -ENOENT: "no such instance: X"; -EEXIST: several fit.
 */
int instance_name_resolve(int dir, const char *text, char ret[INSTANCE_ID_LEN + 1], struct error *err);
