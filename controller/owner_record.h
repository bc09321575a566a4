/* SPDX-License-Identifier: Apache-2.0 */
/* Owner record: its JSON text. */
#pragma once

#include "owner.h"

/* Fills all but the version.  FL_INTERNAL for what is no owner record of a version that we know. */
int owner_parse(struct fl_arena *arena, const char *text, struct owner *ret, struct fl_error *err)
	fl_must_check;
const char *owner_format(struct fl_arena *arena, const struct owner *owner);
