/* SPDX-License-Identifier: Apache-2.0 */
/* Request: a CSI request written as words, right or wrong, for tests that ask by tables.
 *
 *	Controller.CreateVolume name=a volume_capabilities={mount.fs_type=ext4,access_mode.mode=1}
 *
 * A repeated field takes one more element each time it is named; a map's entry is {key=…,value=…};
 * several fields of one message are given together, in braces. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "csi/rpc/client.h"

/* `method` is SERVICE.METHOD, with the service's short name; `words` are FIELD=VALUE.  The message
 * lives in the arena.  FL_INVALID when the words make no request. */
int request_read(struct fl_arena *arena, const char *method, const char *const words[],
		 size_t n_words, struct rpc_request *ret, struct fl_error *err) fl_must_check;

/* The same from one line, with words parted by single spaces. */
int request_read_line(struct fl_arena *arena, const char *line, struct rpc_request *ret,
		      struct fl_error *err) fl_must_check;
