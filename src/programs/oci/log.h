/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where messages go. Errors and warnings: a line on standard error, and one in the file of --log, in the
 * form that containerd, podman and Docker read (logrus's). Debug messages: the log file, or
 * standard error when there is none. The file is opened only when there is something to say.
 */
#pragma once

#include "programs/oci/invocation.h"

void log_error(const struct invocation *inv, const char *message);
/* What went wrong without stopping anything. Nothing for a warning with the code 0. */
void log_warning(const struct invocation *inv, const struct error *warning);
void log_debug(const struct invocation *inv, const char *format, ...) __attribute__((format(printf, 2, 3)));
