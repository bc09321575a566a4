/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <string.h>

#include "reply.h"

static const Csi__V1__VolumeHealthErrorType health_volume_types[] = {
	[FL_HEALTH_DEGRADED] = CSI__V1__VOLUME_HEALTH_ERROR_TYPE__DEGRADED,
	[FL_HEALTH_INACCESSIBLE] = CSI__V1__VOLUME_HEALTH_ERROR_TYPE__INACCESSIBLE,
	[FL_HEALTH_DATA_LOSS] = CSI__V1__VOLUME_HEALTH_ERROR_TYPE__DATA_LOSS,
};
static const Csi__V1__StorageHealthErrorType health_storage_types[] = {
	[FL_HEALTH_DEGRADED] = CSI__V1__STORAGE_HEALTH_ERROR_TYPE__STORAGE_DEGRADED,
	[FL_HEALTH_INACCESSIBLE] = CSI__V1__STORAGE_HEALTH_ERROR_TYPE__STORAGE_UNREACHABLE,
};

Csi__V1__VolumeHealth *health_reply(struct fl_arena *arena, const char *volume_id,
				    const struct fl_health *health)
{
	Csi__V1__VolumeHealth *message = reply_new(arena, &csi__v1__volume_health__descriptor);

	message->volume_id = (char *)volume_id;
	message->n_health_statuses = health->n;
	message->health_statuses =
		fl_arena_array(arena, health->n + 1, sizeof(*message->health_statuses));
	for (size_t i = 0; i < health->n; i++) {
		Csi__V1__VolumeHealth__VolumeHealthEntry *entry =
			reply_new(arena, &csi__v1__volume_health__volume_health_entry__descriptor);

		entry->status = health_volume_types[health->entries[i].status];
		entry->reason = (char *)health->entries[i].reason;
		entry->message = (char *)health->entries[i].message;
		message->health_statuses[i] = entry;
	}
	return message;
}

Csi__V1__NodeGetStorageHealthResponse__StorageBackendHealth *health_reply_storage(
	struct fl_arena *arena, const char *pool, const struct fl_health_entry *entry)
{
	Csi__V1__NodeGetStorageHealthResponse__StorageBackendHealth *message = reply_new(
		arena,
		&csi__v1__node_get_storage_health_response__storage_backend_health__descriptor);

	message->status = health_storage_types[entry->status];
	message->reason = (char *)entry->reason;
	message->message = fl_arena_printf(arena, "pool %s: %s", pool, entry->message);
	return message;
}

Csi__V1__VolumeCondition *health_condition(struct fl_arena *arena, const struct fl_health *health)
{
	static Csi__V1__VolumeCondition well = {
		PROTOBUF_C_MESSAGE_INIT(&csi__v1__volume_condition__descriptor),
		.message = (char *)"the volume is healthy",
	};
	Csi__V1__VolumeCondition *condition;
	const char *text = "";

	if (health->n == 0)
		return &well;
	condition = reply_new(arena, &csi__v1__volume_condition__descriptor);
	for (size_t i = 0; i < health->n; i++)
		text = fl_arena_printf(arena, "%s%s%s: %s", text, i ? "; " : "",
				       health->entries[i].reason, health->entries[i].message);
	condition->abnormal = true;
	condition->message = (char *)text;
	return condition;
}

struct fl_health health_copy(struct fl_arena *arena, const struct fl_health *health)
{
	struct fl_health copy = { 0 };

	for (size_t i = 0; i < health->n; i++) {
		const struct fl_health_entry *entry = &health->entries[i];

		fl_health_add(arena, &copy, entry->status, fl_arena_strdup(arena, entry->reason),
			      "%s", entry->message);
	}
	return copy;
}

static bool health_has(const struct fl_health *health, const struct fl_health_entry *wanted)
{
	for (size_t i = 0; i < health->n; i++)
		if (health->entries[i].status == wanted->status &&
		    strcmp(health->entries[i].reason, wanted->reason) == 0)
			return true;
	return false;
}

void health_merge(struct fl_arena *arena, struct fl_health *health, const struct fl_health *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (!health_has(health, &more->entries[i]))
			fl_health_add(arena, health, more->entries[i].status,
				      more->entries[i].reason, "%s", more->entries[i].message);
}
