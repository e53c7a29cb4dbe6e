/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a template's files. */
#pragma once

#include <stdint.h>

#include "base/sha256.h"

/* Of what is in the file. 0 or -errno. */
int template_digest_file(int fd, char ret[SHA256_HEX]);

/* Of the pages that are not zero, each with its number: holes make no difference. to: they are copied there; -1. */
int template_digest_memory(int fd, int to, char ret[SHA256_HEX]);

/* The modification time in ns. */
int64_t template_file_time(int fd);
