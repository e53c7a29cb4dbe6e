/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong between instances, images, networks and templates, for `system check`. */
#pragma once

#include "instance/instance.h"

struct instance_checker {
        bool repair;
        bool content; /* what is in templates is looked at, too */
        void (*found)(void *userdata, const char *what, bool repaired);
        void *userdata;
};

/* Returns how many findings are left. What killed ones have left is swept before. */
int instance_check(struct engine *e, const struct instance_checker *c, struct error *err);
