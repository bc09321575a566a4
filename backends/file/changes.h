/* SPDX-License-Identifier: Apache-2.0 */
/* Changes: what is told of a snapshot's blocks, and the comparison of two snapshots. */
#pragma once

#include "backends/backend.h"

/* Tells extents to whoever asked: neighbours as one, unless that grows large, and a sign of life
 * when there has been nothing to tell for long. */
struct file_teller {
	fl_extent_see *see;
	void *cookie;
	struct fl_extent run; /* found and not told yet */
	uint64_t said_us;     /* when `see` was called last */
	bool ended;           /* nobody wants more */
};

/* In ascending order. */
void file_teller_add(struct file_teller *teller, uint64_t offset, uint64_t bytes);
/* All before `at` has been looked at; true: nobody wants more. */
bool file_teller_reached(struct file_teller *teller, uint64_t at);

struct file_compare {
	const struct fl_op *op;
	int base_fd;
	int target_fd;
	uint64_t from;
	uint64_t size; /* of the target */
	struct file_teller *teller;
};

/* Tells the blocks of 4 KiB (of what the extents leave of them at their ends) whose bytes
 * differ. */
int file_compare_run(struct file_compare *compare, struct fl_error *err) fl_must_check;
