/* SPDX-License-Identifier: Apache-2.0 */
/* Server streams: order, end, cancellation in the middle, a caller that reads nothing. */
#include <unistd.h>

#include "base/clock.h"
#include "desk.h"
#include "raw.h"
#include "tests/test.h"

static struct desk desk;

struct counting {
	int64_t next;   /* number that the next message must carry */
	unsigned n;     /* messages so far */
	unsigned limit; /* cancel after so many; 0: never */
};

static int count_allocated(void *cookie, const void *message, struct fl_error *err)
{
	const Csi__V1__GetMetadataAllocatedResponse *part = message;
	struct counting *counting = cookie;

	if (part->volume_capacity_bytes != counting->next++)
		return fl_error_set(err, FL_INTERNAL, "message %u is out of order", counting->n);
	counting->n++;
	if (counting->n == counting->limit)
		return fl_error_set(err, FL_EXISTS, "enough");
	return 0;
}

static int allocated(const char *snapshot, int32_t n, struct counting *counting,
		     struct fl_error *err)
{
	Csi__V1__GetMetadataAllocatedRequest message =
		CSI__V1__GET_METADATA_ALLOCATED_REQUEST__INIT;
	struct rpc_request request = { &csi__v1__snapshot_metadata__descriptor,
				       "GetMetadataAllocated", &message, 60000 };

	message.snapshot_id = (char *)snapshot;
	message.starting_offset = counting->next;
	message.max_results = n;
	return rpc_client_stream(desk.client, &request, count_allocated, counting, err);
}

static void many_messages_arrive_in_order(void)
{
	struct counting counting = { .next = 7 };

	WORKS(allocated("whole", 5000, &counting, &test_error));
	EQUAL(counting.n, 5000);
	EQUAL(desk_last_done(&desk, "GetMetadataAllocated").code, FL_OK);
}

static void a_stream_may_be_empty(void)
{
	struct counting counting = { 0 };

	WORKS(allocated("whole", 0, &counting, &test_error));
	EQUAL(counting.n, 0);
}

static void an_error_after_messages_arrives(void)
{
	struct counting counting = { 0 };

	FAILS(allocated("broken", 3, &counting, &test_error), FL_UNAVAILABLE);
	EQUAL(counting.n, 3);
	SAME(test_error.text, "the storage went away in the middle");
}

static int count_delta(void *cookie, const void *message, struct fl_error *err)
{
	const Csi__V1__GetMetadataDeltaResponse *part = message;
	struct counting *counting = cookie;

	if (part->n_block_metadata != 16 * 1024 / 4)
		return fl_error_set(err, FL_INTERNAL, "message %u is not whole", counting->n);
	if (++counting->n == counting->limit)
		return fl_error_set(err, FL_EXISTS, "enough");
	return 0;
}

static void a_caller_that_cancels_ends_the_stream(void)
{
	Csi__V1__GetMetadataDeltaRequest message = CSI__V1__GET_METADATA_DELTA_REQUEST__INIT;
	struct rpc_request request = { &csi__v1__snapshot_metadata__descriptor, "GetMetadataDelta",
				       &message, 60000 };
	struct counting counting = { .limit = 5 };

	atomic_store(&desk.stream_error, FL_OK);
	FAILS(rpc_client_stream(desk.client, &request, count_delta, &counting, &test_error),
	      FL_EXISTS);
	SAME(test_error.text, "enough");
	EQUAL(counting.n, 5);
	OK(desk_await(&desk.stream_error, FL_OK + 1), "the handler goes on");
	EQUAL(atomic_load(&desk.stream_error), FL_TIMEOUT);
	OK(desk_last_done(&desk, "GetMetadataDelta").cancelled);
	WORKS(desk_probe(&desk, &test_error));
}

/* Flow control stops the handler; the limit of the server, one second here, ends it. */
static void a_caller_that_reads_nothing_is_cut(void)
{
	int fd = raw_connect(desk.path);

	atomic_store(&desk.stream_error, FL_OK);
	atomic_store(&desk.n_sent, 0);
	OK(raw_greet(fd) && raw_begin_call(fd, "/csi.v1.SnapshotMetadata/GetMetadataDelta", NULL));
	OK(raw_send_message(fd, false, NULL, 0));
	OK(desk_await(&desk.n_sent, 1), "nothing was sent");
	OK(desk_await(&desk.stream_error, FL_OK + 1), "the handler holds its worker");
	EQUAL(atomic_load(&desk.stream_error), FL_TIMEOUT);
	OK(atomic_load(&desk.n_sent) < 100, "%u messages went nowhere", desk.n_sent);
	close(fd);
}

/* Flow control lets everything through, so it is the socket that stops the handler. */
static void a_caller_that_takes_nothing_is_hung_up(void)
{
	static const unsigned char settings[] = { 0, 4, 0x7f, 0xff, 0xff, 0xff };
	static const unsigned char update[] = { 0x7f, 0, 0, 0 };
	int fd = raw_connect(desk.path);

	atomic_store(&desk.stream_error, FL_OK);
	OK(raw_greet(fd) && raw_send_frame(fd, RAW_SETTINGS, 0, settings, sizeof(settings)) &&
	   raw_send_frame(fd, RAW_WINDOW_UPDATE, 0, update, sizeof(update)));
	OK(raw_begin_call(fd, "/csi.v1.SnapshotMetadata/GetMetadataDelta", NULL));
	OK(raw_send_message(fd, false, NULL, 0));
	OK(desk_await(&desk.stream_error, FL_OK + 1), "the handler holds its worker");
	EQUAL(atomic_load(&desk.stream_error), FL_TIMEOUT);
	WORKS(desk_probe(&desk, &test_error));
	close(fd);
}

static const struct test tests[] = {
	{ "many messages arrive in order", many_messages_arrive_in_order },
	{ "a stream may be empty", a_stream_may_be_empty },
	{ "an error after messages arrives", an_error_after_messages_arrives },
	{ "a caller that cancels ends the stream", a_caller_that_cancels_ends_the_stream },
	{ "a caller that reads nothing is cut", a_caller_that_reads_nothing_is_cut },
	{ "a caller that takes nothing is hung up", a_caller_that_takes_nothing_is_hung_up },
};

int main(int argc, char **argv)
{
	struct rpc_server_options limits = { .patience_ms = 1000 };

	desk_open(&desk, "streams", &limits);
	int result = test_run(tests, FL_COUNT(tests), argc, argv);
	desk_close(&desk);
	return result;
}
