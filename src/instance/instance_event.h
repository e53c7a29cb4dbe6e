/* SPDX-License-Identifier: Apache-2.0 */
/* Telling `events` what happened to an instance. */
#pragma once

#include "instance/instance.h"

/* With its name, image and labels. pairs: what else there is to say, as event.h has it; NULL. */
void instance_tell(const struct engine *e, const struct instance *i, const char *action, const char *const *pairs);
/* "start", of the time that its state says: its end may have been told by now. */
void instance_tell_start(const struct engine *e, const struct instance *i);
