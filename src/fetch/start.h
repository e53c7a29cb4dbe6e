/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * Before the sandbox: loads what libraries load late (isa-l, libcrypto's tables and, with the network, libcurl's TLS
 * and the C library's name services), as long as their files can be opened. One thread.
 */
int start_libraries(bool network, struct error *err);
