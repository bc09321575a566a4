/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include "csi/rpc/map.h"

#define REPLY_NS_PER_SECOND 1000000000

void *reply_new(struct fl_arena *arena, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = fl_arena_alloc(arena, type->sizeof_message);

	type->message_init(message);
	return message;
}

int64_t reply_size(uint64_t bytes)
{
	return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

static Csi__V1__VolumeContentSource *reply_content(struct fl_arena *arena,
						   const struct content_source *content)
{
	Csi__V1__VolumeContentSource *message;

	if (content->kind == CONTENT_NONE)
		return NULL;
	message = reply_new(arena, &csi__v1__volume_content_source__descriptor);
	if (content->kind == CONTENT_SNAPSHOT) {
		message->type_case = CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_SNAPSHOT;
		message->snapshot = reply_new(
			arena, &csi__v1__volume_content_source__snapshot_source__descriptor);
		message->snapshot->snapshot_id = (char *)content->id;
	} else {
		message->type_case = CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_VOLUME;
		message->volume = reply_new(
			arena, &csi__v1__volume_content_source__volume_source__descriptor);
		message->volume->volume_id = (char *)content->id;
	}
	return message;
}

Csi__V1__Volume *reply_volume(struct fl_arena *arena, const struct reply_volume *volume)
{
	Csi__V1__Volume *message = reply_new(arena, &csi__v1__volume__descriptor);

	message->volume_id = (char *)volume->id;
	message->capacity_bytes = reply_size(volume->size_bytes);
	message->content_source = reply_content(arena, &volume->content);
	message->n_accessible_topology = volume->topology.n;
	message->accessible_topology = topology_reply_list(arena, &volume->topology);
	return message;
}

Csi__V1__Snapshot *reply_snapshot(struct fl_arena *arena, const struct reply_snapshot *snapshot)
{
	Csi__V1__Snapshot *message = reply_new(arena, &csi__v1__snapshot__descriptor);

	message->snapshot_id = (char *)snapshot->id;
	message->source_volume_id = (char *)snapshot->volume_id;
	message->size_bytes = reply_size(snapshot->size_bytes);
	message->creation_time = reply_time(arena, snapshot->created_ns);
	message->ready_to_use = snapshot->ready;
	message->n_accessible_topology = snapshot->topology.n;
	message->accessible_topology = topology_reply_list(arena, &snapshot->topology);
	if (snapshot->group_id)
		message->group_snapshot_id = (char *)snapshot->group_id;
	return message;
}

Google__Protobuf__Timestamp *reply_time(struct fl_arena *arena, int64_t wall_ns)
{
	Google__Protobuf__Timestamp *message =
		reply_new(arena, &google__protobuf__timestamp__descriptor);

	message->seconds = wall_ns / REPLY_NS_PER_SECOND;
	message->nanos = (int32_t)(wall_ns % REPLY_NS_PER_SECOND);
	/* Before 1970 the division rounds up, but nanos must not be negative. */
	if (message->nanos < 0) {
		message->nanos += REPLY_NS_PER_SECOND;
		message->seconds--;
	}
	return message;
}

Google__Protobuf__Int64Value *reply_number(struct fl_arena *arena, uint64_t number)
{
	Google__Protobuf__Int64Value *message =
		reply_new(arena, &google__protobuf__int64_value__descriptor);

	message->value = reply_size(number);
	return message;
}

Google__Protobuf__BoolValue *reply_bool(struct fl_arena *arena, bool value)
{
	Google__Protobuf__BoolValue *message =
		reply_new(arena, &google__protobuf__bool_value__descriptor);

	message->value = value;
	return message;
}

Csi__V1__VolumeUsage *reply_usage(struct fl_arena *arena, const struct reply_usage *usage)
{
	Csi__V1__VolumeUsage *message = reply_new(arena, &csi__v1__volume_usage__descriptor);

	message->unit = usage->inodes ? CSI__V1__VOLUME_USAGE__UNIT__INODES
				      : CSI__V1__VOLUME_USAGE__UNIT__BYTES;
	message->total = reply_size(usage->total);
	message->used = reply_size(usage->used);
	message->available = reply_size(usage->available);
	return message;
}

Csi__V1__Topology *reply_topology(struct fl_arena *arena, const struct fl_pair *segments,
				  size_t n_segments)
{
	Csi__V1__Topology *message = reply_new(arena, &csi__v1__topology__descriptor);

	message->n_segments = n_segments;
	message->segments = rpc_map_entries(arena, &csi__v1__topology__segments_entry__descriptor,
					    segments, n_segments);
	return message;
}
