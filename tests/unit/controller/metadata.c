/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of changed blocks: what is told, in which messages, and how a stream ends. */
#include <pthread.h>
#include <stdatomic.h>

#include "asks.h"

#define BLOCK 4096

static struct rig rig;

/* What a stream told. */
struct story {
	const char *base; /* NULL: what is allocated in the target */
	const char *target;
	int64_t from;
	int32_t max;
	/* Called after each message; -1 ends the stream.  May be NULL. */
	int (*heard)(struct story *story, struct fl_error *err);
	void *cookie;

	struct fl_extent extents[64]; /* the first of them */
	size_t n_extents, n_messages, largest;
	int64_t capacity;
	bool is_wrong; /* blocks out of order, or other values in a later message */
};

static void story_add(struct story *story, const Csi__V1__BlockMetadata *block)
{
	static uint64_t end;

	if (block->byte_offset < story->from || block->size_bytes <= 0 ||
	    (story->n_extents > 0 && (uint64_t)block->byte_offset < end))
		story->is_wrong = true;
	end = (uint64_t)(block->byte_offset + block->size_bytes);
	if (story->n_extents < FL_COUNT(story->extents))
		story->extents[story->n_extents] =
			(struct fl_extent){ (uint64_t)block->byte_offset,
					    (uint64_t)block->size_bytes };
	story->n_extents++;
}

/* Both answers have the same fields. */
static int story_hear(void *cookie, const void *message, struct fl_error *err)
{
	const Csi__V1__GetMetadataAllocatedResponse *allocated = message;
	const Csi__V1__GetMetadataDeltaResponse *delta = message;
	struct story *story = cookie;
	size_t n = story->base ? delta->n_block_metadata : allocated->n_block_metadata;
	int64_t capacity =
		story->base ? delta->volume_capacity_bytes : allocated->volume_capacity_bytes;

	if ((story->base ? delta->block_metadata_type : allocated->block_metadata_type) !=
		    CSI__V1__BLOCK_METADATA_TYPE__VARIABLE_LENGTH ||
	    (story->n_messages > 0 && story->capacity != capacity))
		story->is_wrong = true;
	story->capacity = capacity;
	story->n_messages++;
	story->largest = n > story->largest ? n : story->largest;
	for (size_t i = 0; i < n; i++)
		story_add(story,
			  story->base ? delta->block_metadata[i] : allocated->block_metadata[i]);
	return story->heard ? story->heard(story, err) : 0;
}

static int listen(struct story *story)
{
	Csi__V1__GetMetadataAllocatedRequest allocated =
		CSI__V1__GET_METADATA_ALLOCATED_REQUEST__INIT;
	Csi__V1__GetMetadataDeltaRequest delta = CSI__V1__GET_METADATA_DELTA_REQUEST__INIT;
	struct rpc_request request = { &csi__v1__snapshot_metadata__descriptor,
				       "GetMetadataAllocated", &allocated, 30000 };

	allocated.snapshot_id = delta.target_snapshot_id = (char *)story->target;
	allocated.starting_offset = delta.starting_offset = story->from;
	allocated.max_results = delta.max_results = story->max;
	if (story->base) {
		delta.base_snapshot_id = (char *)story->base;
		request.method = "GetMetadataDelta";
		request.message = &delta;
	}
	return rpc_client_stream(rig.client, &request, story_hear, story, &test_error);
}

static void write_block(const char *volume, int64_t at, char byte)
{
	const char *path =
		fl_arena_printf(rig.arena, "%s/near/volumes/%s/image", rig.folder, volume);
	fl_cleanup(fl_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
	char block[BLOCK];

	memset(block, byte, sizeof(block));
	OK(pwrite(fd, block, sizeof(block), at) == sizeof(block), "writing to %s", path);
}

static void is_extent(const struct story *story, size_t i, uint64_t offset, uint64_t bytes)
{
	OK(i < story->n_extents);
	EQUAL(story->extents[i].offset, offset);
	EQUAL(story->extents[i].bytes, bytes);
}

static void blocks_are_told(void)
{
	struct story whole = { .target = "near/n1/m-s1" };
	struct story changed = { .base = "near/n1/m-s1", .target = "near/n1/m-s2" };

	WORKS(ask_create(&rig, (struct ask_create){ .name = "m", .required = 8 * RIG_MIB }, NULL));
	write_block("m", RIG_MIB, 'a');
	write_block("m", RIG_MIB + BLOCK, 'b');
	write_block("m", 3 * RIG_MIB, 'c');
	WORKS(ask_snapshot(&rig, "m-s1", "near/n1/m", NULL));
	write_block("m", RIG_MIB + BLOCK, 'd');
	write_block("m", 3 * RIG_MIB, 'c'); /* the same bytes */
	write_block("m", 8 * RIG_MIB - BLOCK, 'e');
	WORKS(ask_snapshot(&rig, "m-s2", "near/n1/m", NULL));

	WORKS(listen(&whole));
	EQUAL(whole.n_extents, 2);
	is_extent(&whole, 0, RIG_MIB, 2 * BLOCK);
	is_extent(&whole, 1, 3 * RIG_MIB, BLOCK);
	EQUAL(whole.capacity, 8 * RIG_MIB);
	EQUAL(whole.n_messages, 1);
	WORKS(listen(&changed));
	EQUAL(changed.n_extents, 2);
	is_extent(&changed, 0, RIG_MIB + BLOCK, BLOCK);
	is_extent(&changed, 1, 8 * RIG_MIB - BLOCK, BLOCK);
	OK(!whole.is_wrong && !changed.is_wrong);
}

static void streams_begin_anywhere(void)
{
	struct story inside = { .target = "near/n1/m-s1", .from = RIG_MIB + 1000 };
	struct story last = { .base = "near/n1/m-s1",
			      .target = "near/n1/m-s2",
			      .from = 8 * RIG_MIB - 1 };
	struct story end = { .target = "near/n1/m-s1", .from = 8 * RIG_MIB };

	WORKS(listen(&inside));
	is_extent(&inside, 0, RIG_MIB + 1000, 2 * BLOCK - 1000);
	EQUAL(inside.n_extents, 2);
	WORKS(listen(&last));
	is_extent(&last, 0, 8 * RIG_MIB - 1, 1);
	WORKS(listen(&end));
	EQUAL(end.n_extents, 0);
	EQUAL(end.n_messages, 1);
	EQUAL(end.capacity, 8 * RIG_MIB);
}

static void nothing_different_is_one_empty_message(void)
{
	struct story same = { .base = "near/n1/m-s2", .target = "near/n1/m-s2" };

	WORKS(listen(&same));
	EQUAL(same.n_messages, 1);
	EQUAL(same.n_extents, 0);
	EQUAL(same.capacity, 8 * RIG_MIB);
}

static void wrong_requests_are_refused(void)
{
	const struct {
		struct story story;
		enum fl_error_code code;
		const char *text;
	} rows[] = {
		{ { .target = "" }, FL_INVALID, "snapshot_id is missing" },
		{ { .target = "near/n1/none" }, FL_NOT_FOUND, "none" },
		{ { .target = "../../etc" }, FL_NOT_FOUND, "" },
		{ { .target = "gone/s" }, FL_NOT_FOUND, "" },
		{ { .target = "near/n1/m-s1", .from = -1 }, FL_INVALID, "starting_offset" },
		{ { .target = "near/n1/m-s1", .max = -1 }, FL_INVALID, "max_results" },
		{ { .target = "near/n1/m-s1", .from = 8 * RIG_MIB + 1 },
		  FL_OUT_OF_RANGE,
		  "which has 8388608 bytes" },
		{ { .target = "near/n1/m-s1", .from = INT64_MAX }, FL_OUT_OF_RANGE, "" },
		{ { .base = "", .target = "near/n1/m-s1" },
		  FL_INVALID,
		  "base_snapshot_id is missing" },
		{ { .base = "near/n1/m-s1", .target = "" },
		  FL_INVALID,
		  "target_snapshot_id is missing" },
		{ { .base = "near/n1/m-s1", .target = "near/n1/o-s1" },
		  FL_INVALID,
		  "only snapshots of one volume" },
		{ { .base = "near/n1/m-s1", .target = "far/f-s1" }, FL_INVALID, "different pools" },
		{ { .base = "near/n1/m-s3", .target = "near/n1/m-s1" }, FL_INVALID, "swap them" },
	};

	WORKS(ask_create(&rig, (struct ask_create){ .name = "o", .required = 8 * RIG_MIB }, NULL));
	WORKS(ask_create(&rig,
			 (struct ask_create){ .name = "f", .pool = "far", .required = RIG_MIB },
			 NULL));
	WORKS(ask_snapshot(&rig, "o-s1", "near/n1/o", NULL));
	WORKS(ask_snapshot(&rig, "f-s1", "far/f", NULL));
	struct object volume = rig_object(&rig, "near/n1/m");
	uint64_t grown;

	WORKS(fl_volume_resize(volume.pool, &rig.op, volume.handle, 16 * RIG_MIB, 0, &grown,
			       &test_error));
	WORKS(ask_snapshot(&rig, "m-s3", "near/n1/m", NULL));
	for (size_t i = 0; i < FL_COUNT(rows); i++) {
		struct story story = rows[i].story;

		FAILS(listen(&story), rows[i].code);
		OK(strstr(test_error.text, rows[i].text), "row %zu: %s", i, test_error.text);
		EQUAL(story.n_messages, 0);
	}
}

static void a_snapshot_that_is_not_ready_is_asked_for_later(void)
{
	const struct fl_snapshot_spec spec = { .name = "m-copy", .volume_handle = "m" };
	const struct fl_copy_target target = { .snapshot = &spec };
	struct story story = { .target = "near/n1/m-copy" };
	struct story base = { .base = "near/n1/m-copy", .target = "near/n1/m-s3" };
	struct object volume = rig_object(&rig, "near/n1/m");
	struct fl_copy copy;

	WORKS(fl_copy_begin(volume.pool, &rig.op, &target, &copy, &test_error));
	copy.cut_ns = 1700000000000000000;
	WORKS(fl_copy_started(volume.pool, &rig.op, &target, &copy, &test_error));
	FAILS(listen(&story), FL_BUSY);
	FAILS(listen(&base), FL_BUSY);
	WORKS(fl_copy_failed(volume.pool, &rig.op, &target, "the disk was full", &test_error));
	FAILS(listen(&story), FL_IN_USE);
	OK(strstr(test_error.text, "the disk was full"), "%s", test_error.text);
	WORKS(ask_delete_snapshot(&rig, "near/n1/m-copy"));
	FAILS(listen(&story), FL_NOT_FOUND);
}

/* A snapshot of so many lonely blocks that a stream of single ones does not fit into any buffer. */
#define LONELY 4200

static void make_lonely_blocks(const char *snapshot)
{
	const struct ask_create ask = { .name = "lonely", .required = LONELY * 2 * BLOCK };

	WORKS(ask_create(&rig, ask, NULL));
	for (int64_t i = 0; i < LONELY; i++)
		write_block("lonely", i * 2 * BLOCK, 'l');
	WORKS(ask_snapshot(&rig, snapshot, "near/n1/lonely", NULL));
}

static void messages_have_as_many_blocks_as_asked(void)
{
	static const int32_t sizes[] = { 0, 1, 7, 4096, INT32_MAX };

	make_lonely_blocks("l-s1");
	for (size_t i = 0; i < FL_COUNT(sizes); i++) {
		struct story story = { .target = "near/n1/l-s1", .max = sizes[i] };

		WORKS(listen(&story));
		EQUAL(story.n_extents, LONELY);
		OK(sizes[i] == 0 || story.largest <= (size_t)sizes[i]);
		OK(story.largest <= 4096);
		OK(!story.is_wrong);
	}
}

static int leave(struct story *story, struct fl_error *err)
{
	return story->n_messages == 3 ? fl_error_set(err, FL_EXISTS, "enough") : 0;
}

static void wait_for_no_stream(void)
{
	for (unsigned i = 0; i < 500 && atomic_load(&rig.controller->streams) > 0; i++)
		fl_clock_sleep_ms(10);
	EQUAL(atomic_load(&rig.controller->streams), 0);
}

static void a_caller_that_leaves_ends_the_work(void)
{
	struct story story = { .target = "near/n1/l-s1", .max = 1, .heard = leave };

	FAILS(listen(&story), FL_EXISTS);
	EQUAL(story.n_messages, 3);
	wait_for_no_stream();
}

/* Reads one message and no more until it is told to. */
struct reader {
	struct story story;
	atomic_bool has_begun, may_end;
	int result;
};

static int dawdle(struct story *story, struct fl_error *err)
{
	struct reader *reader = story->cookie;

	(void)err;
	atomic_store(&reader->has_begun, true);
	while (!atomic_load(&reader->may_end))
		fl_clock_sleep_ms(1);
	return 0;
}

static void *read_slowly(void *cookie)
{
	struct reader *reader = cookie;

	reader->story = (struct story){
		.target = "near/n1/l-s1", .max = 1, .heard = dawdle, .cookie = reader
	};
	reader->result = listen(&reader->story);
	return NULL;
}

static void reader_begin(struct reader *reader, pthread_t *thread)
{
	OK(pthread_create(thread, NULL, read_slowly, reader) == 0);
	while (!atomic_load(&reader->has_begun))
		fl_clock_sleep_ms(1);
}

static void a_third_stream_waits_outside(void)
{
	struct story third = { .target = "near/n1/l-s1" };
	struct reader readers[2] = { 0 };
	pthread_t threads[2];

	for (size_t i = 0; i < 2; i++)
		reader_begin(&readers[i], &threads[i]);
	FAILS(listen(&third), FL_UNAVAILABLE);
	OK(strstr(test_error.text, "2 streams"), "%s", test_error.text);
	WORKS(ask_delete_snapshot(&rig, "near/n1/m-s1"));
	for (size_t i = 0; i < 2; i++) {
		atomic_store(&readers[i].may_end, true);
		pthread_join(threads[i], NULL);
		EQUAL(readers[i].result, 0);
		EQUAL(readers[i].story.n_extents, LONELY);
	}
	wait_for_no_stream();
	WORKS(listen(&third));
}

/* During a look it cannot be deleted; while what was found is sent it can. */
static int delete_when_free(const char *id)
{
	int result = -1;

	for (int tries = 0; result < 0 && tries < 1000; tries++) {
		result = ask_delete_snapshot(&rig, id);
		if (result < 0 && test_error.code != FL_BUSY)
			break;
		fl_clock_sleep_ms(1);
	}
	return result;
}

static void a_snapshot_that_goes_ends_its_stream(void)
{
	struct reader reader = { 0 };
	pthread_t thread;

	reader_begin(&reader, &thread);
	WORKS(delete_when_free("near/n1/l-s1"));
	write_block("lonely", BLOCK, 'm');
	WORKS(ask_snapshot(&rig, "l-s1", "near/n1/lonely", NULL));
	atomic_store(&reader.may_end, true);
	pthread_join(thread, NULL);
	EQUAL(reader.result, -1);
	EQUAL(test_error.code, FL_NOT_FOUND);
	OK(strstr(test_error.text, "another one has its name"), "%s", test_error.text);
	OK(reader.story.n_extents < LONELY);
}

static const struct test tests[] = {
	{ "blocks are told", blocks_are_told },
	{ "streams begin anywhere", streams_begin_anywhere },
	{ "nothing different is one empty message", nothing_different_is_one_empty_message },
	{ "wrong requests are refused", wrong_requests_are_refused },
	{ "a snapshot that is not ready is asked for later",
	  a_snapshot_that_is_not_ready_is_asked_for_later },
	{ "messages have as many blocks as asked", messages_have_as_many_blocks_as_asked },
	{ "a caller that leaves ends the work", a_caller_that_leaves_ends_the_work },
	{ "a third stream waits outside", a_third_stream_waits_outside },
	{ "a snapshot that goes ends its stream", a_snapshot_that_goes_ends_its_stream },
};

int main(int argc, char **argv)
{
	int result;

	rig_open(&rig);
	result = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return result;
}
