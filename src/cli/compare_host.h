/* SPDX-License-Identifier: Apache-2.0 */
/* What a comparison was made on. */
#pragma once

#include "cli/compare.h"

/* Takes half a second: so long it is watched what others use of the processors. What cannot be read is "unknown", or 0.
 */
void compare_host_read(struct compare_host *ret);
