/* SPDX-License-Identifier: Apache-2.0 */
/* deltas DIRECTORY [HISTORIES [SEED]]: random histories of volumes; each delta over its base is the
 * target, bit for bit, and tells no block that is the same.  A part of them is asked through the
 * controller's streams, ended and taken up again at random places.
 *
 * Without a SEED each run has another one.  It is printed; the history that failed is repeated with
 * HISTORIES 1 and the seed that the failure names. */
#include <sys/random.h>

#include "history.h"
#include "mover.h"
#include "tests/unit/controller/rig.h"

#define BLOCK 4096
#define HISTORIES 500
#define STREAMED_EVERY 4 /* one history in so many is asked through the controller */
#define MOVED_EVERY 10   /* … and again while the blocks of its snapshots are moved */

static struct rig rig;
static struct history *history;
static uint64_t first_seed, n_histories = HISTORIES, n_moves;

/* What was told of one snapshot, or of two. */
struct told {
	const struct history_cut *base; /* NULL: what is allocated in the target */
	const struct history_cut *target;
	uint64_t from; /* … of what is asked next */
	size_t n, capacity;
	struct fl_extent *extents;

	/* Of a stream. */
	bool streams;
	size_t left; /* messages until it is ended */
	bool is_whole;
	uint64_t max;
};

static void told_add(struct told *told, uint64_t offset, uint64_t bytes)
{
	told->extents = fl_arena_grow(history->op.arena, told->extents, told->n, &told->capacity,
				      sizeof(*told->extents));
	told->extents[told->n++] = (struct fl_extent){ offset, bytes };
}

static int told_see(void *cookie, const struct fl_extent *extent)
{
	if (extent->bytes > 0)
		told_add(cookie, extent->offset, extent->bytes);
	return 0;
}

static int ask_pool(struct told *told)
{
	struct fl_pool *pool = history->pool;

	if (!told->base)
		return fl_snapshot_allocated(pool, &history->op, told->target->handle, told->from,
					     told_see, told, &test_error);
	return fl_snapshot_delta(pool, &history->op, told->base->handle, told->target->handle,
				 told->from, told_see, told, &test_error);
}

static int told_hear_blocks(struct told *told, Csi__V1__BlockMetadata **blocks, size_t n,
			    struct fl_error *err)
{
	OK(told->max == 0 || n <= told->max);
	for (size_t i = 0; i < n; i++) {
		told_add(told, (uint64_t)blocks[i]->byte_offset, (uint64_t)blocks[i]->size_bytes);
		told->from = (uint64_t)(blocks[i]->byte_offset + blocks[i]->size_bytes);
	}
	if (--told->left > 0)
		return 0;
	told->is_whole = false;
	return fl_error_set(err, FL_EXISTS, "enough");
}

static int told_hear_allocated(void *cookie, const void *message, struct fl_error *err)
{
	const Csi__V1__GetMetadataAllocatedResponse *answer = message;

	return told_hear_blocks(cookie, answer->block_metadata, answer->n_block_metadata, err);
}

static int told_hear_delta(void *cookie, const void *message, struct fl_error *err)
{
	const Csi__V1__GetMetadataDeltaResponse *answer = message;

	return told_hear_blocks(cookie, answer->block_metadata, answer->n_block_metadata, err);
}

static char *id_of(const struct history_cut *cut)
{
	return fl_arena_printf(history->op.arena, "near/n1/%s", cut->handle);
}

static int ask_stream_once(struct told *told)
{
	Csi__V1__GetMetadataAllocatedRequest allocated =
		CSI__V1__GET_METADATA_ALLOCATED_REQUEST__INIT;
	Csi__V1__GetMetadataDeltaRequest delta = CSI__V1__GET_METADATA_DELTA_REQUEST__INIT;
	struct rpc_request request = { &csi__v1__snapshot_metadata__descriptor,
				       "GetMetadataAllocated", &allocated, 60000 };

	allocated.snapshot_id = delta.target_snapshot_id = id_of(told->target);
	allocated.starting_offset = delta.starting_offset = (int64_t)told->from;
	allocated.max_results = delta.max_results = (int32_t)told->max;
	if (!told->base)
		return rpc_client_stream(rig.client, &request, told_hear_allocated, told,
					 &test_error);
	delta.base_snapshot_id = id_of(told->base);
	request.method = "GetMetadataDelta";
	request.message = &delta;
	return rpc_client_stream(rig.client, &request, told_hear_delta, told, &test_error);
}

/* Ended after some messages, and taken up where the last block ended, until it is whole.  A stream
 * whose caller has just left may still have its place for a moment. */
static int ask_stream(struct told *told)
{
	do {
		told->is_whole = true;
		told->left = 1 + history_random(history, 5);
		told->max = history_random(history, 6);
		if (ask_stream_once(told) < 0 && test_error.code == FL_UNAVAILABLE) {
			fl_clock_sleep_ms(1);
			told->is_whole = false;
		} else if (told->is_whole && test_error.code != FL_OK) {
			return -1;
		}
		test_error.code = FL_OK;
	} while (!told->is_whole);
	return 0;
}

static uint64_t told_end(const struct fl_extent *extent)
{
	return extent->offset + extent->bytes;
}

/* Ascending, within [from, size), and applied to the base it is the target. */
static void told_is_enough(const struct told *told, uint64_t from)
{
	static uint8_t made[HISTORY_MAX_BYTES];
	const struct history_cut *target = told->target;
	uint64_t at = from;

	if (told->base)
		memcpy(made, told->base->bytes, target->size);
	else
		memset(made, 0, target->size);
	for (size_t i = 0; i < told->n; i++) {
		const struct fl_extent *extent = &told->extents[i];

		OK(extent->offset >= at && told_end(extent) <= target->size);
		if (test_failures)
			return;
		at = told_end(extent);
		memcpy(made + extent->offset, target->bytes + extent->offset, extent->bytes);
	}
	OK(memcmp(made + from, target->bytes + from, target->size - from) == 0,
	   "the delta does not make the target");
}

/* Of a delta: each block of it differs. */
static void told_is_exact(const struct told *told)
{
	for (size_t i = 0; i < told->n; i++) {
		uint64_t at = told->extents[i].offset, end = told_end(&told->extents[i]), next;

		for (; at < end; at = next) {
			uint64_t block = at - at % BLOCK;

			next = block + BLOCK < end ? block + BLOCK : end;
			/* What a resumed stream cut off may be what differs. */
			OK(memcmp(told->base->bytes + block, told->target->bytes + block, BLOCK) !=
				   0,
			   "the block at %llu is the same", (unsigned long long)block);
		}
	}
}

static void check(const struct history_cut *base, const struct history_cut *target, bool streams)
{
	struct told told = { .base = base, .target = target, .streams = streams };
	uint64_t from = 0;

	if (history_random(history, 2))
		from = history_random(history, target->size + 1);
	told.from = streams ? from : from - from % 512;
	from = told.from;
	WORKS(streams ? ask_stream(&told) : ask_pool(&told));
	if (test_failures)
		return;
	told_is_enough(&told, from);
	if (base)
		told_is_exact(&told);
}

static void check_history(bool streams)
{
	for (size_t i = 0; i < history->n_cuts; i++) {
		check(NULL, &history->cuts[i], streams);
		for (size_t k = 0; k < history->n_cuts; k++)
			if (history->cuts[k].size <= history->cuts[i].size)
				check(&history->cuts[k], &history->cuts[i], streams);
	}
}

/* With a mover at the snapshots' images. */
static void check_history_in_motion(bool streams)
{
	const char *paths[HISTORY_CUTS];
	struct mover mover;

	for (size_t i = 0; i < history->n_cuts; i++)
		paths[i] = fl_arena_printf(history->op.arena, "%s/near/snapshots/%s/image",
					   rig.folder, history->cuts[i].handle);
	WORKS(mover_begin(&mover, paths, history->n_cuts, &test_error));
	if (test_failures)
		return;
	for (int i = 0; i < 4 && test_failures == 0; i++)
		check_history(streams);
	mover_end(&mover);
	n_moves += atomic_load(&mover.moves);
}

static void check_histories(uint64_t n, void (*check_one)(bool streams))
{
	printf("# %llu histories from seed %llu\n", (unsigned long long)n,
	       (unsigned long long)first_seed);
	for (uint64_t seed = first_seed; seed < first_seed + n && test_failures == 0; seed++) {
		WORKS(history_live(history, seed, &test_error));
		if (test_failures == 0)
			check_one(seed % STREAMED_EVERY == 0);
		if (test_failures)
			printf("# in the history of seed %llu\n", (unsigned long long)seed);
		WORKS(history_end(history, &test_error));
	}
}

static void a_delta_over_its_base_is_the_target(void)
{
	check_histories(n_histories, check_history);
}

static void blocks_may_move_meanwhile(void)
{
	check_histories((n_histories + MOVED_EVERY - 1) / MOVED_EVERY, check_history_in_motion);
	printf("# %llu moves\n", (unsigned long long)n_moves);
	if (n_moves == 0)
		SKIP("nothing moves the blocks of this file system");
}

static const struct test tests[] = {
	{ "a delta over its base is the target", a_delta_over_its_base_is_the_target },
	{ "blocks may move meanwhile", blocks_may_move_meanwhile },
};

int main(int argc, char **argv)
{
	int result;

	if (argc < 2) {
		fprintf(stderr, "usage: deltas DIRECTORY [HISTORIES [SEED]]\n");
		return 2;
	}
	while (getrandom(&first_seed, sizeof(first_seed), 0) != sizeof(first_seed))
		continue;
	first_seed %= 1000000000;
	if (argc > 2)
		n_histories = strtoull(argv[2], NULL, 10);
	if (argc > 3)
		first_seed = strtoull(argv[3], NULL, 10);
	rig_open_in(&rig, argv[1]);
	history = history_new(fl_pools_get(rig.pools, "near"));
	result = test_run(tests, FL_COUNT(tests), 1, argv);
	history_free(history);
	rig_close(&rig);
	return result;
}
