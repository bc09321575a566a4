/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of volumes and snapshots from peers: what is one is written again as the same text and leads
 * to a pool of ours and a handle that is safe in a path; all else is NOT_FOUND, in one line. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/pools.h"
#include "base/clock.h"
#include "base/file.h"
#include "fuzz.h"
#include "place.h"

#define ID_LINES 64

static const char *folder;
static struct fl_arena *arena;
static struct fl_settings settings;
static struct fl_pools *pools;
static const char *lines[ID_LINES];
static size_t n_lines;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void tear_down(void)
{
	fl_pools_close(pools);
	fl_arena_free(arena);
	place_remove(folder);
}

/* A pool that is reached from one node only, whose ids have the node, and one that is not. */
static void set_up(void)
{
	struct fl_error err = { 0 };
	const char *text, *path;

	folder = place_make();
	arena = fl_arena_new(0);
	path = fl_arena_printf(arena, "%s/fairlead.yaml", folder);
	text = fl_arena_printf(
		arena,
		"node: { id: n1 }\npools:\n"
		"  - { name: default, backend: file, directory: %s/a }\n"
		"  - { name: shared, backend: file, directory: %s/b, shared: true }\n",
		folder, folder);
	must(fl_file_replace(AT_FDCWD, path, text, strlen(text), 0600, &err) == 0);
	must(fl_settings_load(arena, path, &settings, &err) == 0);
	struct fl_op op = { .id = "fuzz", .deadline = fl_clock_after_ms(60000), .arena = arena };

	must(fl_pools_open(&settings, &op, &pools, &err) == 0);
	must(fl_file_read(arena, AT_FDCWD, FUZZ_CORPUS "/ids.txt", FUZZ_MAX_BYTES, &text, NULL,
			  &err) == 0);
	for (; *text && n_lines < ID_LINES; text += strcspn(text, "\n") + 1)
		lines[n_lines++] = fl_arena_strndup(arena, text, strcspn(text, "\n"));
	atexit(tear_down);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fl_cleanup(fl_arena_release) struct fl_arena *own = fl_arena_new(0);
	struct fl_object_id id;
	struct fl_error err = { 0 };
	const char *text;

	if (!pools)
		set_up();
	text = fl_arena_strndup(own, (const char *)data, size);
	if (fl_object_id_parse(own, pools, text, "volume", &id, &err) < 0) {
		must(err.code == FL_NOT_FOUND && err.text[0] && !strpbrk(err.text, "\n\r\t"));
		return 0;
	}
	must(id.pool && fl_pools_get(pools, id.pool->name) == id.pool);
	must(id.handle[0] && id.handle[0] != '.' && !strchr(id.handle, '/'));
	if (!id.node || strcmp(id.node, "n1") == 0)
		must(strcmp(fl_object_id_format(own, pools, id.pool, id.handle), text) == 0);
	return 0;
}

size_t fuzz_seed(size_t i, uint8_t *ret)
{
	if (!pools)
		set_up();
	memcpy(ret, lines[i % n_lines], strlen(lines[i % n_lines]));
	return strlen(lines[i % n_lines]);
}
