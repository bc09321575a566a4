/* SPDX-License-Identifier: Apache-2.0 */
#include "node/format.h"

#include <string.h>

#include "csi/mkfs.h"
#include "node/content.h"
#include "node/uuid.h"

/* The record; a pool that keeps none, and a volume that has none, is "raw": nobody knows. */
static int format_record(const struct fl_op *op, struct fl_pool *pool, const char *handle,
			 struct fl_record *ret, struct fl_error *err)
{
	if (!pool->backend->records) {
		ret->version = 0;
		ret->value = FL_FORMAT_RAW;
		return 0;
	}
	if (fl_volume_record_get(pool, op, handle, FL_RECORD_FORMAT, ret, err) < 0)
		return -1;
	if (ret->version == 0)
		ret->value = FL_FORMAT_RAW;
	return 0;
}

static int format_set(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		      struct fl_record *record, const char *value, struct fl_error *err)
{
	uint64_t version;

	if (strcmp(record->value, value) == 0)
		return 0;
	if (fl_volume_record_set(pool, op, handle, FL_RECORD_FORMAT, record->version, value,
				 &version, err) < 0)
		return -1;
	record->version = version;
	record->value = value;
	return 0;
}

/* A record that allows mkfs under no circumstances. */
static bool format_is_settled(const struct fl_record *record)
{
	return strcmp(record->value, FL_FORMAT_NEVER) != 0 &&
	       !fl_text_starts_with(record->value, FL_FORMAT_MAKING);
}

/* They were kept when the volume was made, unless the caller brings some. */
static int format_words(const struct fl_op *op, const struct format_target *target,
			const char *const **ret, struct fl_error *err)
{
	struct fl_record record;

	*ret = target->mkfs_words;
	if (*ret)
		return 0;
	if (fl_volume_record_get(target->pool, op, target->handle, FL_RECORD_MKFS, &record, err) <
	    0)
		return -1;
	if (mkfs_words(op->arena, filesystem_name(target->type), record.value, ret, err) < 0)
		return fl_error_prefix(err, "volume %s", target->volume_id);
	return 0;
}

/* Runs mkfs between the two steps of the record. */
static int format_make(const struct fl_op *op, const struct format_target *target,
		       const struct connection *connection, struct fl_record *record,
		       struct fl_error *err)
{
	const char *name = filesystem_name(target->type);
	const char *making = fl_arena_printf(op->arena, FL_FORMAT_MAKING "%s", name);
	const char *const *words;

	if (format_words(op, target, &words, err) < 0)
		return -1;

	/* What a mkfs that was cut off left at the edges must not be found beside the new one. */
	if (fl_text_starts_with(record->value, FL_FORMAT_MAKING) &&
	    content_blank(connection, err) < 0)
		return -1;
	if (format_set(op, target->pool, target->handle, record, making, err) < 0)
		return -1;
	fl_op_step(op, "making a file system", 0, 0);
	if (filesystem_make(op, target->type, connection->path, words, err) < 0)
		return -1;
	return format_set(op, target->pool, target->handle, record, name, err);
}

/* The volume has a record that says "never" and nothing was found: look closer. */
static int format_make_first(const struct fl_op *op, const struct format_target *target,
			     const struct connection *connection, struct fl_record *record,
			     struct fl_error *err)
{
	bool blank;

	if (content_is_blank(connection, &blank, err) < 0)
		return -1;
	if (!blank)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s has data that is no known file system: it is not "
				    "formatted",
				    target->volume_id);
	return format_make(op, target, connection, record, err);
}

int format_prepare(const struct fl_op *op, const struct format_target *target,
		   const struct connection *connection, struct fl_error *err)
{
	const char *name = filesystem_name(target->type);
	struct content content;
	struct fl_record record;
	bool making;

	if (format_record(op, target->pool, target->handle, &record, err) < 0)
		return -1;
	making = fl_text_starts_with(record.value, FL_FORMAT_MAKING);
	if (making && !target->read_only)
		return format_make(op, target, connection, &record, err);
	if (content_probe(op, connection->path, &content, err) < 0)
		return -1;
	if (content.what && strcmp(content.what, name) != 0)
		return fl_error_set(err, FL_IN_USE, "volume %s holds %s, but %s was asked for",
				    target->volume_id, content.what, name);
	if (content.what && !making)
		/* Whoever made it: once it is mounted for writing, mkfs is over. */
		return target->read_only || format_is_settled(&record)
			       ? 0
			       : format_set(op, target->pool, target->handle, &record, name, err);
	if (target->read_only)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s holds no finished file system, and is to be used "
				    "read-only: publish it writable once",
				    target->volume_id);
	if (!format_is_settled(&record))
		return format_make_first(op, target, connection, &record, err);
	return fl_error_set(err, FL_IN_USE,
			    "volume %s holds no file system that is found, and its record says "
			    "\"%s\": it is not formatted again",
			    target->volume_id, record.value);
}

int format_is_raw(const struct fl_op *op, struct fl_pool *pool, const char *handle, bool *ret,
		  struct fl_error *err)
{
	struct fl_record record;

	if (format_record(op, pool, handle, &record, err) < 0)
		return -1;
	*ret = strcmp(record.value, FL_FORMAT_RAW) == 0;
	return 0;
}

int format_mark_raw(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		    struct fl_error *err)
{
	struct fl_record record;

	if (uuid_check_settled(op, pool, handle, err) < 0 ||
	    format_record(op, pool, handle, &record, err) < 0)
		return -1;
	if (format_is_settled(&record))
		return 0;
	return format_set(op, pool, handle, &record, FL_FORMAT_RAW, err);
}
