/* SPDX-License-Identifier: Apache-2.0 */
#include "node/uuid.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "node/content.h"

#define UUID_CHANGING "changing:"
#define UUID_BYTES 16
#define UUID_LENGTH 36

/* A random one (RFC 4122, version 4). */
static int uuid_new(struct fl_arena *arena, const char **ret, struct fl_error *err)
{
	unsigned char b[UUID_BYTES];
	char *text = fl_arena_alloc(arena, UUID_LENGTH + 1);
	size_t n = 0;

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return fl_error_set(err, FL_UNAVAILABLE, "no random bytes for a UUID");
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[n++] = '-';
		n += (size_t)snprintf(text + n, 3, "%02x", b[i]);
	}
	*ret = text;
	return 0;
}

static int uuid_record(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		       struct fl_record *ret, struct fl_error *err)
{
	*ret = (struct fl_record){ 0, "" };
	return pool->backend->records
		       ? fl_volume_record_get(pool, op, handle, FL_RECORD_UUID, ret, err)
		       : 0;
}

static int uuid_store(const struct fl_op *op, const struct format_target *target,
		      struct fl_record *record, const char *value, struct fl_error *err)
{
	return fl_volume_record_set(target->pool, op, target->handle, FL_RECORD_UUID,
				    record->version, value, &record->version, err);
}

/* The record says "changing:" and the UUID: makes it so, and proves it. */
static int uuid_finish(const struct fl_op *op, const struct format_target *target,
		       const struct connection *connection, struct fl_record *record, bool again,
		       struct fl_error *err)
{
	const char *uuid = record->value + strlen(UUID_CHANGING);
	struct content content;

	fl_op_step(op, "giving the file system a UUID of its own", 0, 0);
	if (filesystem_uuid(target->type)->set(op, connection, uuid, again, err) < 0 ||
	    content_probe(op, connection->path, &content, err) < 0)
		return fl_error_prefix(err, "volume %s", target->volume_id);
	if (strcmp(content.uuid, uuid) != 0)
		return fl_error_set(
			err, FL_INTERNAL, "the %s of volume %s should have UUID %s and has \"%s\"",
			filesystem_name(target->type), target->volume_id, uuid, content.uuid);
	return uuid_store(op, target, record, uuid, err);
}

/* Nothing is recorded yet: a volume that was made blank has the UUID that mkfs gave it. */
static int uuid_begin(const struct fl_op *op, const struct format_target *target,
		      const struct connection *connection, struct fl_record *record,
		      struct fl_error *err)
{
	struct fl_volume volume;
	const char *uuid = "";
	bool can;

	if (fl_volume_get(target->pool, op, target->handle, &volume, err) < 0)
		return -1;
	if (volume.content.kind == FL_CONTENT_BLANK)
		return 0;
	if (filesystem_uuid(target->type)->prepare(op, connection, &can, err) < 0)
		return fl_error_prefix(err, "volume %s", target->volume_id);
	if (!can)
		return 0;
	if (uuid_new(op->arena, &uuid, err) < 0)
		return -1;
	record->value = fl_arena_printf(op->arena, UUID_CHANGING "%s", uuid);
	if (uuid_store(op, target, record, record->value, err) < 0)
		return -1;
	return uuid_finish(op, target, connection, record, false, err);
}

int uuid_prepare(const struct fl_op *op, const struct format_target *target,
		 const struct connection *connection, struct fl_error *err)
{
	struct fl_record record;

	if (target->read_only || !filesystem_uuid(target->type) || !target->pool->backend->records)
		return 0;
	if (uuid_record(op, target->pool, target->handle, &record, err) < 0)
		return -1;
	if (record.version == 0)
		return uuid_begin(op, target, connection, &record, err);
	if (!fl_text_starts_with(record.value, UUID_CHANGING))
		return 0;
	if (strlen(record.value) != strlen(UUID_CHANGING) + UUID_LENGTH)
		return fl_error_set(err, FL_INTERNAL, "record uuid of volume %s is damaged",
				    target->volume_id);
	return uuid_finish(op, target, connection, &record, true, err);
}

int uuid_check_settled(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		       struct fl_error *err)
{
	struct fl_record record;

	if (uuid_record(op, pool, handle, &record, err) < 0)
		return -1;
	if (fl_text_starts_with(record.value, UUID_CHANGING))
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is just getting a UUID of its own for its file "
				    "system, which was cut off: stage it as a file system once",
				    handle);
	return 0;
}
