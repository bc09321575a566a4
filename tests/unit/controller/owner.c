/* SPDX-License-Identifier: Apache-2.0 */
/* The owner record, on a real volume. */
#include "controller/owner.h"

#include <pthread.h>

#include "asks.h"
#include "controller/keeper.h"

static struct rig rig;
static struct object volume;

static const struct owner_attachment on_n1 = { "n1", ACCESS_SINGLE_NODE_WRITER, true, false,
					       false };
static const struct owner_attachment on_n2 = { "n2", ACCESS_SINGLE_NODE_WRITER, true, false,
					       false };

static void write_record(const char *text)
{
	struct fl_record record;
	uint64_t version;

	WORKS(fl_volume_record_get(volume.pool, &rig.op, volume.handle, FL_RECORD_OWNER, &record,
				   &test_error));
	WORKS(fl_volume_record_set(volume.pool, &rig.op, volume.handle, FL_RECORD_OWNER,
				   record.version, text, &version, &test_error));
}

static uint64_t epoch(void)
{
	struct owner owner = { 0 };

	WORKS(owner_read(&rig.op, &volume, &owner, &test_error));
	return owner.epoch;
}

static enum owner_state state(void)
{
	struct owner owner = { 0 };

	WORKS(owner_read(&rig.op, &volume, &owner, &test_error));
	return owner.state;
}

static void a_new_volume_is_idle(void)
{
	EQUAL(state(), OWNER_IDLE);
	EQUAL(epoch(), 0);
}

#define RACERS 16
static atomic_uint winners, refused;

static void *race(void *cookie)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const struct fl_op op = { "race", fl_clock_after_ms(30000), arena, NULL };
	const struct owner_attachment wish = { fl_arena_printf(arena, "n%zu", (size_t)cookie),
					       ACCESS_SINGLE_NODE_WRITER, true, false, false };
	struct fl_error err = { 0 };
	uint64_t won;

	if (owner_attach(&op, &volume, &wish, false, &won, &err) == 0)
		atomic_fetch_add(&winners, 1);
	else if (err.code == FL_IN_USE)
		atomic_fetch_add(&refused, 1);
	return NULL;
}

static void of_many_at_once_one_wins(void)
{
	pthread_t threads[RACERS];

	for (unsigned round = 0; round < 10; round++) {
		uint64_t before = epoch();
		atomic_store(&winners, 0);
		atomic_store(&refused, 0);
		for (size_t i = 0; i < RACERS; i++)
			pthread_create(&threads[i], NULL, race, (void *)i);
		for (size_t i = 0; i < RACERS; i++)
			pthread_join(threads[i], NULL);
		EQUAL(atomic_load(&winners), 1);
		EQUAL(atomic_load(&refused), RACERS - 1);
		EQUAL(epoch(), before + 1);
		WORKS(owner_detach(&rig.op, &volume, NULL, &test_error));
	}
}

static void *take_and_leave(void *cookie)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const struct owner_attachment wish = { fl_arena_printf(arena, "n%zu", (size_t)cookie),
					       ACCESS_SINGLE_NODE_WRITER, true, false, false };
	unsigned done = 0;

	for (unsigned i = 0; i < 5000 && done < 10; i++) {
		const struct fl_op op = { "turn", fl_clock_after_ms(30000), arena, NULL };
		struct fl_error err;
		uint64_t won;
		if (owner_attach(&op, &volume, &wish, false, &won, &err) < 0) {
			fl_clock_sleep_ms(1);
			continue;
		}
		/* Nobody else may be inside. */
		if (atomic_fetch_add(&winners, 1) != 0)
			atomic_fetch_add(&refused, 1);
		atomic_fetch_sub(&winners, 1);
		if (owner_detach(&op, &volume, wish.node, &err) == 0)
			done++;
	}
	return (void *)(size_t)done;
}

static void turns_never_overlap(void)
{
	pthread_t threads[4];
	uint64_t before = epoch();
	size_t total = 0;
	void *done;

	atomic_store(&winners, 0);
	atomic_store(&refused, 0);
	for (size_t i = 0; i < FL_COUNT(threads); i++)
		pthread_create(&threads[i], NULL, take_and_leave, (void *)i);
	for (size_t i = 0; i < FL_COUNT(threads); i++) {
		pthread_join(threads[i], &done);
		total += (size_t)done;
	}
	EQUAL(total, 40);
	EQUAL(atomic_load(&refused), 0);
	EQUAL(epoch(), before + total);
}

static bool is_leaving(void)
{
	struct owner owner = { 0 };

	WORKS(owner_read(&rig.op, &volume, &owner, &test_error));
	return owner.n_attachments == 1 && owner.attachments[0].leaving;
}

static void who_leaves_may_stay(void)
{
	uint64_t first = 0, again = 0;

	WORKS(owner_attach(&rig.op, &volume, &on_n1, false, &first, &test_error));
	WORKS(owner_set_leaving(&rig.op, &volume, "n2", true, &test_error));
	OK(!is_leaving(), "it is about another node");
	WORKS(owner_set_leaving(&rig.op, &volume, "n1", true, &test_error));
	WORKS(owner_set_leaving(&rig.op, &volume, "n1", true, &test_error));
	OK(is_leaving());
	FAILS(owner_attach(&rig.op, &volume, &on_n2, false, &again, &test_error), FL_IN_USE);
	WORKS(owner_set_leaving(&rig.op, &volume, NULL, false, &test_error));
	OK(!is_leaving());
	WORKS(owner_set_leaving(&rig.op, &volume, NULL, true, &test_error));
	WORKS(owner_attach(&rig.op, &volume, &on_n1, false, &again, &test_error));
	OK(!is_leaving() && again == first, "it was attached all the time");
	WORKS(owner_detach(&rig.op, &volume, NULL, &test_error));
	WORKS(owner_set_leaving(&rig.op, &volume, NULL, true, &test_error));
	EQUAL(state(), OWNER_IDLE);
}

static void a_held_volume_is_nobodys(void)
{
	struct keeper keeper = { 0 };
	struct owner other;
	uint64_t got;

	WORKS(keeper_take(&keeper, &rig.op, &volume, "CreateSnapshot s", &test_error));
	FAILS(owner_attach(&rig.op, &volume, &on_n1, false, &got, &test_error), FL_BUSY);
	OK(strstr(test_error.text, "CreateSnapshot s"), "%s", test_error.text);
	FAILS(owner_hold(&rig.op, &volume, "DeleteVolume", &other, &test_error), FL_BUSY);
	WORKS(owner_detach(&rig.op, &volume, "n1", &test_error));
	EQUAL(state(), OWNER_HELD);
	WORKS(keeper_prove(&keeper, &test_error));
	keeper_release(&keeper);
	EQUAL(state(), OWNER_IDLE);
}

static void an_owned_volume_cannot_be_held(void)
{
	struct keeper keeper = { 0 };
	uint64_t got;

	WORKS(owner_attach(&rig.op, &volume, &on_n2, false, &got, &test_error));
	FAILS(keeper_take(&keeper, &rig.op, &volume, "CreateSnapshot s", &test_error), FL_IN_USE);
	OK(strstr(test_error.text, "node n2"), "%s", test_error.text);
	keeper_release(&keeper);
	EQUAL(state(), OWNER_OWNED);
	WORKS(owner_detach(&rig.op, &volume, "n2", &test_error));
}

/* What a controller leaves that was killed while it copied. */
static void a_hold_that_has_expired_is_broken(void)
{
	uint64_t got;

	write_record("{\"epoch\": 70, \"state\": \"held\", \"attachments\": [],"
		     " \"hold\": {\"for\": \"CreateSnapshot s\", \"expires_ns\": 1}}");
	WORKS(owner_attach(&rig.op, &volume, &on_n1, false, &got, &test_error));
	EQUAL(got, 71);
	WORKS(owner_detach(&rig.op, &volume, "n1", &test_error));
}

/* What such a controller leaves when the clock is set back afterwards, by whatever. */
static void a_hold_of_the_far_future_is_broken(void)
{
	uint64_t got;

	write_record("{\"epoch\": 75, \"state\": \"held\", \"attachments\": [],"
		     " \"hold\": {\"for\": \"CreateSnapshot s\","
		     " \"expires_ns\": 9223372036854775807}}");
	WORKS(owner_attach(&rig.op, &volume, &on_n1, false, &got, &test_error));
	EQUAL(got, 76);
	WORKS(owner_detach(&rig.op, &volume, "n1", &test_error));
}

/* A controller that was stopped while it copied, for longer than its hold stood. */
static void who_was_taken_for_dead_finds_out(void)
{
	struct keeper keeper = { 0 };
	uint64_t got;

	WORKS(keeper_take(&keeper, &rig.op, &volume, "CreateSnapshot s", &test_error));
	write_record("{\"epoch\": 80, \"state\": \"held\", \"attachments\": [],"
		     " \"hold\": {\"for\": \"CreateSnapshot s\", \"expires_ns\": 1}}");
	WORKS(owner_attach(&rig.op, &volume, &on_n1, false, &got, &test_error));
	FAILS(keeper_prove(&keeper, &test_error), FL_BUSY);
	keeper_release(&keeper);
	/* Neither the proof nor the release has touched what is there now. */
	EQUAL(state(), OWNER_OWNED);
	EQUAL(epoch(), 81);
	WORKS(owner_detach(&rig.op, &volume, NULL, &test_error));
}

static void what_cannot_be_read_is_not_idle(void)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"rubbish",
		"{\"epoch\": 1}",
		"{\"epoch\": -1, \"state\": \"idle\"}",
		"{\"epoch\": 1, \"state\": \"moving\"}",
		"{\"epoch\": 1, \"state\": \"owned\", \"attachments\": []}",
		"{\"epoch\": 1, \"state\": \"owned\", \"attachments\": [{\"node\": \"n1\"}]}",
		"{\"epoch\": 1, \"state\": \"owned\", \"attachments\": [7]}",
		"{\"epoch\": 1, \"state\": \"held\"}",
		"{\"epoch\": \"1\", \"state\": \"idle\"}",
	};
	struct owner owner;
	uint64_t got;

	for (size_t i = 0; i < FL_COUNT(texts); i++) {
		write_record(texts[i]);
		FAILS(owner_read(&rig.op, &volume, &owner, &test_error), FL_INTERNAL);
		OK(strstr(test_error.text, volume.id), "%s", test_error.text);
		FAILS(owner_attach(&rig.op, &volume, &on_n1, false, &got, &test_error),
		      FL_INTERNAL);
		FAILS(ask_delete(&rig, volume.id), FL_INTERNAL);
	}
	write_record("{\"epoch\": 90, \"state\": \"idle\", \"attachments\": []}");
}

static void a_volume_that_is_gone_has_no_owner(void)
{
	const struct object gone = { volume.pool, "gone", "far/gone" };
	struct owner owner;
	uint64_t got;

	FAILS(owner_read(&rig.op, &gone, &owner, &test_error), FL_NOT_FOUND);
	FAILS(owner_attach(&rig.op, &gone, &on_n1, false, &got, &test_error), FL_NOT_FOUND);
}

static const struct test tests[] = {
	{ "a new volume is idle", a_new_volume_is_idle },
	{ "of many at once one wins", of_many_at_once_one_wins },
	{ "turns never overlap", turns_never_overlap },
	{ "who leaves may stay", who_leaves_may_stay },
	{ "a held volume is nobody's", a_held_volume_is_nobodys },
	{ "an owned volume cannot be held", an_owned_volume_cannot_be_held },
	{ "a hold that has expired is broken", a_hold_that_has_expired_is_broken },
	{ "a hold of the far future is broken", a_hold_of_the_far_future_is_broken },
	{ "who was taken for dead finds out", who_was_taken_for_dead_finds_out },
	{ "what cannot be read is not idle", what_cannot_be_read_is_not_idle },
	{ "a volume that is gone has no owner", a_volume_that_is_gone_has_no_owner },
};

int main(int argc, char **argv)
{
	rig_open(&rig);
	rig_must(ask_create(&rig,
			    (struct ask_create){ .name = "o", .pool = "far", .required = 1 << 20 },
			    NULL));
	volume = rig_object(&rig, "far/o");
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return status;
}
