/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the recipes' writer and reader. */
#pragma once

#define RECIPE_MAGIC "holt tar recipe 1\n"

enum { RECIPE_NUMBER_MAX = 10 }; /* bytes of a 64-bit number */

enum { RECIPE_BYTES = 'B', RECIPE_FILE = 'D', RECIPE_EXTENTS = 'E', RECIPE_END = 'Z' };
