/* SPDX-License-Identifier: Apache-2.0 */
/* Names of signals. */
#pragma once

/*
 * Reads a number from 0 to SIGRTMAX, or a name in any case, with or without "SIG"; also
 * "RTMIN+n" and "RTMAX-n". The whole string counts. 0 or -EINVAL; *ret is untouched then.
 */
int signal_parse(const char *text, int *ret);
