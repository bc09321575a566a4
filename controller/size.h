/* SPDX-License-Identifier: Apache-2.0 */
/* Size: which sizes of a volume satisfy a capacity range. */
#pragma once

#include "csi/convert.h"

/* The least size to make, and the most (0: no limit), as multiples of 512; the least one is a
 * multiple of 4,096 wherever the range allows.  `content_bytes` is the size of what will be in it,
 * 0 for nothing: then, and without a required size, 1 GiB is made, or the limit where that is less.
 * FL_OUT_OF_RANGE names the sizes. */
int size_choose(const struct capacity_range *range, uint64_t content_bytes, uint64_t *ret_min,
		uint64_t *ret_max, struct fl_error *err) fl_must_check;
