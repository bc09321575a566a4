/* SPDX-License-Identifier: Apache-2.0 */
/* Group hold: the VMs whose volumes are cut together stand still meanwhile.
 *
 * Each VM is held by its launcher, which lets it go on by itself after GROUP_HOLD_MS, whatever
 * becomes of us; so what was cut counts only when every launcher says that its hold stood to the
 * end. */
#pragma once

#include "vmdisk.h"

#define GROUP_HOLD_MS 5000

struct group_hold {
	const struct controller *c;
	const struct fl_op *op;
	const char *name;     /* a safe name that no other hold has */
	const char **volumes; /* ids: one of each VM */
	size_t n;
	size_t n_asked; /* so many may stand still */
};

/* After success all of them stand still, from now until group_hold_end. */
int group_hold_take(struct group_hold *hold, struct fl_error *err) fl_must_check;
/* Lets all go on.  FL_BUSY unless every hold stood. */
int group_hold_end(struct group_hold *hold, struct fl_error *err) fl_must_check;
/* Lets go on who still stands.  A zeroed hold is fine.  For fl_cleanup. */
void group_hold_release(struct group_hold *hold);
