/* SPDX-License-Identifier: Apache-2.0 */
/* Access: which uses of a volume its pool allows. */
#pragma once

#include "controller.h"
#include "csi/capability.h"

/* Several nodes may have a volume of this pool at once: they reach it, and the configuration says
 * that those who attach it bring their own safety (multi_attach: trust). */
bool access_is_shared(const struct controller *c, const struct fl_pool *pool);

/* FL_INVALID names the first of the n capabilities that the pool does not allow, and why.  Whatever
 * the pool allows: a file system that somebody writes is on one node only. */
int access_check(const struct controller *c, const struct fl_pool *pool,
		 const struct capability *capabilities, size_t n, struct fl_error *err)
	fl_must_check;
