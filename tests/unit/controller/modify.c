/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of volumes: at their creation, changed, and told to who uses them. */
#include "asks.h"
#include "csi/limits.h"
#include "peer.h"

static struct rig rig;
static struct peer peer;

static struct limits limits_of(const char *handle)
{
	struct fl_pool *pool = fl_pools_get(rig.pools, "near");
	const struct fl_op op = { "test", fl_clock_after_ms(5000), rig.arena, NULL };
	struct limits limits = { .version = 0 };

	WORKS(limits_record_read(&op, pool, handle, handle, &limits, &test_error));
	return limits;
}

static const char *made(const char *name, struct fl_pair mutable)
{
	WORKS(ask_create(
		&rig, (struct ask_create){ .name = name, .required = 1 << 20, .mutable = mutable },
		NULL));
	return fl_arena_printf(rig.arena, "near/n1/%s", name);
}

static int set(const char *id, const char *key, const char *value)
{
	const struct fl_pair pair = { key, value };

	return ask_modify(&rig, id, &pair, 1);
}

static void a_volume_is_made_with_limits(void)
{
	const char *id = made("made", (struct fl_pair){ "iops", "500" });

	EQUAL(limits_of("made").iops, 500);
	made("made", (struct fl_pair){ "iops", "500" });
	WORKS(set(id, "iops", "800"));
	FAILS(ask_create(&rig,
			 (struct ask_create){ .name = "made",
					      .required = 1 << 20,
					      .mutable = { "iops", "500" } },
			 NULL),
	      FL_EXISTS);
	made("made", (struct fl_pair){ 0 });
	EQUAL(limits_of("made").iops, 800);
	WORKS(ask_delete(&rig, id));
}

static void only_what_is_named_changes(void)
{
	const char *id = made("some", (struct fl_pair){ 0 });
	const struct fl_pair two[] = { { "iops_read", "100" }, { "bandwidth", "5Mi" } };

	EQUAL(limits_of("some").version, 0);
	WORKS(ask_modify(&rig, id, two, 2));
	WORKS(set(id, "iops_write", "70"));
	EQUAL(limits_of("some").iops_read, 100);
	EQUAL(limits_of("some").iops_write, 70);
	EQUAL(limits_of("some").bandwidth, 5 << 20);
	WORKS(set(id, "bandwidth", "0"));
	EQUAL(limits_of("some").bandwidth, 0);
	EQUAL(limits_of("some").iops_read, 100);
	WORKS(ask_delete(&rig, id));
}

static void the_same_again_writes_nothing(void)
{
	const char *id = made("same", (struct fl_pair){ "iops", "500" });
	uint64_t version = limits_of("same").version;

	WORKS(set(id, "iops", "500"));
	WORKS(ask_modify(&rig, id, NULL, 0));
	EQUAL(limits_of("same").version, version);
	WORKS(ask_delete(&rig, id));
}

static void wrong_limits_change_nothing(void)
{
	static const struct fl_pair wrong[] = {
		{ "iop", "500" },      { "iops", "9" },
		{ "iops", "many" },    { "iops", "-1" },
		{ "iops_read", "50" }, { "bandwidth", "1000" },
		{ "pool", "near" },    { "iops", "1000000000000001" },
	};
	const char *id = made("wrong", (struct fl_pair){ "iops", "500" });
	uint64_t version = limits_of("wrong").version;

	for (size_t i = 0; i < FL_COUNT(wrong); i++)
		FAILS(set(id, wrong[i].key, wrong[i].value), FL_INVALID);
	FAILS(ask_create(&rig,
			 (struct ask_create){
				 .name = "never", .required = 1 << 20, .mutable = wrong[0] },
			 NULL),
	      FL_INVALID);
	EQUAL(limits_of("wrong").version, version);
	FAILS(set("near/n1/nowhere", "iops", "500"), FL_NOT_FOUND);
	FAILS(set("fake-vol-id", "iops", "500"), FL_NOT_FOUND);
	FAILS(set("", "iops", "500"), FL_INVALID);
	WORKS(ask_delete(&rig, id));
}

static void limits_that_hold_are_confirmed(void)
{
	Csi__V1__ValidateVolumeCapabilitiesRequest request =
		CSI__V1__VALIDATE_VOLUME_CAPABILITIES_REQUEST__INIT;
	const Csi__V1__ValidateVolumeCapabilitiesResponse *answer;
	Csi__V1__VolumeCapability *single = ask_capability(&rig, 0, NULL);
	const char *id = made("valid", (struct fl_pair){ "iops", "500" });
	static const struct fl_pair pairs[] = { { "iops", "500" },
						{ "iops", "600" },
						{ "iop", "5" } };

	request.volume_id = (char *)id;
	request.n_volume_capabilities = 1;
	request.volume_capabilities = &single;
	request.n_mutable_parameters = 1;
	for (size_t i = 0; i < FL_COUNT(pairs); i++) {
		request.mutable_parameters = rpc_map_entries(
			rig.arena,
			&csi__v1__validate_volume_capabilities_request__mutable_parameters_entry__descriptor,
			&pairs[i], 1);
		WORKS(rig_call(&rig, "ValidateVolumeCapabilities", &request,
			       (const void **)&answer));
		OK((i == 0) == (answer->confirmed != NULL), "%s", answer->message);
		if (i == 0)
			EQUAL(answer->confirmed->n_mutable_parameters, 1);
	}
	WORKS(ask_delete(&rig, id));
}

static void who_uses_it_is_told(void)
{
	const char *id = made("used", (struct fl_pair){ 0 });
	unsigned before = peer_look(&peer).n_limits;

	WORKS(set(id, "iops", "500"));
	EQUAL(peer_look(&peer).n_limits, before);
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = id, .node = "n1" }, NULL));
	WORKS(set(id, "iops", "600"));
	EQUAL(peer_look(&peer).n_limits, before + 1);
	peer_set(&peer, (struct peer_mood){ .state = "vm", .plugged = true, .away = true });
	FAILS(set(id, "iops", "700"), FL_UNAVAILABLE);
	peer_set(&peer, (struct peer_mood){ .state = "vm", .plugged = true });
	WORKS(set(id, "iops", "700"));
	EQUAL(peer_look(&peer).n_limits, before + 2);
	peer_set(&peer, (struct peer_mood){ .state = "absent" });
	WORKS(ask_unpublish(&rig, id, "n1"));
	WORKS(ask_delete(&rig, id));
}

static void a_damaged_record_is_named(void)
{
	static const char *const texts[] = { "{\"iops\": -5}", "{\"iops\": \"x\"}", "[]",
					     "{\"color\": 7}", "{\"iops\": 500" };
	struct limits limits;

	for (size_t i = 0; i < FL_COUNT(texts); i++)
		FAILS(limits_parse(texts[i], &limits, &test_error), FL_INTERNAL);
	WORKS(limits_parse("{\"iops\": 500}", &limits, &test_error));
	EQUAL(limits.iops, 500);
}

static const struct test tests[] = {
	{ "a volume is made with limits, and a repeat keeps later ones",
	  a_volume_is_made_with_limits },
	{ "only what is named changes, and 0 takes a limit away", only_what_is_named_changes },
	{ "the same again writes nothing", the_same_again_writes_nothing },
	{ "wrong limits change nothing", wrong_limits_change_nothing },
	{ "limits that hold are confirmed, others are not", limits_that_hold_are_confirmed },
	{ "who uses the volume is told, or the caller asks again", who_uses_it_is_told },
	{ "a damaged record is named and never used", a_damaged_record_is_named },
};

int main(int argc, char **argv)
{
	int status;

	rig_open(&rig);
	peer_open(&peer, rig.disks);
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	peer_close(&peer, rig.disks);
	rig_close(&rig);
	return status;
}
