/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata: a stream of the blocks that a snapshot holds, or that two snapshots do not share.
 *
 * It goes by looks at the storage.  What one has found is sent with nothing held, so that a slow
 * reader delays nobody but itself, and memory does not grow with the stream. */
#pragma once

#include "object.h"

#define METADATA_BLOCKS 4096 /* that a look finds, and that a message has, at most */

struct metadata_snapshot {
	struct object object; /* pool NULL: not given */
	struct fl_snapshot is;
};

struct metadata {
	struct controller *c;
	struct rpc_call *call;
	struct metadata_snapshot base; /* not given: what is allocated in the target */
	struct metadata_snapshot target;
	uint64_t offset; /* where the next look begins */
	size_t max;      /* blocks in a message */
	bool has_sent;

	/* One look. */
	struct fl_op op; /* with an arena of its own */
	struct fl_extent *blocks;
	size_t n;
	uint64_t since_us;
	uint64_t reached; /* all before it has been looked at */
	bool more;        /* ended there, before the end of the target */
};

/* Streams from metadata->offset to the end; the fields up to `max` are set. */
int metadata_stream(struct metadata *metadata, struct fl_error *err) fl_must_check;
