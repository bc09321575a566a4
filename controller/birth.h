/* SPDX-License-Identifier: Apache-2.0 */
/* Birth: what a volume is made with, beside its size and its content, and compared with when it is
 * asked for again.
 *
 * The limits and the words for mkfs are records that the volume has from its first moment on: so
 * none is ever met without what it was asked for, and a repeat is never taken for a change. */
#pragma once

#include "modify.h"
#include "parameters.h"

struct birth {
	const struct parameters *parameters;
	const struct modify *modify; /* checked by modify_check, which made `limits` of it */
	const struct limits *limits;
};

/* Into spec->records.  FL_INVALID when the pool cannot keep them. */
int birth_write(struct fl_arena *arena, const struct birth *birth, struct fl_volume_spec *spec,
		struct fl_error *err) fl_must_check;

/* 0 when the volume, which is there, was made like that and has these limits now.  FL_EXISTS says
 * what differs; FL_NOT_FOUND: it is gone again. */
int birth_compare(const struct fl_op *op, const struct object *volume, const struct birth *birth,
		  struct fl_error *err) fl_must_check;

/* The same of the words for mkfs alone. */
int birth_compare_mkfs(const struct fl_op *op, const struct object *volume, const char *mkfs,
		       struct fl_error *err) fl_must_check;
