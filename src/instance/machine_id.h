/* SPDX-License-Identifier: Apache-2.0 */
/* machine-id(5): who a clone is to its programs. */
#pragma once

#include "instance/instance.h"

enum { MACHINE_ID_LEN = 32 };

/* A random one, with a newline and a NUL behind it. 0 or -errno. */
int machine_id_make(char ret[MACHINE_ID_LEN + 2]);

/* A new one for a machine, whose own guest writes it as the first thing on its disk. */
int machine_id_note(const struct instance *i, struct error *err);
