/* SPDX-License-Identifier: Apache-2.0 */
/* Where the store is, or will be. */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "instance/doctor/doctor.h"

/* The path or the nearest directory above it that is there. */
int doctor_existing_place(const char *path, char ret[PATH_MAX]);

/* Why a file system is no place for the store; NULL: it is. magic: statfs(2)'s. */
const char *doctor_judge_file_system(int64_t magic);

/* bytes */
enum doctor_level doctor_judge_space(uint64_t left, uint64_t total);
