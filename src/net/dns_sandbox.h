/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/*
 * holt-dns reads what strangers send: from here on it is nobody, without capabilities, and has only the system calls
 * that it needs. What it had open stays open.
 */
int dns_sandbox_enter(struct error *err);
