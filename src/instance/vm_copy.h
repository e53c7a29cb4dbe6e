/* SPDX-License-Identifier: Apache-2.0 */
/* Private to copy.c: the side of a copy that is in a guest, found, read and written by its agent. */
#pragma once

#include "instance/copy_side.h"
#include "instance/vm_errand.h"

int vm_copy_find_source(const struct copy_side *s, bool follow, struct copy_source *ret, struct error *err);
int vm_copy_find_target(const struct copy_side *s, struct copy_target *ret, struct error *err);

/* Begins it. */
int vm_copy_archive(const struct copy_side *s, const char *as, bool follow, struct vm_errand *ret, struct error *err);
/* only: as in tar_extract.h. */
int vm_copy_extract(const struct copy_side *s, const char *base, tar_read read, void *userdata, const char *only,
                    struct error *err);
