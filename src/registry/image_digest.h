/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/store.h"

/*
 * Whether an image may be found by this digest: that of its manifest, or of an index in the store that leads to it. A
 * digest is what people pin an image by, so nobody's word is taken for it. -EPERM when it may not.
 */
int image_digest_check(struct store *s, const struct digest *d, const struct digest *manifest, struct error *err);
