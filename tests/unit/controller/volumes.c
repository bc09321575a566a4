/* SPDX-License-Identifier: Apache-2.0 */
#include "asks.h"

static struct rig rig;

#define NAME_128                                                                                   \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                         \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void a_volume_is_created_once(void)
{
	const Csi__V1__Volume *first, *again;

	WORKS(ask_create(&rig, (struct ask_create){ .name = "v1", .required = 8 << 20 }, &first));
	SAME(first->volume_id, "near/n1/v1");
	EQUAL(first->capacity_bytes, 8 << 20);
	WORKS(ask_create(&rig, (struct ask_create){ .name = "v1", .required = 8 << 20 }, &again));
	SAME(again->volume_id, first->volume_id);
	FAILS(ask_create(
		      &rig,
		      (struct ask_create){ .name = "v1", .required = 16 << 20, .limit = 16 << 20 },
		      NULL),
	      FL_EXISTS);
	WORKS(ask_delete(&rig, "near/n1/v1"));
	WORKS(ask_delete(&rig, "near/n1/v1"));
}

static void names_of_every_kind_are_taken(void)
{
	static const char *const names[] = {
		NAME_128, "Ein Name mit Leerzeichen/und Strich", "имя", "../..", "fl-x", "-rf", "a"
	};
	const Csi__V1__Volume *volume;

	for (size_t i = 0; i < FL_COUNT(names); i++) {
		WORKS(ask_create(&rig, (struct ask_create){ .name = names[i], .required = 1 << 20 },
				 &volume));
		OK(strlen(volume->volume_id) <= 128, "%s", volume->volume_id);
		WORKS(ask_delete(&rig, volume->volume_id));
	}
}

static void bad_creates_are_refused_with_a_reason(void)
{
	static const struct {
		struct ask_create ask;
		enum fl_error_code code;
		const char *says;
	} rows[] = {
		{ { .name = "" }, FL_INVALID, "name of the volume is missing" },
		{ { .name = NAME_128 "x" }, FL_INVALID, "129 bytes" },
		{ { .name = "a\vb" }, FL_INVALID, "control characters" },
		{ { .name = "x", .no_capability = true }, FL_INVALID, "capabilities are missing" },
		{ { .name = "x", .required = -1 }, FL_INVALID, "negative" },
		{ { .name = "x", .required = 10, .limit = 5 }, FL_INVALID, "below required" },
		{ { .name = "x", .required = 1, .limit = 100 }, FL_OUT_OF_RANGE, "no multiple" },
		{ { .name = "x", .required = INT64_MAX }, FL_OUT_OF_RANGE, "too many" },
		{ { .name = "x", .pool = "nowhere" }, FL_INVALID, "near, far" },
		{ { .name = "x", .fs_type = "ext5" }, FL_INVALID, "use ext4, xfs or btrfs" },
		{ { .name = "x", .mode = (enum access_mode)42 }, FL_INVALID, "42" },
		{ { .name = "x", .mode = ACCESS_MULTI_NODE_MULTI_WRITER },
		  FL_INVALID,
		  "several nodes" },
		{ { .name = "x", .extra = { "thinn", "true" } },
		  FL_INVALID,
		  "did you mean \"thin\"" },
		{ { .name = "x", .extra = { "thin", "maybe" } }, FL_INVALID, "thin" },
		{ { .name = "x", .extra = { "iops", "5" } }, FL_INVALID, "unknown parameter" },
		{ { .name = "x", .snapshot = "non-existing" }, FL_NOT_FOUND, "snapshot" },
		{ { .name = "x", .snapshot = "near/n1/none" }, FL_NOT_FOUND, "none" },
		{ { .name = "x", .volume = "near/n1/none" }, FL_NOT_FOUND, "none" },
		{ { .name = "x", .volume = "near/n2/v" }, FL_UNAVAILABLE, "node n2" },
		{ { .name = "x", .volume = "far/v" }, FL_INVALID, "StorageClass of pool far" },
	};

	for (size_t i = 0; i < FL_COUNT(rows); i++) {
		FAILS(ask_create(&rig, rows[i].ask, NULL), rows[i].code);
		OK(strstr(test_error.text, rows[i].says), "row %zu says: %s", i, test_error.text);
	}
}

static void the_orchestrators_own_keys_are_passed_over(void)
{
	const struct ask_create ask = { .name = "meta",
					.required = 1 << 20,
					.extra = { "csi.storage.k8s.io/pvc/name", "claim" } };

	WORKS(ask_create(&rig, ask, NULL));
	WORKS(ask_delete(&rig, "near/n1/meta"));
}

static void mkfs_options_are_kept_with_the_volume(void)
{
	struct fl_pool *pool = fl_pools_get(rig.pools, "near");
	const struct fl_op op = { "test", fl_clock_after_ms(5000), rig.arena, NULL };
	struct ask_create ask = { .name = "mkfs",
				  .required = 1 << 20,
				  .fs_type = "xfs",
				  .extra = { "mkfs_options", "-m reflink=0" } };
	const Csi__V1__Volume *volume;
	struct fl_record record;

	WORKS(ask_create(&rig, ask, &volume));
	EQUAL(volume->n_volume_context, 0);
	WORKS(fl_volume_record_get(pool, &op, "mkfs", FL_RECORD_MKFS, &record, &test_error));
	SAME(record.value, "-m reflink=0");
	WORKS(ask_create(&rig, ask, &volume));
	ask.extra.value = "-m reflink=1";
	FAILS(ask_create(&rig, ask, &volume), FL_EXISTS);
	WORKS(ask_delete(&rig, "near/n1/mkfs"));
}

static void deleting_what_never_was_succeeds(void)
{
	static const char *const ids[] = { "fake-vol-id", "near/n1/none", "near/../x",
					   "near/n1/" NAME_128 "x" };

	for (size_t i = 0; i < FL_COUNT(ids); i++)
		WORKS(ask_delete(&rig, ids[i]));
	FAILS(ask_delete(&rig, ""), FL_INVALID);
	/* It may well exist, there. */
	FAILS(ask_delete(&rig, "near/n2/x"), FL_UNAVAILABLE);
	FAILS(ask_delete(&rig, "no/pool"), FL_IN_USE);
	FAILS(ask_delete(&rig, "near/n3/x"), FL_IN_USE);
}

static void a_volume_grows_and_never_shrinks(void)
{
	Csi__V1__ControllerExpandVolumeRequest request =
		CSI__V1__CONTROLLER_EXPAND_VOLUME_REQUEST__INIT;
	Csi__V1__CapacityRange range = CSI__V1__CAPACITY_RANGE__INIT;
	const Csi__V1__ControllerExpandVolumeResponse *answer;

	WORKS(ask_create(&rig, (struct ask_create){ .name = "grow", .required = 8 << 20 }, NULL));
	request.volume_id = (char *)"near/n1/grow";
	request.capacity_range = &range;
	request.volume_capability = ask_capability(&rig, 0, NULL);
	FAILS(rig_call(&rig, "ControllerExpandVolume", &request, NULL), FL_INVALID);
	range.required_bytes = 16 << 20;
	WORKS(rig_call(&rig, "ControllerExpandVolume", &request, (const void **)&answer));
	EQUAL(answer->capacity_bytes, 16 << 20);
	OK(!answer->node_expansion_required, "nobody has it, and it is a block volume");
	range.required_bytes = 4 << 20;
	WORKS(rig_call(&rig, "ControllerExpandVolume", &request, (const void **)&answer));
	EQUAL(answer->capacity_bytes, 16 << 20);
	range.limit_bytes = 8 << 20;
	FAILS(rig_call(&rig, "ControllerExpandVolume", &request, NULL), FL_OUT_OF_RANGE);
	range.limit_bytes = 0;
	request.volume_capability = ask_capability(&rig, 0, "ext4");
	WORKS(rig_call(&rig, "ControllerExpandVolume", &request, (const void **)&answer));
	OK(answer->node_expansion_required, "a file system grows on its node");
	request.volume_id = (char *)"near/n1/none";
	FAILS(rig_call(&rig, "ControllerExpandVolume", &request, NULL), FL_NOT_FOUND);
	WORKS(ask_delete(&rig, "near/n1/grow"));
}

static void the_capacity_is_that_of_the_pool(void)
{
	Csi__V1__GetCapacityRequest request = CSI__V1__GET_CAPACITY_REQUEST__INIT;
	const struct fl_pair far = { "pool", "far" }, unknown = { "pol", "far" };
	const Csi__V1__GetCapacityResponse *all, *one;

	WORKS(rig_call(&rig, "GetCapacity", &request, (const void **)&all));
	OK(all->available_capacity > 0);
	request.n_parameters = 1;
	request.parameters = rpc_map_entries(
		rig.arena, &csi__v1__get_capacity_request__parameters_entry__descriptor, &far, 1);
	WORKS(rig_call(&rig, "GetCapacity", &request, (const void **)&one));
	/* Both pools are on the same disk: their sum would be a lie. */
	OK(one->available_capacity > all->available_capacity / 3 * 2 &&
		   all->available_capacity > one->available_capacity / 3 * 2,
	   "%lld of %lld", (long long)one->available_capacity, (long long)all->available_capacity);
	request.parameters = rpc_map_entries(
		rig.arena, &csi__v1__get_capacity_request__parameters_entry__descriptor, &unknown,
		1);
	FAILS(rig_call(&rig, "GetCapacity", &request, NULL), FL_INVALID);
}

static void validation_tells_what_is_not_supported(void)
{
	Csi__V1__ValidateVolumeCapabilitiesRequest request =
		CSI__V1__VALIDATE_VOLUME_CAPABILITIES_REQUEST__INIT;
	Csi__V1__VolumeCapability *single = ask_capability(&rig, 0, NULL);
	Csi__V1__VolumeCapability *multi =
		ask_capability(&rig, ACCESS_MULTI_NODE_MULTI_WRITER, NULL);
	const Csi__V1__ValidateVolumeCapabilitiesResponse *answer;

	WORKS(ask_create(&rig, (struct ask_create){ .name = "val", .required = 1 << 20 }, NULL));
	request.volume_id = (char *)"near/n1/val";
	FAILS(rig_call(&rig, "ValidateVolumeCapabilities", &request, NULL), FL_INVALID);
	request.n_volume_capabilities = 1;
	request.volume_capabilities = &single;
	WORKS(rig_call(&rig, "ValidateVolumeCapabilities", &request, (const void **)&answer));
	OK(answer->confirmed && answer->confirmed->n_volume_capabilities == 1);
	request.volume_capabilities = &multi;
	WORKS(rig_call(&rig, "ValidateVolumeCapabilities", &request, (const void **)&answer));
	OK(!answer->confirmed && strstr(answer->message, "several nodes"), "%s", answer->message);
	request.volume_id = (char *)"none";
	FAILS(rig_call(&rig, "ValidateVolumeCapabilities", &request, NULL), FL_NOT_FOUND);
	WORKS(ask_delete(&rig, "near/n1/val"));
}

static void what_is_offered_follows_from_the_pools(void)
{
	Csi__V1__ControllerGetCapabilitiesRequest request =
		CSI__V1__CONTROLLER_GET_CAPABILITIES_REQUEST__INIT;
	const Csi__V1__ControllerGetCapabilitiesResponse *answer;
	unsigned seen = 0;

	WORKS(rig_call(&rig, "ControllerGetCapabilities", &request, (const void **)&answer));
	for (size_t i = 0; i < answer->n_capabilities; i++)
		seen |= 1u << answer->capabilities[i]->rpc->type;
	/* 1 to 17. */
	EQUAL(seen, 0x3fffe);
}

static const struct test tests[] = {
	{ "a volume is created once", a_volume_is_created_once },
	{ "names of every kind are taken", names_of_every_kind_are_taken },
	{ "bad creates are refused with a reason", bad_creates_are_refused_with_a_reason },
	{ "the orchestrator's own keys are passed over",
	  the_orchestrators_own_keys_are_passed_over },
	{ "mkfs_options are kept with the volume", mkfs_options_are_kept_with_the_volume },
	{ "deleting what never was succeeds", deleting_what_never_was_succeeds },
	{ "a volume grows and never shrinks", a_volume_grows_and_never_shrinks },
	{ "the capacity is that of the pool", the_capacity_is_that_of_the_pool },
	{ "validation tells what is not supported", validation_tells_what_is_not_supported },
	{ "what is offered follows from the pools", what_is_offered_follows_from_the_pools },
};

int main(int argc, char **argv)
{
	rig_open(&rig);
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return status;
}
