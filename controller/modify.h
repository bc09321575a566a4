/* SPDX-License-Identifier: Apache-2.0 */
/* Modify: mutable parameters of requests, which are limits (csi/limits.h). */
#pragma once

#include "csi/limits.h"
#include "object.h"

struct modify {
	struct fl_arena *arena;
	const struct fl_pair *pairs;
	size_t n;
};

/* From the map field `mutable_parameters` of a request. */
int modify_read(struct fl_arena *arena, const void *entries, size_t n_entries, struct modify *ret,
		struct fl_error *err) fl_must_check;
/* The limits of a new volume; FL_INVALID for what the pool does not know or cannot keep. */
int modify_check(const struct fl_pool *pool, const struct modify *modify, struct limits *ret,
		 struct fl_error *err) fl_must_check;
/* 0 when the volume has these limits now, FL_EXISTS when it has others; those that are not named do
 * not matter. */
int modify_compare(const struct fl_op *op, const struct object *volume, const struct modify *modify,
		   struct fl_error *err) fl_must_check;
