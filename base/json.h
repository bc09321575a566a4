/* SPDX-License-Identifier: Apache-2.0 */
/* Json: jansson, and the few readers that give good errors.  The only file that includes
 * jansson.h; everybody else includes this one. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "op.h"

/* For fl_cleanup: json_decref of what the pointer points to. */
void fl_json_release(json_t **json);

/* Parses `size` bytes as one JSON object or array.  FL_INTERNAL with line and column when it is
 * none; nesting is limited to 64 levels.  `what` names the text in the error ("record owner of
 * volume a"). */
int fl_json_parse(const char *text, size_t size, const char *what, json_t **ret,
		  struct fl_error *err) fl_must_check;
/* Compact text with sorted keys, in the arena. */
const char *fl_json_dump(struct fl_arena *arena, const json_t *json);

/* Member `key` of an object: the value, or the given default when it is absent or null.  A value of
 * another type is FL_INTERNAL. */
int fl_json_text(const json_t *object, const char *key, const char *otherwise, const char **ret,
		 struct fl_error *err) fl_must_check;
int fl_json_number(const json_t *object, const char *key, int64_t otherwise, int64_t *ret,
		   struct fl_error *err) fl_must_check;
int fl_json_bool(const json_t *object, const char *key, bool otherwise, bool *ret,
		 struct fl_error *err) fl_must_check;
