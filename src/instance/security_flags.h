/* SPDX-License-Identifier: Apache-2.0 */
/* --security-opt: what guards the host beside namespaces and capabilities. --privileged takes it all away. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"
#include "instance/options.h"

struct security { /* strings are the options' */
        bool no_new_privileges;
        bool no_seccomp;
        const char *seccomp; /* a profile's file; NULL: the default */
        bool no_apparmor;
        const char *apparmor;     /* a profile's name; NULL: the default */
        bool no_paths;            /* all of /proc and /sys is there */
        const char *proc_options; /* of the mount at /proc; NULL */
};

int security_flags_read(const struct instance_options *o, struct security *ret, struct error *err);

/* linux.maskedPaths and linux.readonlyPaths. */
void security_flags_write_paths(const struct instance_options *o, const struct security *s, struct json_writer *w);
