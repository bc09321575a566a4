/* SPDX-License-Identifier: Apache-2.0 */
/* listing DIRECTORY: a pool of backend file remembers what listings have read, and believes none of it:
 * whatever has happened since shows in the next one, also what another process did. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/pools.h"
#include "base/clock.h"
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

static void overwrite(const char *name, off_t at)
{
	fl_cleanup(fl_close) int fd = open(
		fl_arena_printf(op.arena, "%s/volumes/%s", directory, name), O_RDWR | O_CLOEXEC);

	OK(fd >= 0 && pwrite(fd, "?", 1, at) == 1, "%s", name);
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
	overwrite("b/owner", 90);
	SAME(listed(), "a 1048576 0 \nb 1048576 ?\nc 1048576 0 \n");
	overwrite("a/meta", 90);
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

static const struct test tests[] = {
	{ "our own changes show", our_own_changes_show },
	{ "the changes of another controller show", the_changes_of_another_controller_show },
	{ "damage shows", damage_shows },
	{ "a page begins anywhere", a_page_begins_anywhere },
};

int main(int argc, char **argv)
{
	struct fl_error err;
	int result;

	if (argc < 2) {
		fprintf(stderr, "usage: listing DIRECTORY [TEST]\n");
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
	result = test_run(tests, FL_COUNT(tests), argc - 1, argv + 1);
	fl_pool_close(other);
	fl_pool_close(pool);
	life_op_release(&op);
	return result;
}
