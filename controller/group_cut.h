/* SPDX-License-Identifier: Apache-2.0 */
/* Group cut: one attempt to snapshot several volumes at one moment.
 *
 * How a volume stands still for that moment follows from who uses it:
 *  - nobody: it is held by its owner record (keeper.h), and the kernel proves that nobody wrote
 *    (still.h);
 *  - a launcher: its VM stands still (group_hold.h);
 *  - a kernel device of this node: it does not.  Pools that cut make a snapshot of it that is as
 *    after a crash at its own moment; pools that copy refuse it.
 * A volume that is attached to another node is refused. */
#pragma once

#include "copy.h"
#include "group_hold.h"
#include "keeper.h"
#include "still.h"

struct group_cut_member {
	struct object volume;
	struct fl_snapshot_spec spec;
	bool owned;     /* attached to this node */
	const char *vm; /* that has it plugged in, or NULL */
	bool quiet;     /* nobody uses it */
	struct keeper keeper;
	struct still still;
	struct fl_copy copy;
};

struct group_cut {
	struct controller *c;
	struct fl_op *op;
	struct fl_pool *pool;
	const char *purpose; /* "CreateVolumeGroupSnapshot nightly" */
	struct group_cut_member *members;
	size_t n;
	struct controller *place; /* among those who copy (copy_enter) */
};

/* Finds out how each volume will stand still, and holds those that nobody uses.  Changes nothing
 * else: a volume that cannot take part is refused here. */
int group_cut_prepare(struct group_cut *cut, struct fl_error *err) fl_must_check;
/* Makes the snapshots.  After success all were cut at *ret_ns and are whole, but for copies that
 * QEMU completes.  After failure some may be there: they are worth nothing. */
int group_cut_run(struct group_cut *cut, int64_t *ret_ns, struct fl_error *err) fl_must_check;
/* Lets the volumes go; again is fine.  For fl_cleanup. */
void group_cut_release(struct group_cut *cut);
