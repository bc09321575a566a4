/* SPDX-License-Identifier: Apache-2.0 */
/* Value: what an option of each kind may be, and how its text becomes the member of a struct.  The
 * inside of config.h: nobody but option.c calls it. */
#pragma once

#include "config.h"

/* Reads `text` into *ret, whose type follows from `kind`.  The error is a phrase that goes on after
 * the name of the key: "must be an absolute path, not "x"". */
int fl_value_read(struct fl_arena *arena, enum fl_option_kind kind, const char *text, void *ret,
		  struct fl_error *err) fl_must_check;
/* For people: "size", "true|false". */
const char *fl_value_kind_name(enum fl_option_kind kind);
