/* SPDX-License-Identifier: Apache-2.0 */
#include "list_status.h"

#include <string.h>

#include "csi/health.h"
#include "csi/reply.h"

Csi__V1__ListVolumesResponse__VolumeStatus *list_status_of_owner(struct fl_arena *arena,
								 const struct fl_pool *pool,
								 const struct fl_health *health,
								 const struct owner *owner)
{
	Csi__V1__ListVolumesResponse__VolumeStatus *status =
		reply_new(arena, &csi__v1__list_volumes_response__volume_status__descriptor);

	status->published_node_ids =
		fl_arena_array(arena, owner->n_attachments + 1, sizeof(char *));
	for (size_t i = 0; i < owner->n_attachments; i++)
		status->published_node_ids[status->n_published_node_ids++] =
			(char *)owner->attachments[i].node;
	if (pool->backend->health)
		status->volume_condition = health_condition(arena, health);
	return status;
}

/* FNV-1a. */
static size_t list_status_place(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash % LIST_STATUS_TEXTS;
}

Csi__V1__ListVolumesResponse__VolumeStatus *list_status_of_record(struct list_statuses *statuses,
								  struct fl_arena *arena,
								  const struct fl_pool *pool,
								  const struct fl_health *health,
								  const struct fl_record *record)
{
	bool is_plain = record->version && health->n == 0;
	size_t place = list_status_place(record->value);
	const char *text = statuses->known[place].text;
	Csi__V1__ListVolumesResponse__VolumeStatus *status;
	struct fl_error damage;
	struct owner owner;

	if (is_plain && text && strcmp(text, record->value) == 0)
		return statuses->known[place].status;
	if (owner_record_parse(arena, record, "", &owner, &damage) < 0)
		return NULL;
	status = list_status_of_owner(arena, pool, health, &owner);
	if (is_plain) {
		statuses->known[place].text = fl_arena_strdup(arena, record->value);
		statuses->known[place].status = status;
	}
	return status;
}
