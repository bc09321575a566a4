/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <string.h>

static const char *const schema_needed[] = {
	"add-fd",       "blockdev-add", "blockdev-backup",  "blockdev-del",
	"block_resize", "cont",         "device_add",       "device_del",
	"job-cancel",   "job-dismiss",  "qom-list",         "query-block",
	"query-fdsets", "query-jobs",   "query-status",     "query-named-block-nodes",
	"quit",         "remove-fd",    "system_powerdown", "system_reset",
};

static bool schema_has_command(const json_t *schema, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(schema, i, entry)
	{
		const char *type = json_string_value(json_object_get(entry, "meta-type"));
		const char *called = json_string_value(json_object_get(entry, "name"));

		if (type && called && strcmp(type, "command") == 0 && strcmp(called, name) == 0)
			return true;
	}
	return false;
}

/* The names of types are hidden in the schema; the word is distinct enough. */
static bool schema_has_word(const json_t *schema, const char *word)
{
	json_t *entry, *value;
	size_t i, k;

	json_array_foreach(schema, i, entry)
	{
		json_array_foreach(json_object_get(entry, "values"), k, value)
		{
			if (json_is_string(value) && strcmp(json_string_value(value), word) == 0)
				return true;
		}
	}
	return false;
}

int schema_read(const struct fl_op *op, struct qmp *qmp, struct schema *ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *schema = NULL;

	if (qmp_call(op, qmp, "query-qmp-schema", NULL, &schema, err) < 0)
		return -1;
	for (size_t i = 0; i < FL_COUNT(schema_needed); i++) {
		if (!schema_has_command(schema, schema_needed[i]))
			return fl_error_set(err, FL_UNSUPPORTED, "this QEMU has no command %s",
					    schema_needed[i]);
	}
	ret->io_uring = schema_has_word(schema, "io_uring");
	return 0;
}
