/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate (RFC 9110, section 11.6.1): what a server wants to see. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct challenge {
        bool basic, bearer;
        char *realm, *service, *scope; /* of the first Bearer; NULL when absent */
};

void challenge_finish(struct challenge *c);
#define own_challenge __attribute__((cleanup(challenge_finish)))

/* Adds one header's challenges. -EPROTO for what is none, and for a Bearer without a realm. */
int challenge_read(const char *header, struct challenge *c, struct error *err);
