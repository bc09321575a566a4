/* SPDX-License-Identifier: Apache-2.0 */
/* Roll: which volumes of a pool are attached to a node, in one record of the pool, so that they are
 * counted without a look at every volume.
 *
 * The owner records alone say what is so.  The roll names every volume that they give to the node,
 * and perhaps more: a volume is entered with a claim before its owner record is written, and struck
 * off after.  What a crash left too many is found when somebody prunes the roll; a claim that
 * stands is left alone, and each entering writes the record, so a prune that decided on an
 * older one loses the compare-and-swap.
 *
 * A roll that is not there is made by a look at every owner record, once.  A pool whose backend
 * keeps no records of its own has none, and is looked at each time. */
#pragma once

#include "object.h"

/* Enters the volume with a claim.  These three are for pools that keep records of their own. */
int roll_claim(const struct fl_op *op, const struct object *volume, const char *node,
	       struct fl_error *err) fl_must_check;
/* Its owner record is written: the claim becomes an attachment.  *ret_was_lost: the claim had
 * ended, and been struck off. */
int roll_settle(const struct fl_op *op, const struct object *volume, const char *node,
		bool *ret_was_lost, struct fl_error *err) fl_must_check;
/* Takes it off; absent is success. */
int roll_strike(const struct fl_op *op, const struct object *volume, const char *node,
		struct fl_error *err) fl_must_check;

/* How many volumes of the pool the node has at most; with `prune`, after those were struck off that
 * it surely does not have. */
int roll_count(const struct fl_op *op, struct fl_pool *pool, const char *node, bool prune,
	       size_t *ret, struct fl_error *err) fl_must_check;

/* Nobody counts any more: what the roll does not hear of from now on, it must not be asked for. */
int roll_forget(const struct fl_op *op, struct fl_pool *pool, const char *node,
		struct fl_error *err) fl_must_check;
