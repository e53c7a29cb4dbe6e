/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

enum { OWNER_NAME_MAX = 256 };

/* The user's name on this host; "#UID" where it has none, as runc says it. */
void owner_name(uid_t uid, char ret[OWNER_NAME_MAX]);
