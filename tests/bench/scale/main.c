/* SPDX-License-Identifier: Apache-2.0 */
/* What a pool of very many volumes costs, by the real calls.
 *
 * scale fill ENDPOINT FROM TO        makes volumes FROM to TO-1, by several clients
 * scale publish ENDPOINT NODE TO     publishes volumes 0 to TO-1 to NODE
 * scale empty ENDPOINT               deletes every volume
 * scale list ENDPOINT MAX ROUNDS     lists everything; a line a round: "microseconds volumes pages bytes
 *                                    slowest", where bytes is the largest answer and slowest the
 *                                    slowest page in microseconds
 * scale check ENDPOINT MAX TO OTHER  lists from ENDPOINT and OTHER in turns, page by page: volumes
 * 0 to TO-1
 *                                    must show exactly once, all in order, and no page pass 3 MiB
 * scale create ENDPOINT ROUNDS       makes and deletes one volume more; a line a round: microseconds
 *
 * MAX is max_entries of ListVolumes. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/parallel/calls.h"

#define SCALE_CLIENTS 8
#define SCALE_AGAIN 8 /* of so many volumes, one is attached a second time */
#define SCALE_BYTES ((int64_t)1 << 30)
#define SCALE_PAGE_BYTES ((size_t)3 << 20)

struct scale {
	const char *endpoint;
	const char *node;
	atomic_ulong next;
	unsigned long end;
	char **ids; /* to be deleted, up to `end` */
};

static void scale_fail(const char *what, const char *which)
{
	fprintf(stderr, "scale: %s: %s\n", what, which);
	exit(1);
}

static void scale_must(const struct calls *calls, int result, const char *what)
{
	if (result == 0)
		return;
	fprintf(stderr, "scale: %s: %s: %s\n", what, fl_error_name(calls->error.code),
		calls->error.text);
	exit(1);
}

/* As external-provisioner names them. */
static const char *scale_name(struct calls *calls, unsigned long number)
{
	return fl_arena_printf(calls->arena, "pvc-%08lx-0000-4000-8000-%012lx",
			       number * 2654435761ul % 0xffffffff, number);
}

static void scale_create(struct scale *scale, struct calls *calls, unsigned long number)
{
	const struct calls_create wish = { .name = scale_name(calls, number),
					   .bytes = SCALE_BYTES };

	(void)scale;
	scale_must(calls, calls_create(calls, &wish, NULL), "CreateVolume");
}

static void scale_publish(struct scale *scale, struct calls *calls, unsigned long number)
{
	const struct calls_create wish = { .name = scale_name(calls, number),
					   .bytes = SCALE_BYTES };
	const Csi__V1__Volume *volume;

	scale_must(calls, calls_create(calls, &wish, &volume), "CreateVolume");
	scale_must(calls, calls_publish(calls, volume->volume_id, scale->node, NULL),
		   "ControllerPublishVolume");
	/* Volumes have not all the same past. */
	if (number % SCALE_AGAIN != 0)
		return;
	scale_must(calls, calls_unpublish(calls, volume->volume_id, scale->node),
		   "ControllerUnpublishVolume");
	scale_must(calls, calls_publish(calls, volume->volume_id, scale->node, NULL),
		   "ControllerPublishVolume");
}

static void scale_delete(struct scale *scale, struct calls *calls, unsigned long number)
{
	scale_must(calls, calls_unpublish(calls, scale->ids[number], ""),
		   "ControllerUnpublishVolume");
	scale_must(calls, calls_delete(calls, scale->ids[number]), "DeleteVolume");
}

struct scale_client {
	struct scale *scale;
	void (*each)(struct scale *scale, struct calls *calls, unsigned long number);
};

static void *scale_client_run(void *cookie)
{
	const struct scale_client *client = cookie;
	struct scale *scale = client->scale;
	struct calls calls;
	unsigned long number;

	calls_open(&calls, scale->endpoint);
	while ((number = atomic_fetch_add(&scale->next, 1)) < scale->end) {
		client->each(scale, &calls, number);
		calls_forget(&calls);
	}
	calls_close(&calls);
	return NULL;
}

static void scale_run(struct scale *scale,
		      void (*each)(struct scale *scale, struct calls *calls, unsigned long number))
{
	struct scale_client client = { scale, each };
	pthread_t threads[SCALE_CLIENTS];

	for (size_t i = 0; i < SCALE_CLIENTS; i++)
		if ((errno = pthread_create(&threads[i], NULL, scale_client_run, &client)))
			exit(1);
	for (size_t i = 0; i < SCALE_CLIENTS; i++)
		pthread_join(threads[i], NULL);
}

static void scale_empty(struct scale *scale)
{
	const Csi__V1__ListVolumesResponse *page;
	struct calls calls;

	calls_open(&calls, scale->endpoint);
	do {
		calls_forget(&calls);
		scale_must(&calls, calls_volumes(&calls, 0, "", &page), "ListVolumes");
		scale->ids = fl_arena_array(calls.arena, page->n_entries + 1, sizeof(char *));
		scale->end = page->n_entries;
		scale->next = 0;
		for (size_t i = 0; i < page->n_entries; i++)
			scale->ids[i] = page->entries[i]->volume->volume_id;
		scale_run(scale, scale_delete);
	} while (scale->end);
	calls_close(&calls);
}

static void scale_list(struct scale *scale, int32_t max)
{
	size_t volumes = 0, pages = 0, largest = 0;
	uint64_t took = 0, slowest = 0;
	const char *token = "";
	struct calls calls;

	calls_open(&calls, scale->endpoint);
	do {
		const Csi__V1__ListVolumesResponse *page;
		size_t bytes;

		scale_must(&calls, calls_volumes(&calls, max, token, &page), "ListVolumes");
		bytes = protobuf_c_message_get_packed_size(&page->base);
		largest = bytes > largest ? bytes : largest;
		slowest = calls.took_us > slowest ? calls.took_us : slowest;
		took += calls.took_us;
		volumes += page->n_entries;
		pages++;
		token = page->next_token;
	} while (token[0]);
	printf("%" PRIu64 " %zu %zu %zu %" PRIu64 "\n", took, volumes, pages, largest, slowest);
	calls_close(&calls);
}

/* What a listing has shown so far. */
struct scale_seen {
	bool *volumes; /* by number */
	unsigned long end;
	const char *last; /* id */
};

static void scale_see(struct scale_seen *seen, const char *id)
{
	const char *tail = strrchr(id, '-');
	unsigned long number = tail ? strtoul(tail + 1, NULL, 16) : 0;

	if (seen->last && strcmp(seen->last, id) >= 0)
		scale_fail("out of order", id);
	seen->last = id;
	/* Others come and go meanwhile. */
	if (!strstr(id, "-8000-"))
		return;
	if (number >= seen->end || seen->volumes[number])
		scale_fail("twice, or never made", id);
	seen->volumes[number] = true;
}

static void scale_check(struct scale *scale, int32_t max, const char *other)
{
	struct scale_seen seen = { .end = scale->end };
	struct calls both[2];
	const char *token = "";
	size_t pages = 0;

	calls_open(&both[0], scale->endpoint);
	calls_open(&both[1], other);
	seen.volumes = fl_arena_array(both[0].arena, seen.end, sizeof(*seen.volumes));
	do {
		struct calls *calls = &both[pages++ % 2];
		const Csi__V1__ListVolumesResponse *page;

		scale_must(calls, calls_volumes(calls, max, token, &page), "ListVolumes");
		if (protobuf_c_message_get_packed_size(&page->base) > SCALE_PAGE_BYTES)
			scale_fail("an answer passes 3 MiB", token);
		for (size_t i = 0; i < page->n_entries; i++)
			scale_see(&seen, page->entries[i]->volume->volume_id);
		token = page->next_token;
	} while (token[0]);
	for (unsigned long i = 0; i < seen.end; i++)
		if (!seen.volumes[i])
			scale_fail("not listed", scale_name(&both[0], i));
	printf("%zu\n", pages);
	calls_close(&both[0]);
	calls_close(&both[1]);
}

static void scale_one_more(struct scale *scale, unsigned long round)
{
	struct calls_create wish = { .bytes = SCALE_BYTES };
	const Csi__V1__Volume *volume;
	struct calls calls;

	calls_open(&calls, scale->endpoint);
	wish.name = fl_arena_printf(calls.arena, "pvc-%08lx-one-more",
				    round * 2654435761ul % 0xffffffff);
	scale_must(&calls, calls_create(&calls, &wish, &volume), "CreateVolume");
	printf("%" PRIu64 "\n", calls.took_us);
	scale_must(&calls, calls_delete(&calls, volume->volume_id), "DeleteVolume");
	calls_close(&calls);
}

static unsigned long scale_number(const char *text)
{
	return strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	struct scale scale = { .endpoint = argc > 2 ? argv[2] : "" };
	const char *verb = argc > 2 ? argv[1] : "";

	if (strcmp(verb, "fill") == 0 && argc == 5) {
		scale.next = scale_number(argv[3]);
		scale.end = scale_number(argv[4]);
		scale_run(&scale, scale_create);
	} else if (strcmp(verb, "publish") == 0 && argc == 5) {
		scale.node = argv[3];
		scale.end = scale_number(argv[4]);
		scale_run(&scale, scale_publish);
	} else if (strcmp(verb, "empty") == 0 && argc == 3) {
		scale_empty(&scale);
	} else if (strcmp(verb, "list") == 0 && argc == 5) {
		for (unsigned long i = scale_number(argv[4]); i > 0; i--)
			scale_list(&scale, (int32_t)scale_number(argv[3]));
	} else if (strcmp(verb, "check") == 0 && argc == 6) {
		scale.end = scale_number(argv[4]);
		scale_check(&scale, (int32_t)scale_number(argv[3]), argv[5]);
	} else if (strcmp(verb, "create") == 0 && argc == 4) {
		for (unsigned long i = scale_number(argv[3]); i > 0; i--)
			scale_one_more(&scale, i);
	} else {
		return 2;
	}
	return 0;
}
