/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>

/*
 * The code of an error that lies in the command line itself, wherever it is noticed: an option that is unknown, a value
 * that makes no sense. Nothing that is called here fails with it.
 */
enum { EMISUSED = EBADRQC };
