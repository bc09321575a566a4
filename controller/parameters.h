/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters: of a StorageClass or a snapshot class: ours, and the backend's own by its table.
 *
 * An unknown key is FL_INVALID and names the nearest one of both tables; keys of the orchestrator
 * (CONTEXT_ORCHESTRATOR) are passed over. */
#pragma once

#include "controller.h"

struct parameters {
	struct fl_pool *pool;
	bool thin;
	const char *mkfs_options; /* NULL: none */
	const void *backend;      /* the backend's own struct */
};

/* `pool` NULL: the one that parameter `pool` names, else the only one that is configured; with
 * several, FL_INVALID lists them. */
int parameters_read(const struct controller *c, struct fl_arena *arena, struct fl_pool *pool,
		    const struct fl_pair *pairs, size_t n_pairs, struct parameters *ret,
		    struct fl_error *err) fl_must_check;

/* Of CreateSnapshot: the backend's own struct. */
int parameters_read_snapshot(struct fl_arena *arena, const struct fl_pool *pool,
			     const struct fl_pair *pairs, size_t n_pairs, const void **ret,
			     struct fl_error *err) fl_must_check;
