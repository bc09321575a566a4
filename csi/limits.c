/* SPDX-License-Identifier: Apache-2.0 */
#include "csi/limits.h"

#include <inttypes.h>
#include <string.h>

/* Above it QEMU refuses. */
#define LIMITS_MAX UINT64_C(1000000000000000)
/* Below it a single large request takes longer than guests wait for a disk. */
#define LIMITS_MIN_BANDWIDTH ((uint64_t)1 << 20)
#define LIMITS_MIN_IOPS 10

#define LIMITS_OPTION(name, type, what)                                                            \
	{                                                                                          \
		.key = #name, .kind = (type), .offset = offsetof(struct limits, name),             \
		.help = (what)                                                                     \
	}

const struct fl_option limits_options[LIMITS_N_OPTIONS] = {
	LIMITS_OPTION(iops, FL_OPTION_NUMBER, "requests per second; 0: no limit"),
	LIMITS_OPTION(iops_read, FL_OPTION_NUMBER, "of them those that read"),
	LIMITS_OPTION(iops_write, FL_OPTION_NUMBER, "of them those that write"),
	LIMITS_OPTION(bandwidth, FL_OPTION_SIZE, "bytes per second, as 100Mi; 0: no limit"),
	LIMITS_OPTION(bandwidth_read, FL_OPTION_SIZE, "of them those that are read"),
	LIMITS_OPTION(bandwidth_write, FL_OPTION_SIZE, "of them those that are written"),
};

static uint64_t *limits_member(struct limits *limits, size_t i)
{
	return (uint64_t *)((char *)limits + limits_options[i].offset);
}

static uint64_t limits_value(const struct limits *limits, size_t i)
{
	return *(const uint64_t *)((const char *)limits + limits_options[i].offset);
}

static int limits_check_total(const char *name, uint64_t total, uint64_t read, uint64_t write,
			      struct fl_error *err)
{
	if (total == 0 || (read == 0 && write == 0))
		return 0;
	return fl_error_set(err, FL_INVALID,
			    "%s is a limit for all requests and excludes %s_read and %s_write: set "
			    "one of the two kinds to 0",
			    name, name, name);
}

static int limits_check(const struct limits *limits, struct fl_error *err)
{
	for (size_t i = 0; i < LIMITS_N_OPTIONS; i++) {
		uint64_t least = limits_options[i].kind == FL_OPTION_SIZE ? LIMITS_MIN_BANDWIDTH
									  : LIMITS_MIN_IOPS;
		uint64_t value = limits_value(limits, i);

		if (value != 0 && (value < least || value > LIMITS_MAX))
			return fl_error_set(err, FL_INVALID,
					    "mutable parameter \"%s\" is 0 or from %" PRIu64
					    " to %" PRIu64 ", not %" PRIu64,
					    limits_options[i].key, least, LIMITS_MAX, value);
	}
	if (limits_check_total("iops", limits->iops, limits->iops_read, limits->iops_write, err) <
	    0)
		return -1;
	return limits_check_total("bandwidth", limits->bandwidth, limits->bandwidth_read,
				  limits->bandwidth_write, err);
}

int limits_change(struct fl_arena *arena, const struct fl_pair *pairs, size_t n_pairs,
		  struct limits *limits, struct fl_error *err)
{
	struct limits given, changed = *limits;

	if (fl_config_fill_pairs(arena, pairs, n_pairs, "mutable parameters", limits_options,
				 LIMITS_N_OPTIONS, &given, sizeof(given), err) < 0)
		return -1;
	for (size_t i = 0; i < LIMITS_N_OPTIONS; i++)
		if (fl_pair_get(pairs, n_pairs, limits_options[i].key))
			*limits_member(&changed, i) = limits_value(&given, i);
	if (limits_check(&changed, err) < 0)
		return -1;
	*limits = changed;
	return 0;
}

bool limits_are_equal(const struct limits *a, const struct limits *b)
{
	for (size_t i = 0; i < LIMITS_N_OPTIONS; i++)
		if (limits_value(a, i) != limits_value(b, i))
			return false;
	return true;
}

json_t *limits_to_json(const struct limits *limits)
{
	json_t *json = json_object();

	for (size_t i = 0; i < LIMITS_N_OPTIONS; i++)
		if (limits_value(limits, i))
			json_object_set_new(json, limits_options[i].key,
					    json_integer((json_int_t)limits_value(limits, i)));
	return json;
}

int limits_parse(const char *text, struct limits *ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	struct limits limits = { .version = 0 };
	size_t n = 0;

	if (fl_json_parse(text, strlen(text), "record of limits", &json, err) < 0)
		return -1;
	for (size_t i = 0; i < LIMITS_N_OPTIONS; i++) {
		int64_t value;

		if (fl_json_number(json, limits_options[i].key, 0, &value, err) < 0)
			return -1;
		*limits_member(&limits, i) = value < 0 ? UINT64_MAX : (uint64_t)value;
		n += value != 0;
	}
	if (!json_is_object(json) || n != json_object_size(json) || limits_check(&limits, err) < 0)
		return fl_error_set(err, FL_INTERNAL,
				    "the record of limits is none that this version knows");
	*ret = limits;
	return 0;
}

int limits_record_read(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		       const char *id, struct limits *ret, struct fl_error *err)
{
	struct fl_record record = { 0 };
	struct limits limits = { .version = 0 };

	if (pool->backend->records &&
	    fl_volume_record_get(pool, op, handle, FL_RECORD_LIMITS, &record, err) < 0)
		return -1;
	if (record.version && limits_parse(record.value, &limits, err) < 0)
		return fl_error_prefix(err, "volume %s", id);
	limits.version = record.version;
	*ret = limits;
	return 0;
}

int limits_record_write(const struct fl_op *op, struct fl_pool *pool, const char *handle,
			struct limits *limits, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = limits_to_json(limits);

	return fl_volume_record_set(pool, op, handle, FL_RECORD_LIMITS, limits->version,
				    fl_json_dump(op->arena, json), &limits->version, err);
}
