/* SPDX-License-Identifier: Apache-2.0 */
/* Reply: our own types as parts of CSI answers, built in the call's arena.
 *
 * What is returned refers to the strings that were given: they live as long as the arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "convert.h"
#include "csi/csi.pb-c.h"
#include "csi/topology.h"

/* An empty message of that type. */
void *reply_new(struct fl_arena *arena, const ProtobufCMessageDescriptor *type);

struct reply_volume {
	const char *id;
	uint64_t size_bytes;
	struct content_source content;
	struct topology_list topology;
};
Csi__V1__Volume *reply_volume(struct fl_arena *arena, const struct reply_volume *volume);

struct reply_snapshot {
	const char *id;
	const char *volume_id;
	uint64_t size_bytes;
	int64_t created_ns; /* CLOCK_REALTIME */
	bool ready;
	const char *group_id; /* of the group snapshot it is a part of, or NULL */
	struct topology_list topology;
};
Csi__V1__Snapshot *reply_snapshot(struct fl_arena *arena, const struct reply_snapshot *snapshot);

Google__Protobuf__Timestamp *reply_time(struct fl_arena *arena, int64_t wall_ns);
Google__Protobuf__Int64Value *reply_number(struct fl_arena *arena, uint64_t number);
Google__Protobuf__BoolValue *reply_bool(struct fl_arena *arena, bool value);

/* One line of NodeGetVolumeStats. */
struct reply_usage {
	bool inodes; /* else bytes */
	uint64_t total;
	uint64_t used;
	uint64_t available;
};
Csi__V1__VolumeUsage *reply_usage(struct fl_arena *arena, const struct reply_usage *usage);

Csi__V1__Topology *reply_topology(struct fl_arena *arena, const struct fl_pair *segments,
				  size_t n_segments);

/* Above INT64_MAX, INT64_MAX: sizes on the wire are signed. */
int64_t reply_size(uint64_t bytes);
