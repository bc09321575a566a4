/* SPDX-License-Identifier: Apache-2.0 */
/* listing DIRECTORY [MANY]: a pool of backend file remembers what listings have read, and believes
 * none of it: whatever has happened since shows in the next one, also what another process did.
 * With MANY volumes it reads them with two threads. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/pools.h"
#include "base/clock.h"
#include "base/file.h"
#include "leftovers.h"
#include "life.h"
#include "tests/test.h"

#define SIZE (1ull << 20)
/* By then what was read is remembered: stamps count after three seconds. */
#define SETTLED_MS 3300

static const struct fl_backend *backend;
static const char *directory;
static struct fl_pool *pool, *other; /* two controllers on one directory */
static struct fl_op op;

static const char *print(const struct fl_volume *volume)
{
	const struct fl_record *owner = volume->owner;

	if (volume->health.n)
		return fl_arena_printf(op.arena, "%s %s\n", volume->handle,
				       volume->health.entries[0].reason);
	if (!owner)
		return fl_arena_printf(op.arena, "%s %" PRIu64 " ?\n", volume->handle,
				       volume->size_bytes);
	return fl_arena_printf(op.arena, "%s %" PRIu64 " %" PRIu64 " %s\n", volume->handle,
			       volume->size_bytes, owner->version, owner->value);
}

static int add(void *cookie, const struct fl_volume *volume)
{
	const char **text = cookie;

	*text = fl_arena_printf(op.arena, "%s%s", *text, print(volume));
	return 0;
}

/* A line a volume: handle, size, version and value of its owner record. */
static const char *listed(void)
{
	const char *text = "";

	WORKS(fl_volume_list(pool, &op, NULL, add, &text, &test_error));
	return text;
}

static void create_of(struct fl_pool *by, const char *name, uint64_t size)
{
	struct fl_volume_spec spec = { .name = name, .min_bytes = size, .thin = true };
	struct fl_volume volume;

	WORKS(fl_volume_create(by, &op, &spec, &volume, &test_error));
}

static void own(struct fl_pool *by, const char *name, uint64_t version, const char *value)
{
	WORKS(fl_volume_record_set(by, &op, name, FL_RECORD_OWNER, version, value, &version,
				   &test_error));
}

/* Damages a record as what restores files and what edits them do: a new file takes its place. */
static void damage(const char *volume, const char *key, size_t at)
{
	const char *folder = fl_arena_printf(op.arena, "%s/volumes/%s", directory, volume);
	fl_cleanup(fl_close) int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *text;
	size_t size;

	WORKS(fl_file_read(op.arena, dir_fd, key, 4096, &text, &size, &test_error));
	((char *)text)[at] = '?';
	WORKS(fl_file_replace(dir_fd, key, text, size, 0600, &test_error));
}

static void begin(void)
{
	create_of(pool, "a", SIZE);
	create_of(pool, "b", SIZE);
	create_of(pool, "c", SIZE);
	own(pool, "b", 0, "one");
	fl_clock_sleep_ms(SETTLED_MS);
	SAME(listed(), "a 1048576 0 \nb 1048576 1 one\nc 1048576 0 \n");
	SAME(listed(), "a 1048576 0 \nb 1048576 1 one\nc 1048576 0 \n");
}

static void end(void)
{
	static const char *const names[] = { "a", "b", "c", "d" };

	for (size_t i = 0; i < FL_COUNT(names); i++)
		WORKS(fl_volume_delete(pool, &op, names[i], &test_error));
	SAME(listed(), "");
	EQUAL(leftovers_print(directory), 0);
}

static void changes_show(struct fl_pool *by)
{
	uint64_t size;

	begin();
	own(by, "a", 0, "two");
	own(by, "b", 1, "six");
	WORKS(fl_volume_resize(by, &op, "c", 2 * SIZE, 0, &size, &test_error));
	SAME(listed(), "a 1048576 1 two\nb 1048576 2 six\nc 2097152 0 \n");
	WORKS(fl_volume_delete(by, &op, "a", &test_error));
	WORKS(fl_volume_delete(by, &op, "b", &test_error));
	create_of(by, "d", SIZE);
	create_of(by, "b", 3 * SIZE);
	SAME(listed(), "b 3145728 0 \nc 2097152 0 \nd 1048576 0 \n");
	end();
}

static void our_own_changes_show(void)
{
	changes_show(pool);
}

static void the_changes_of_another_controller_show(void)
{
	changes_show(other);
}

static void damage_shows(void)
{
	begin();
	damage("b", "owner", 40);
	SAME(listed(), "a 1048576 0 \nb 1048576 ?\nc 1048576 0 \n");
	damage("a", "meta", 40);
	SAME(listed(), "a RecordDamaged\nb 1048576 ?\nc 1048576 0 \n");
	OK(truncate(fl_arena_printf(op.arena, "%s/volumes/c/image", directory), SIZE / 2) == 0);
	SAME(listed(), "a RecordDamaged\nb 1048576 ?\nc ImageTruncated\n");
	end();
}

static void a_page_begins_anywhere(void)
{
	const char *text = "";

	begin();
	WORKS(fl_volume_list(pool, &op, "a", add, &text, &test_error));
	SAME(text, "b 1048576 1 one\nc 1048576 0 \n");
	text = "";
	WORKS(fl_volume_list(pool, &op, "bb", add, &text, &test_error));
	SAME(text, "c 1048576 0 \n");
	text = "";
	WORKS(fl_volume_list(pool, &op, "c", add, &text, &test_error));
	SAME(text, "");
	end();
}

/* What is written into the file of a record, which no writer of records does, is found by whoever
 * needs the record; only a list that remembers it does not look. */
static void damage_in_place_is_found_by_who_needs_the_record(void)
{
	const char *path = fl_arena_printf(op.arena, "%s/volumes/a/meta", directory);
	fl_cleanup(fl_close) int fd = -1;
	struct fl_health health = { 0 };
	struct fl_volume volume;

	begin();
	fd = open(path, O_RDWR | O_CLOEXEC);
	OK(fd >= 0 && pwrite(fd, "?", 1, 90) == 1);
	FAILS(fl_volume_get(pool, &op, "a", &volume, &test_error), FL_INTERNAL);
	WORKS(fl_volume_health(pool, &op, "a", &health, &test_error));
	OK(health.n == 1);
	SAME(health.entries[0].reason, "RecordDamaged");
	end();
}

static size_t many;

struct order {
	const char *last;
	size_t n;
};

static int in_order(void *cookie, const struct fl_volume *volume)
{
	struct order *order = cookie;
	const char *owned = fl_arena_printf(op.arena, "of %s", volume->handle);

	OK(!order->last || strcmp(order->last, volume->handle) < 0, "%s", volume->handle);
	OK(volume->owner && strcmp(volume->owner->value, owned) == 0, "%s", volume->handle);
	EQUAL(volume->size_bytes, SIZE);
	order->last = fl_arena_strdup(op.arena, volume->handle);
	order->n++;
	return 0;
}

static int first(void *cookie, const struct fl_volume *volume)
{
	(void)volume;
	return ++*(size_t *)cookie >= 10;
}

/* Whatever the two threads find, and when, and where a page ends. */
static void a_large_pool_lists_once_and_whole(void)
{
	size_t n = 0;

	for (size_t i = 0; i < many; i++) {
		const char *name = fl_arena_printf(op.arena, "v%06zu", i);

		create_of(pool, name, SIZE);
		own(pool, name, 0, fl_arena_printf(op.arena, "of %s", name));
	}
	fl_clock_sleep_ms(SETTLED_MS);
	WORKS(fl_volume_list(other, &op, NULL, first, &n, &test_error));
	EQUAL(n, 10);
	for (int round = 0; round < 3; round++) {
		struct order order = { 0 };

		WORKS(fl_volume_list(other, &op, NULL, in_order, &order, &test_error));
		EQUAL(order.n, many);
	}
	for (size_t i = 0; i < many; i++)
		WORKS(fl_volume_delete(pool, &op, fl_arena_printf(op.arena, "v%06zu", i),
				       &test_error));
	EQUAL(leftovers_print(directory), 0);
}

static const struct test large[] = {
	{ "a large pool lists once and whole", a_large_pool_lists_once_and_whole },
};

static const struct test tests[] = {
	{ "our own changes show", our_own_changes_show },
	{ "the changes of another controller show", the_changes_of_another_controller_show },
	{ "damage shows", damage_shows },
	{ "damage in place is found by who needs the record",
	  damage_in_place_is_found_by_who_needs_the_record },
	{ "a page begins anywhere", a_page_begins_anywhere },
};

int main(int argc, char **argv)
{
	struct fl_error err;
	int result;

	if (argc < 2) {
		fprintf(stderr, "usage: listing DIRECTORY [MANY]\n");
		return 2;
	}
	directory = argv[1];
	op = life_op();
	if (fl_backend_load("file", &backend, &err) < 0 ||
	    life_open(backend, directory, &pool, &err) < 0 ||
	    life_open(backend, directory, &other, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (argc > 2)
		many = (size_t)strtoul(argv[2], NULL, 10);
	result = test_run(many ? large : tests, many ? FL_COUNT(large) : FL_COUNT(tests), 1, argv);
	fl_pool_close(other);
	fl_pool_close(pool);
	life_op_release(&op);
	return result;
}
