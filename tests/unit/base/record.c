/* SPDX-License-Identifier: Apache-2.0 */
/* Records: this long because each way to damage, remove or fight over one is a case of its own. */
#include "base/record.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/test.h"

static char folder[] = "/tmp/fl-record-XXXXXX";
static int dir_fd;
static struct fl_arena *arena;

static struct fl_record get(const char *key)
{
	struct fl_record record = { .version = 999 };

	WORKS(fl_record_get(arena, dir_fd, key, &record, &test_error));
	return record;
}

static uint64_t set(const char *key, uint64_t expected, const char *value)
{
	uint64_t version = 0;

	WORKS(fl_record_compare_and_set(arena, dir_fd, key, expected, value, &version,
					&test_error));
	return version;
}

static void absence_is_version_zero(void)
{
	struct fl_record record = get("absent");

	EQUAL(record.version, 0);
	SAME(record.value, "");
}

static void versions_count_up(void)
{
	EQUAL(set("a", 0, "one"), 1);
	EQUAL(set("a", 1, "two"), 2);
	EQUAL(set("a", 2, ""), 3);
	EQUAL(get("a").version, 3);
	SAME(get("a").value, "");
	EQUAL(set("a", 3, "line\nline ä\n"), 4);
	SAME(get("a").value, "line\nline ä\n");
}

static void another_version_is_refused(void)
{
	uint64_t version = 77;

	FAILS(fl_record_compare_and_set(arena, dir_fd, "b", 1, "x", &version, &test_error),
	      FL_BUSY);
	EQUAL(get("b").version, 0);
	set("b", 0, "first");
	FAILS(fl_record_compare_and_set(arena, dir_fd, "b", 0, "x", &version, &test_error),
	      FL_BUSY);
	FAILS(fl_record_compare_and_set(arena, dir_fd, "b", 2, "x", &version, &test_error),
	      FL_BUSY);
	SAME(test_error.text, "record b was changed meanwhile: it has version 1, not 2");
	EQUAL(version, 77);
	SAME(get("b").value, "first");
}

static void the_largest_value_fits(void)
{
	static char value[FL_RECORD_MAX + 2];
	uint64_t version;

	memset(value, 'v', FL_RECORD_MAX);
	EQUAL(set("large", 0, value), 1);
	SAME(get("large").value, value);
	value[FL_RECORD_MAX] = 'v';
	FAILS(fl_record_compare_and_set(arena, dir_fd, "large", 1, value, &version, &test_error),
	      FL_INVALID);
	EQUAL(get("large").version, 1);
}

/* Around the size up to which a record is read at once. */
static void records_of_every_length_are_whole(void)
{
	char value[1200];

	for (size_t n = 800; n < sizeof(value); n++) {
		const char *key = fl_arena_printf(arena, "long-%zu", n);

		memset(value, 'v', n);
		value[n] = '\0';
		EQUAL(set(key, 0, value), 1);
		SAME(get(key).value, value);
	}
}

static void records_are_read_in_a_folder_below(void)
{
	fl_cleanup(fl_close) int fd = -1;
	struct fl_record record;
	uint64_t version;

	OK(mkdirat(dir_fd, "below", 0700) == 0);
	fd = openat(dir_fd, "below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	WORKS(fl_record_compare_and_set(arena, fd, "r", 0, "deep", &version, &test_error));
	WORKS(fl_record_get_in(arena, dir_fd, "below", "r", &record, &test_error));
	EQUAL(record.version, 1);
	SAME(record.value, "deep");
	WORKS(fl_record_get_in(arena, dir_fd, "below", "s", &record, &test_error));
	EQUAL(record.version, 0);
	FAILS(fl_record_get_in(arena, dir_fd, "below", "../r", &record, &test_error), FL_INVALID);
}

/* Who owns neither the file nor the right to leave its time of access alone reads it as well. */
static void records_of_somebody_else_are_read(void)
{
	struct fl_record record;
	int result;

	set("theirs", 0, "x");
	OK(fchmodat(dir_fd, "theirs", 0644, 0) == 0 && fchmod(dir_fd, 0755) == 0);
	setfsuid(65534);
	result = fl_record_get(arena, dir_fd, "theirs", &record, &test_error);
	setfsuid(0);
	OK(result == 0, "%s", test_error.text);
	SAME(record.value, "x");
}

/* Lists read very many. */
static void reading_writes_no_time_of_access(void)
{
	const struct timespec never_read[2] = { { 0 }, { .tv_nsec = UTIME_NOW } };
	struct stat st;

	set("read", 0, "x");
	OK(utimensat(dir_fd, "read", never_read, 0) == 0);
	SAME(get("read").value, "x");
	OK(fstatat(dir_fd, "read", &st, 0) == 0);
	EQUAL(st.st_atime, 0);
}

static void a_pipe_is_damage_and_holds_nobody(void)
{
	struct fl_record record;

	OK(mkfifoat(dir_fd, "pipe", 0600) == 0);
	FAILS(fl_record_get(arena, dir_fd, "pipe", &record, &test_error), FL_INTERNAL);
}

static void keys_are_safe_names(void)
{
	static const char *const bad[] = { "", "..", "a/b", ".hidden", "a b", "a.new" };
	struct fl_record record;
	uint64_t version;

	for (size_t i = 0; i < FL_COUNT(bad); i++) {
		FAILS(fl_record_get(arena, dir_fd, bad[i], &record, &test_error), FL_INVALID);
		FAILS(fl_record_compare_and_set(arena, dir_fd, bad[i], 0, "x", &version,
						&test_error),
		      FL_INVALID);
	}
}

/* Each byte of the file, changed or cut off or doubled, makes it damaged and never another
 * record. */
static void damage_is_found_at_every_byte(void)
{
	struct fl_record record;
	const char *good;
	size_t size;

	set("d", 0, "precious");
	WORKS(fl_file_read(arena, dir_fd, "d", 4096, &good, &size, &test_error));
	for (size_t i = 0; i < size; i++) {
		char *bad = fl_arena_alloc(arena, size + 1);

		memcpy(bad, good, size);
		bad[i] ^= 1;
		WORKS(fl_file_replace(dir_fd, "d", bad, size, 0600, &test_error));
		FAILS(fl_record_get(arena, dir_fd, "d", &record, &test_error), FL_INTERNAL);
		OK(strstr(test_error.text, "record d is damaged: ") == test_error.text, "%s",
		   test_error.text);
		bad[i] = '\0';
		WORKS(fl_file_replace(dir_fd, "d", bad, size, 0600, &test_error));
		FAILS(fl_record_get(arena, dir_fd, "d", &record, &test_error), FL_INTERNAL);
		WORKS(fl_file_replace(dir_fd, "d", good, i, 0600, &test_error));
		FAILS(fl_record_get(arena, dir_fd, "d", &record, &test_error), FL_INTERNAL);
	}
}

static void a_damaged_record_is_never_overwritten(void)
{
	static const char *const bad[] = {
		"",
		"precious",
		"fairlead-record 1 ",
		"fairlead-record 1 x\n",
		"fairlead-record 1 99999999999999999999999 0 x\n",
		"fairlead-record 2 1 0 x\n",
	};
	uint64_t version;

	for (size_t i = 0; i < FL_COUNT(bad); i++) {
		WORKS(fl_file_replace(dir_fd, "o", bad[i], strlen(bad[i]), 0600, &test_error));
		for (uint64_t expected = 0; expected < 3; expected++)
			FAILS(fl_record_compare_and_set(arena, dir_fd, "o", expected, "x", &version,
							&test_error),
			      FL_INTERNAL);
	}
}

static void a_huge_file_is_damage_and_not_read(void)
{
	struct fl_record record;
	int fd = openat(dir_fd, "huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	OK(ftruncate(fd, (off_t)1 << 40) == 0);
	close(fd);
	FAILS(fl_record_get(arena, dir_fd, "huge", &record, &test_error), FL_INTERNAL);
	OK(strstr(test_error.text, "record huge is damaged: it is too long for a record"), "%s",
	   test_error.text);
}

static void a_left_over_of_a_crash_is_ignored(void)
{
	set("c", 0, "old");
	WORKS(fl_file_replace(dir_fd, "c.new", "half", 4, 0600, &test_error));
	SAME(get("c").value, "old");
	EQUAL(set("c", 1, "new"), 2);
	SAME(get("c").value, "new");
	OK(faccessat(dir_fd, "c.new", F_OK, 0) != 0);
}

/* Adds one, `times` times, by reading, deciding and trying again. */
static int increment(const char *key, int times)
{
	fl_cleanup(fl_arena_release) struct fl_arena *own = fl_arena_new(0);
	struct fl_record record;
	struct fl_error err;
	uint64_t version;

	while (times > 0) {
		const char *next;

		if (fl_record_get(own, dir_fd, key, &record, &err) < 0)
			return -1;
		next = fl_arena_printf(own, "%ld", strtol(record.value, NULL, 10) + 1);
		if (fl_record_compare_and_set(own, dir_fd, key, record.version, next, &version,
					      &err) == 0)
			times--;
		else if (err.code != FL_BUSY)
			return -1;
	}
	return 0;
}

static void *increment_in_thread(void *failed)
{
	if (increment("shared", 25) < 0)
		*(_Atomic int *)failed = 1;
	return NULL;
}

static void threads_and_processes_lose_no_change(void)
{
	pthread_t threads[3];
	pid_t children[2];
	_Atomic int failed = 0;
	int status;

	for (size_t i = 0; i < FL_COUNT(children); i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(increment("shared", 25) < 0 ? 1 : 0);
	}
	for (size_t i = 0; i < FL_COUNT(threads); i++)
		pthread_create(&threads[i], NULL, increment_in_thread, &failed);
	for (size_t i = 0; i < FL_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < FL_COUNT(children); i++) {
		waitpid(children[i], &status, 0);
		EQUAL(status, 0);
	}
	EQUAL(failed, 0);
	SAME(get("shared").value, "125");
	EQUAL(get("shared").version, 125);
}

static void a_writer_killed_anywhere_leaves_old_or_new(void)
{
	uint64_t version = 0;

	for (int round = 0; round < 60; round++) {
		pid_t child = fork();
		struct fl_record record;

		if (child == 0) {
			increment("killed", 1000000);
			_exit(0);
		}
		usleep((useconds_t)(500 + round * 97));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		record = get("killed");
		OK(record.version >= version && strtoull(record.value, NULL, 10) == record.version,
		   "version %ju, value %s", (uintmax_t)record.version, record.value);
		version = record.version;
	}
	OK(version > 0);
	EQUAL(set("killed", version, "x"), version + 1);
}

static void a_lock_held_for_a_moment_is_waited_for(void)
{
	pid_t child;
	int fds[2];
	char byte;

	OK(pipe2(fds, O_CLOEXEC) == 0);
	child = fork();
	if (child == 0) {
		int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		flock(fd, LOCK_EX);
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
		fl_clock_sleep_ms(200);
		_exit(0);
	}
	EQUAL(read(fds[0], &byte, 1), 1);
	EQUAL(set("waited", 0, "x"), 1);
	waitpid(child, NULL, 0);
	close(fds[0]);
	close(fds[1]);
}

static void records_are_private(void)
{
	struct stat st;

	set("private", 0, "x");
	OK(fstatat(dir_fd, "private", &st, 0) == 0 && (st.st_mode & 0777) == 0600);
}

static void a_record_is_made_once(void)
{
	WORKS(fl_record_make(arena, dir_fd, "made", 1234567890123456789ull, "x", &test_error));
	EQUAL(get("made").version, 1234567890123456789ull);
	FAILS(fl_record_make(arena, dir_fd, "made", 5, "y", &test_error), FL_BUSY);
	SAME(get("made").value, "x");
	EQUAL(set("made", 1234567890123456789ull, "z"), 1234567890123456790ull);
}

static void a_record_is_removed_at_its_version(void)
{
	set("gone", 0, "one");
	set("gone", 1, "two");
	WORKS(fl_file_replace(dir_fd, "gone.new", "half", 4, 0600, &test_error));
	FAILS(fl_record_remove(arena, dir_fd, "gone", 1, &test_error), FL_BUSY);
	SAME(get("gone").value, "two");
	WORKS(fl_record_remove(arena, dir_fd, "gone", 2, &test_error));
	EQUAL(get("gone").version, 0);
	OK(faccessat(dir_fd, "gone", F_OK, 0) != 0 && faccessat(dir_fd, "gone.new", F_OK, 0) != 0);
	WORKS(fl_record_remove(arena, dir_fd, "gone", 2, &test_error));
	WORKS(fl_record_remove(arena, dir_fd, "gone", 0, &test_error));
	FAILS(fl_record_remove(arena, dir_fd, "a/b", 0, &test_error), FL_INVALID);
}

static void what_dead_writers_left_is_swept(void)
{
	fl_cleanup(fl_close) int writer = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	set("kept", 0, "one");
	WORKS(fl_file_replace(dir_fd, "never.new", "half", 4, 0600, &test_error));
	OK(flock(writer, LOCK_EX | LOCK_NB) == 0);
	fl_record_sweep(dir_fd);
	OK(faccessat(dir_fd, "never.new", F_OK, 0) == 0, "somebody is writing");
	fl_close(&writer);
	fl_record_sweep(dir_fd);
	OK(faccessat(dir_fd, "never.new", F_OK, 0) != 0);
	SAME(get("kept").value, "one");
}

static void a_damaged_record_is_not_removed(void)
{
	WORKS(fl_file_replace(dir_fd, "torn", "fairlead-rec", 12, 0600, &test_error));
	FAILS(fl_record_remove(arena, dir_fd, "torn", 1, &test_error), FL_INTERNAL);
	OK(faccessat(dir_fd, "torn", F_OK, 0) == 0);
}

static const struct test tests[] = {
	{ "absence is version zero", absence_is_version_zero },
	{ "versions count up", versions_count_up },
	{ "another version is refused", another_version_is_refused },
	{ "the largest value fits", the_largest_value_fits },
	{ "records of every length are whole", records_of_every_length_are_whole },
	{ "records are read in a folder below", records_are_read_in_a_folder_below },
	{ "records of somebody else are read", records_of_somebody_else_are_read },
	{ "reading writes no time of access", reading_writes_no_time_of_access },
	{ "a pipe is damage and holds nobody", a_pipe_is_damage_and_holds_nobody },
	{ "keys are safe names", keys_are_safe_names },
	{ "damage is found at every byte", damage_is_found_at_every_byte },
	{ "a damaged record is never overwritten", a_damaged_record_is_never_overwritten },
	{ "a huge file is damage and not read", a_huge_file_is_damage_and_not_read },
	{ "a left-over of a crash is ignored", a_left_over_of_a_crash_is_ignored },
	{ "threads and processes lose no change", threads_and_processes_lose_no_change },
	{ "a writer killed anywhere leaves old or new",
	  a_writer_killed_anywhere_leaves_old_or_new },
	{ "a lock held for a moment is waited for", a_lock_held_for_a_moment_is_waited_for },
	{ "records are private", records_are_private },
	{ "a record is made once", a_record_is_made_once },
	{ "a record is removed at its version", a_record_is_removed_at_its_version },
	{ "what dead writers left is swept", what_dead_writers_left_is_swept },
	{ "a damaged record is not removed", a_damaged_record_is_not_removed },
};

int main(int argc, char **argv)
{
	int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;

	if (!mkdtemp(folder))
		return 1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	arena = fl_arena_new(0);
	status = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	close(dir_fd);
	if (fl_file_remove_tree(parent, folder + strlen("/tmp/"), &test_error) < 0)
		return 1;
	close(parent);
	return status;
}
