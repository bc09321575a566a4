/* SPDX-License-Identifier: Apache-2.0 */
#include "convert.h"

#include <inttypes.h>
#include <string.h>

#include "csi/rpc/map.h"

#define CONVERT_MAX_NAME 128
#define CONVERT_MAX_ID 1024
#define CONVERT_MAX_PAIRS 256
#define CONVERT_MAX_KEY 253
#define CONVERT_MAX_VALUE 4096

/* Bounded by max bytes and fit for an error text, a log line and a record. */
static bool convert_is_plain(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);

	return length <= max && fl_text_is_printable(text, length);
}

int convert_required(const char *field, const char *value, struct fl_error *err)
{
	if (value[0] == '\0')
		return fl_error_set(err, FL_INVALID, "%s is missing", field);
	return 0;
}

int convert_name(const char *what, const char *name, struct fl_error *err)
{
	if (name[0] == '\0')
		return fl_error_set(err, FL_INVALID, "the name of the %s is missing", what);
	if (strnlen(name, CONVERT_MAX_NAME + 1) > CONVERT_MAX_NAME)
		return fl_error_set(err, FL_INVALID,
				    "the name of the %s has %zu bytes: at most %d are allowed",
				    what, strlen(name), CONVERT_MAX_NAME);
	if (!fl_text_is_name(name, strlen(name)))
		return fl_error_set(err, FL_INVALID,
				    "the name of the %s has control characters or is no UTF-8",
				    what);
	return 0;
}

int convert_id(const char *what, const char *id, struct fl_error *err)
{
	if (id[0] == '\0')
		return fl_error_set(err, FL_INVALID, "%s_id is missing", what);
	if (!convert_is_plain(id, CONVERT_MAX_ID))
		return fl_error_set(err, FL_NOT_FOUND,
				    "there is no such %s: its id has more than %d bytes or control "
				    "characters",
				    what, CONVERT_MAX_ID);
	return 0;
}

static int convert_check_pair(const char *field, const struct fl_pair *pair, struct fl_error *err)
{
	if (pair->key[0] == '\0' || !convert_is_plain(pair->key, CONVERT_MAX_KEY))
		return fl_error_set(err, FL_INVALID,
				    "%s has a key that is empty, longer than %d bytes or not "
				    "printable",
				    field, CONVERT_MAX_KEY);
	if (!convert_is_plain(pair->value, CONVERT_MAX_VALUE))
		return fl_error_set(err, FL_INVALID,
				    "%s has a value for \"%s\" that is longer than %d bytes or not "
				    "printable",
				    field, pair->key, CONVERT_MAX_VALUE);
	return 0;
}

int convert_pairs(struct fl_arena *arena, const char *field, const void *entries, size_t n_entries,
		  struct fl_pair **ret, size_t *ret_n, struct fl_error *err)
{
	struct fl_pair *pairs;
	size_t n;

	if (n_entries > CONVERT_MAX_PAIRS)
		return fl_error_set(err, FL_INVALID, "%s has %zu entries: at most %d are allowed",
				    field, n_entries, CONVERT_MAX_PAIRS);
	if (rpc_map_pairs(arena, entries, n_entries, &pairs, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (convert_check_pair(field, &pairs[i], err) < 0)
			return -1;
	*ret = pairs;
	*ret_n = n;
	return 0;
}

int convert_range(const Csi__V1__CapacityRange *message, struct capacity_range *ret,
		  struct fl_error *err)
{
	int64_t required = message ? message->required_bytes : 0;
	int64_t limit = message ? message->limit_bytes : 0;

	if (required < 0 || limit < 0)
		return fl_error_set(err, FL_INVALID, "%s of the capacity_range is negative",
				    required < 0 ? "required_bytes" : "limit_bytes");
	if (limit > 0 && limit < required)
		return fl_error_set(err, FL_INVALID,
				    "limit_bytes %" PRId64 " of the capacity_range is below "
				    "required_bytes %" PRId64,
				    limit, required);
	ret->required_bytes = (uint64_t)required;
	ret->limit_bytes = (uint64_t)limit;
	return 0;
}

int convert_content(const Csi__V1__VolumeContentSource *message, struct content_source *ret,
		    struct fl_error *err)
{
	struct content_source found = { .kind = CONTENT_NONE, .id = "" };

	if (message) {
		switch (message->type_case) {
		case CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_SNAPSHOT:
			found.kind = CONTENT_SNAPSHOT;
			found.id = message->snapshot->snapshot_id;
			break;
		case CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_VOLUME:
			found.kind = CONTENT_VOLUME;
			found.id = message->volume->volume_id;
			break;
		default:
			return fl_error_set(err, FL_INVALID,
					    "volume_content_source says neither snapshot nor "
					    "volume");
		}
		if (convert_id(found.kind == CONTENT_SNAPSHOT ? "snapshot" : "volume", found.id,
			       err) < 0)
			return -1;
	}
	*ret = found;
	return 0;
}
