/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of a snapshot, printed as they arrive: there may be more of them than fit into
 * memory. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "lookup.h"
#include "verbs.h"

#define DIFF_PAUSE_MS 200

struct diff {
	struct orchestrator o;
	const char *output;
	const char *base; /* NULL: what is allocated in the target */
	const char *target;
	uint64_t next;              /* where a stream that broke is taken up again */
	uint64_t run_at, run_bytes; /* not printed yet: the next block may touch it */
	uint64_t n, sum, size;      /* ranges, their bytes, and those of the target */
	bool has_begun;
};

/* A member of the object, with what comes before it. */
static void diff_print_id(const char *lead, const char *key, const char *id)
{
	fl_cleanup(fl_json_release) json_t *text = json_string(id);
	fl_cleanup(fl_free) char *quoted = json_dumps(text, JSON_ENCODE_ANY);

	printf("%s  \"%s\": %s", lead, key, quoted ? quoted : "null");
}

static void diff_print_head(const struct diff *diff)
{
	if (strcmp(diff->output, "table") == 0)
		printf("%-16s  SIZE\n", "OFFSET");
	if (strcmp(diff->output, "json") != 0)
		return;
	if (diff->base)
		diff_print_id("{\n", "base", diff->base);
	printf("%s\n  \"blocks\": [", diff->base ? "," : "{");
}

static void diff_print_run(struct diff *diff)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	uint64_t offset = diff->run_at, bytes = diff->run_bytes;

	if (bytes == 0)
		return;
	if (strcmp(diff->output, "json") == 0)
		printf("%s\n    {\"offset\": %" PRIu64 ", \"size\": %" PRIu64 "}",
		       diff->n ? "," : "", offset, bytes);
	else if (strcmp(diff->output, "id") == 0)
		printf("%" PRIu64 "\n", offset);
	else
		printf("%-16" PRIu64 "  %s\n", offset, fl_text_format_size(arena, bytes));
	diff->n++;
	diff->sum += bytes;
	diff->run_bytes = 0;
}

static void diff_print_sum(const struct diff *diff)
{
	struct fl_arena *arena = diff->o.arena;

	if (strcmp(diff->output, "table") == 0)
		printf("%" PRIu64 " %s, %s of %s\n", diff->n, diff->n == 1 ? "range" : "ranges",
		       fl_text_format_size(arena, diff->sum),
		       fl_text_format_size(arena, diff->size));
	if (strcmp(diff->output, "json") != 0)
		return;
	printf("%s],\n  \"bytes\": %" PRIu64 ",\n  \"size\": %" PRIu64, diff->n ? "\n  " : "",
	       diff->sum, diff->size);
	diff_print_id(",\n", "target", diff->target);
	printf("\n}\n");
}

static int diff_add(struct diff *diff, const Csi__V1__BlockMetadata *block, struct fl_error *err)
{
	uint64_t offset = (uint64_t)block->byte_offset, bytes = (uint64_t)block->size_bytes;

	if (block->size_bytes <= 0 || block->byte_offset < 0 || offset < diff->next)
		return fl_error_set(err, FL_INTERNAL,
				    "the service told a block of %" PRId64 " bytes at %" PRId64
				    ", which cannot be",
				    block->size_bytes, block->byte_offset);
	if (diff->run_bytes > 0 && diff->run_at + diff->run_bytes == offset) {
		diff->run_bytes += bytes;
	} else {
		diff_print_run(diff);
		diff->run_at = offset;
		diff->run_bytes = bytes;
	}
	diff->next = offset + bytes;
	return 0;
}

static int diff_hear(struct diff *diff, int64_t size, Csi__V1__BlockMetadata *const *blocks,
		     size_t n, struct fl_error *err)
{
	diff->size = (uint64_t)size;
	if (!diff->has_begun)
		diff_print_head(diff);
	diff->has_begun = true;
	for (size_t i = 0; i < n; i++)
		if (diff_add(diff, blocks[i], err) < 0)
			return -1;
	return 0;
}

static int diff_hear_allocated(void *cookie, const void *message, struct fl_error *err)
{
	const Csi__V1__GetMetadataAllocatedResponse *answer = message;

	return diff_hear(cookie, answer->volume_capacity_bytes, answer->block_metadata,
			 answer->n_block_metadata, err);
}

static int diff_hear_delta(void *cookie, const void *message, struct fl_error *err)
{
	const Csi__V1__GetMetadataDeltaResponse *answer = message;

	return diff_hear(cookie, answer->volume_capacity_bytes, answer->block_metadata,
			 answer->n_block_metadata, err);
}

static int diff_stream(struct diff *diff, struct fl_error *err)
{
	Csi__V1__GetMetadataAllocatedRequest allocated =
		CSI__V1__GET_METADATA_ALLOCATED_REQUEST__INIT;
	Csi__V1__GetMetadataDeltaRequest delta = CSI__V1__GET_METADATA_DELTA_REQUEST__INIT;
	struct rpc_request request = { .service = &csi__v1__snapshot_metadata__descriptor,
				       .method = "GetMetadataAllocated",
				       .message = &allocated,
				       .timeout_ms = fl_clock_left_ms(diff->o.deadline) + 1 };

	allocated.snapshot_id = delta.target_snapshot_id = (char *)diff->target;
	allocated.starting_offset = delta.starting_offset = (int64_t)diff->next;
	if (!diff->base)
		return rpc_client_stream(diff->o.controller, &request, diff_hear_allocated, diff,
					 err);
	delta.base_snapshot_id = (char *)diff->base;
	request.method = "GetMetadataDelta";
	request.message = &delta;
	return rpc_client_stream(diff->o.controller, &request, diff_hear_delta, diff, err);
}

/* A stream that is refused or breaks because something else is going on is taken up where it
 * ended. */
static int diff_run(struct diff *diff, struct fl_error *err)
{
	struct fl_error failure = { 0 };

	while (diff_stream(diff, &failure) < 0) {
		if ((failure.code != FL_BUSY && failure.code != FL_UNAVAILABLE) ||
		    fl_clock_passed(diff->o.deadline)) {
			*err = failure;
			return -1;
		}
		progress_say(&diff->o.progress, failure.text);
		fl_clock_sleep_ms(DIFF_PAUSE_MS);
	}
	progress_end(&diff->o.progress);
	diff_print_run(diff);
	diff_print_sum(diff);
	return 0;
}

static void diff_release(struct diff *diff)
{
	orchestrator_close(&diff->o);
}

static int snapshot_diff_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct client_options *options = invocation->options;
	const struct fl_strings *words = &invocation->operands;
	fl_cleanup(diff_release) struct diff diff = { .output = options->output };

	if (orchestrator_open(invocation->arena, options, &diff.o, err) < 0 ||
	    lookup_snapshot_id(&diff.o, words->items[words->n - 1], &diff.target, err) < 0 ||
	    (words->n > 1 && lookup_snapshot_id(&diff.o, words->items[0], &diff.base, err) < 0))
		return -1;
	return diff_run(&diff, err);
}

const struct command snapshot_diff_command = {
	.name = "snapshot diff",
	.operands = "SNAPSHOT [LATER]",
	.min_operands = 1,
	.max_operands = 2,
	.summary = "show which bytes changed from one snapshot of a volume to a later one",
	.details =
		"With one SNAPSHOT alone, which of its bytes were ever written: all others read as "
		"zeros.",
	.sets = { CLIENT_SET },
	.options_size = sizeof(struct client_options),
	.run = snapshot_diff_run,
};
