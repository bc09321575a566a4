/* SPDX-License-Identifier: Apache-2.0 */
/* Rolls: what crashes leave in them, and when it is found out. */
#include "asks.h"
#include "controller/roll.h"

static struct rig rig;
static char ids[4][32];

/* Writes the roll of n1 as a crash would leave it; NULL: takes it away. */
static void leave(const char *text)
{
	struct fl_pool *pool = fl_pools_get(rig.pools, "near");
	struct fl_record record;

	WORKS(fl_pool_record_get(pool, &rig.op, "n1.attached", &record, &test_error));
	if (text)
		WORKS(fl_pool_record_set(pool, &rig.op, "n1.attached", record.version, text,
					 &record.version, &test_error));
	else if (record.version)
		WORKS(fl_pool_record_remove(pool, &rig.op, "n1.attached", record.version,
					    &test_error));
}

static int publish(const char *id)
{
	return ask_publish(&rig, (struct ask_publish){ .id = id, .node = "n1" }, NULL);
}

static size_t count(void)
{
	struct fl_pool *pool = fl_pools_get(rig.pools, "near");
	size_t n = 0;

	WORKS(roll_count(&rig.op, pool, "n1", false, &n, &test_error));
	return n;
}

/* What a running service reads does not change: it is started again. */
static void limit(unsigned max_volumes)
{
	rig_stop(&rig);
	rig.max_volumes = max_volumes;
	rig_start(&rig);
}

static void begin(void)
{
	leave(NULL);
	for (size_t i = 0; i < FL_COUNT(ids); i++) {
		const struct ask_create ask = { .name = fl_arena_printf(rig.arena, "v%zu", i),
						.required = 1 << 20 };

		snprintf(ids[i], sizeof(ids[i]), "near/n1/v%zu", i);
		WORKS(ask_create(&rig, ask, NULL));
		WORKS(ask_unpublish(&rig, ids[i], ""));
	}
}

static void an_ended_claim_makes_room(void)
{
	begin();
	leave("{\"volumes\":{\"v0\":1,\"v1\":2,\"gone\":0}}");
	WORKS(publish(ids[2]));
	EQUAL(count(), 1);
	WORKS(publish(ids[3]));
	FAILS(publish(ids[0]), FL_NO_SPACE);
	EQUAL(count(), 2);
}

static void a_claim_that_stands_takes_room(void)
{
	begin();
	leave("{\"volumes\":{\"v0\":9000000000000000000,\"v1\":9000000000000000000}}");
	FAILS(publish(ids[2]), FL_NO_SPACE);
	EQUAL(count(), 2);
	/* It is its own. */
	WORKS(publish(ids[0]));
	WORKS(ask_unpublish(&rig, ids[0], "n1"));
	WORKS(publish(ids[2]));
}

static void what_was_detached_and_not_struck_off_makes_room(void)
{
	begin();
	leave("{\"volumes\":{\"v0\":0,\"v1\":0,\"v2\":0}}");
	WORKS(publish(ids[3]));
	EQUAL(count(), 1);
}

static void a_lost_claim_is_seen_when_it_is_settled(void)
{
	const struct object volume = rig_object(&rig, ids[0]);
	bool was_lost = true;

	begin();
	WORKS(roll_claim(&rig.op, &volume, "n1", &test_error));
	WORKS(roll_settle(&rig.op, &volume, "n1", &was_lost, &test_error));
	OK(!was_lost);
	leave("{\"volumes\":{}}");
	WORKS(roll_settle(&rig.op, &volume, "n1", &was_lost, &test_error));
	OK(was_lost);
}

static void what_is_attached_is_never_struck_off(void)
{
	struct fl_pool *pool = fl_pools_get(rig.pools, "near");
	size_t n = 0;

	begin();
	WORKS(publish(ids[0]));
	WORKS(publish(ids[1]));
	/* Its claim has ended, and the owner record was written. */
	leave("{\"volumes\":{\"v0\":1,\"v1\":0}}");
	WORKS(roll_count(&rig.op, pool, "n1", true, &n, &test_error));
	EQUAL(n, 2);
	FAILS(publish(ids[2]), FL_NO_SPACE);
}

static void a_roll_that_is_lost_is_made_again(void)
{
	begin();
	WORKS(publish(ids[0]));
	WORKS(publish(ids[1]));
	leave(NULL);
	EQUAL(count(), 2);
	FAILS(publish(ids[2]), FL_NO_SPACE);
}

/* A storage whose list does not tell the owners. */
static const struct fl_backend *telling;

struct untold {
	fl_volume_see *see;
	void *cookie;
};

static int see_untold(void *cookie, const struct fl_volume *volume)
{
	const struct untold *untold = cookie;
	struct fl_volume plain = *volume;

	plain.owner = NULL;
	return untold->see(untold->cookie, &plain);
}

static int list_untold(struct fl_pool *pool, const struct fl_op *op, const char *after,
		       fl_volume_see *see, void *cookie, struct fl_error *err)
{
	struct untold untold = { see, cookie };

	return telling->volume_list(pool, op, after, see_untold, &untold, err);
}

static void a_roll_is_made_without_owners_in_the_list(void)
{
	struct fl_pool *pool = fl_pools_get(rig.pools, "near");
	struct fl_backend untelling = *pool->backend;

	telling = pool->backend;
	untelling.volume_list = list_untold;
	begin();
	WORKS(publish(ids[0]));
	WORKS(publish(ids[1]));
	leave(NULL);
	pool->backend = &untelling;
	EQUAL(count(), 2);
	pool->backend = telling;
	EQUAL(count(), 2);
}

static void a_roll_that_cannot_be_read_is_not_taken_for_empty(void)
{
	static const char *const wrong[] = { "{}", "[]", "{\"volumes\":[]}",
					     "{\"volumes\":{\"v0\":\"x\"}}", "" };

	begin();
	for (size_t i = 0; i < FL_COUNT(wrong); i++) {
		leave(wrong[i]);
		FAILS(publish(ids[2]), FL_INTERNAL);
	}
	leave(NULL);
}

static void without_a_limit_there_is_no_roll(void)
{
	struct fl_record record;

	begin();
	WORKS(publish(ids[0]));
	limit(0);
	for (size_t i = 0; i < FL_COUNT(ids); i++)
		WORKS(publish(ids[i]));
	WORKS(fl_pool_record_get(fl_pools_get(rig.pools, "near"), &rig.op, "n1.attached", &record,
				 &test_error));
	EQUAL(record.version, 0);
	limit(2);
	EQUAL(count(), 4);
}

static const struct test tests[] = {
	{ "an ended claim makes room", an_ended_claim_makes_room },
	{ "a claim that stands takes room", a_claim_that_stands_takes_room },
	{ "what was detached and not struck off makes room",
	  what_was_detached_and_not_struck_off_makes_room },
	{ "a lost claim is seen when it is settled", a_lost_claim_is_seen_when_it_is_settled },
	{ "what is attached is never struck off", what_is_attached_is_never_struck_off },
	{ "a roll that is lost is made again", a_roll_that_is_lost_is_made_again },
	{ "a roll is made without owners in the list", a_roll_is_made_without_owners_in_the_list },
	{ "a roll that cannot be read is not taken for empty",
	  a_roll_that_cannot_be_read_is_not_taken_for_empty },
	{ "without a limit there is no roll", without_a_limit_there_is_no_roll },
};

int main(int argc, char **argv)
{
	rig_open(&rig);
	limit(2);
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return status;
}
