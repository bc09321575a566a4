/* SPDX-License-Identifier: Apache-2.0 */
/* Expansion: makes a volume larger, at the storage and, where it is published on this machine, for
 * its users: kernel device, file system, running guest. */
#pragma once

#include "orchestrator.h"

/* `size_bytes` at least and `limit_bytes` (0: any) at most; *ret_bytes is the size now.  Never
 * shrinks; large enough already is success. */
int expansion_run(struct orchestrator *orchestrator, const char *volume, uint64_t size_bytes,
		  uint64_t limit_bytes, uint64_t *ret_bytes, struct fl_error *err) fl_must_check;
