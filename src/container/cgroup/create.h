/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "container/cgroup.h"

/*
 * Makes the hierarchy's directory and what is missing above it, fit for processes to join; one that is there
 * is fine. 0 or -errno.
 */
int create_directory(struct cgroup_hierarchy *h, const struct spec *spec);
