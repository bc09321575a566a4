/* SPDX-License-Identifier: Apache-2.0 */
#include "birth.h"

#include <string.h>

#define BIRTH_RECORDS 2
/* Of an error: as much of the words as people need to recognise them. */
#define BIRTH_TEXT 80

static void birth_add(struct fl_pair *records, struct fl_volume_spec *spec, const char *key,
		      const char *value)
{
	records[spec->n_records++] = (struct fl_pair){ key, value };
	spec->records = records;
}

int birth_write(struct fl_arena *arena, const struct birth *birth, struct fl_volume_spec *spec,
		struct fl_error *err)
{
	struct fl_pair *records = fl_arena_array(arena, BIRTH_RECORDS, sizeof(*records));
	const struct limits none = { .version = 0 };
	const struct parameters *parameters = birth->parameters;

	spec->n_records = 0;
	if (parameters->mkfs_options && !parameters->pool->backend->records)
		return fl_error_set(err, FL_INVALID,
				    "parameter \"mkfs_options\": pool %s keeps no records beside "
				    "its volumes",
				    parameters->pool->name);
	if (parameters->mkfs_options)
		birth_add(records, spec, FL_RECORD_MKFS, parameters->mkfs_options);
	if (!limits_are_equal(birth->limits, &none)) {
		fl_cleanup(fl_json_release) json_t *json = limits_to_json(birth->limits);

		birth_add(records, spec, FL_RECORD_LIMITS, fl_json_dump(arena, json));
	}
	return 0;
}

int birth_compare_mkfs(const struct fl_op *op, const struct object *volume, const char *mkfs,
		       struct fl_error *err)
{
	struct fl_record record = { .value = "" };

	if (volume->pool->backend->records &&
	    fl_volume_record_get(volume->pool, op, volume->handle, FL_RECORD_MKFS, &record, err) <
		    0)
		return -1;
	if (strcmp(record.value, mkfs ? mkfs : "") == 0)
		return 0;
	return fl_error_set(err, FL_EXISTS, "volume %s exists, with mkfs_options \"%.*s\"",
			    volume->id, BIRTH_TEXT, record.value);
}

int birth_compare(const struct fl_op *op, const struct object *volume, const struct birth *birth,
		  struct fl_error *err)
{
	if (birth_compare_mkfs(op, volume, birth->parameters->mkfs_options, err) < 0)
		return -1;
	return modify_compare(op, volume, birth->modify, err);
}
