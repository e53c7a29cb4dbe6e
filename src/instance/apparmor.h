/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AppArmor profile of instances that ask for no other, "holt-default": what Docker's allows and denies. It is
 * loaded by apparmor_parser(8) when an instance starts and the kernel does not have it. An ordinary user may load none,
 * and has none.
 */
#pragma once

#include "instance/engine.h"
#include "instance/options.h"

#define APPARMOR_PROFILE "holt-default"

/* For root of the host. Its name, if AppArmor is there and has it now; NULL. Why it cannot be had where AppArmor is
 * there is said once. */
const char *apparmor_default(const struct engine *e, const struct instance_options *o);

/* The same for who only wants to know: nothing is loaded. */
const char *apparmor_planned(const struct engine *e, const struct instance_options *o);
