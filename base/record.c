/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "text.h"

/* The first line: "fairlead-record 1 VERSION LENGTH SHA256".  The hash is that of "VERSION
 * LENGTH\n" and the value, so that a damaged version is found, too. */
#define RECORD_FORMAT "fairlead-record 1 "
#define RECORD_MAX_HEADER 160
#define RECORD_SMALL 1024
#define RECORD_LOCK_MS 30000
/* What fl_file_replace adds to a name until the file is whole. */
#define RECORD_UNFINISHED ".new"

static int record_check_key(const char *key, struct fl_error *err)
{
	if (!fl_text_is_safe_name(key, 200) || fl_text_ends_with(key, RECORD_UNFINISHED))
		return fl_error_set(err, FL_INVALID, "\"%s\" cannot name a record", key);
	return 0;
}

/* Room for two numbers of 20 digits, a space and a line end. */
#define RECORD_MAX_COUNTS 64

static void record_header(uint64_t version, const char *value, char ret[RECORD_MAX_HEADER])
{
	char counts[RECORD_MAX_COUNTS], hash[65];
	int n = snprintf(counts, sizeof(counts), "%" PRIu64 " %zu\n", version, strlen(value));

	fl_text_sha256_joined(counts, value, hash);
	snprintf(ret, RECORD_MAX_HEADER, RECORD_FORMAT "%.*s %s\n", n - 1, counts, hash);
}

static int record_damaged(const char *key, const char *how, struct fl_error *err)
{
	return fl_error_set(err, FL_INTERNAL,
			    "record %s is damaged: %s: restore it from a copy, or see \"Damaged "
			    "records\" in docs/errors.md",
			    key, how);
}

/* The header is not taken apart piece by piece: there is one right header for a version and a
 * value, and it is compared whole. */
static int record_parse(struct fl_arena *arena, const char *key, const char *text, size_t size,
			struct fl_record *ret, struct fl_error *err)
{
	const char *line = memchr(text, '\n', size);
	const char *value = line ? line + 1 : NULL;
	char header[RECORD_MAX_HEADER];
	const char *digits;
	uint64_t version;
	size_t n;

	if (strlen(text) != size)
		return record_damaged(key, "it contains a NUL byte", err);
	if (!fl_text_starts_with(text, RECORD_FORMAT) || !value)
		return record_damaged(key, "its first line is not that of a record", err);
	digits = text + strlen(RECORD_FORMAT);
	n = strspn(digits, "0123456789");
	if (fl_text_parse_number(fl_arena_strndup(arena, digits, n), &version, err) < 0 ||
	    version == 0)
		return record_damaged(key, "its version is not a number", err);
	record_header(version, value, header);
	if (strlen(header) != (size_t)(value - text) || memcmp(header, text, strlen(header)) != 0)
		return record_damaged(key, "its length and checksum do not match its content", err);
	ret->version = version;
	ret->value = value;
	return 0;
}

/* Most records are small: they are read without asking for the size or the end, which the header
 * tells. */
static bool record_read_small(struct fl_arena *arena, int fd, const char *key,
			      struct fl_record *ret)
{
	char small[RECORD_SMALL], *text;
	ssize_t size = read(fd, small, sizeof(small));
	struct fl_error ignored;

	if (size < 0 || (size_t)size == sizeof(small))
		return false;
	text = fl_arena_alloc(arena, (size_t)size + 1);
	memcpy(text, small, (size_t)size);
	return record_parse(arena, key, text, (size_t)size, ret, &ignored) == 0;
}

static int record_read_any(struct fl_arena *arena, int dir_fd, const char *path, const char *key,
			   struct fl_record *ret, struct fl_error *err)
{
	const char *text;
	size_t size;

	if (fl_file_read(arena, dir_fd, path, FL_RECORD_MAX + RECORD_MAX_HEADER, &text, &size,
			 err) == 0)
		return record_parse(arena, key, text, size, ret, err);
	if (err->code == FL_OUT_OF_RANGE)
		return record_damaged(key, "it is too long for a record", err);
	return fl_error_prefix(err, "record %s", key);
}

static int record_get(struct fl_arena *arena, int dir_fd, const char *path, const char *key,
		      struct fl_record *ret, struct fl_error *err)
{
	/* Non-blocking: a FIFO in the place of a file must not hold us.  A list of many volumes
	 * would have as many times of access written; who may not prevent that reads it as any
	 * file. */
	fl_cleanup(fl_close) int fd =
		openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOATIME);

	if (fd >= 0 || errno != ENOENT) {
		if (fd >= 0 && record_read_small(arena, fd, key, ret))
			return 0;
		if (record_read_any(arena, dir_fd, path, key, ret, err) == 0)
			return 0;
		if (err->code != FL_NOT_FOUND)
			return -1;
	}
	*ret = (struct fl_record){ .version = 0, .value = "" };
	return 0;
}

int fl_record_get(struct fl_arena *arena, int dir_fd, const char *key, struct fl_record *ret,
		  struct fl_error *err)
{
	if (record_check_key(key, err) < 0)
		return -1;
	return record_get(arena, dir_fd, key, key, ret, err);
}

int fl_record_get_in(struct fl_arena *arena, int dir_fd, const char *folder, const char *key,
		     struct fl_record *ret, struct fl_error *err)
{
	if (record_check_key(key, err) < 0)
		return -1;
	return record_get(arena, dir_fd, fl_arena_printf(arena, "%s/%s", folder, key), key, ret,
			  err);
}

/* A lock belongs to an open file description: opening the directory anew makes threads, and holders
 * of the same dir_fd in other processes, exclude each other.  Closing it unlocks. */
static int record_lock(int dir_fd, const char *key, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct timespec deadline = fl_clock_after_ms(RECORD_LOCK_MS);
	uint64_t pause_ms = 1;

	if (fd < 0)
		return fl_error_sys(err, errno, "opening the directory of record %s", key);
	/* Not a blocking flock: the holder may be stopped, and every wait has an end. */
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fl_error_sys(err, errno, "locking the directory of record %s", key);
		if (fl_clock_passed(deadline))
			return fl_error_set(err, FL_UNAVAILABLE,
					    "record %s: another process has kept the directory "
					    "locked for %d s",
					    key, RECORD_LOCK_MS / 1000);
		fl_clock_sleep_ms(pause_ms);
		pause_ms = pause_ms < 16 ? pause_ms * 2 : pause_ms;
	}
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

static int record_check_value(const char *key, const char *value, struct fl_error *err)
{
	if (strlen(value) > FL_RECORD_MAX)
		return fl_error_set(err, FL_INVALID,
				    "the value of record %s is longer than %d bytes", key,
				    FL_RECORD_MAX);
	return 0;
}

static int record_changed(const char *key, uint64_t now, uint64_t expected, struct fl_error *err)
{
	return fl_error_set(err, FL_BUSY,
			    "record %s was changed meanwhile: it has version %" PRIu64
			    ", not %" PRIu64,
			    key, now, expected);
}

/* Locks the directory, until *lock_fd is closed.  FL_BUSY when another version stands. */
static int record_lock_expected(struct fl_arena *arena, int dir_fd, const char *key,
				uint64_t expected, int *lock_fd, struct fl_error *err)
{
	struct fl_record now;

	if (record_lock(dir_fd, key, lock_fd, err) < 0 ||
	    fl_record_get(arena, dir_fd, key, &now, err) < 0)
		return -1;
	if (now.version != expected)
		return record_changed(key, now.version, expected, err);
	return 0;
}

static int record_write(struct fl_arena *arena, int dir_fd, const char *key, uint64_t version,
			const char *value, struct fl_error *err)
{
	char header[RECORD_MAX_HEADER];
	const char *text;

	record_header(version, value, header);
	text = fl_arena_printf(arena, "%s%s", header, value);
	if (fl_file_replace(dir_fd, key, text, strlen(text), 0600, err) < 0)
		return fl_error_prefix(err, "record %s", key);
	return 0;
}

int fl_record_compare_and_set(struct fl_arena *arena, int dir_fd, const char *key,
			      uint64_t expected, const char *value, uint64_t *ret_version,
			      struct fl_error *err)
{
	fl_cleanup(fl_close) int lock_fd = -1;

	if (record_check_key(key, err) < 0 || record_check_value(key, value, err) < 0 ||
	    record_lock_expected(arena, dir_fd, key, expected, &lock_fd, err) < 0 ||
	    record_write(arena, dir_fd, key, expected + 1, value, err) < 0)
		return -1;
	*ret_version = expected + 1;
	return 0;
}

int fl_record_make(struct fl_arena *arena, int dir_fd, const char *key, uint64_t version,
		   const char *value, struct fl_error *err)
{
	fl_cleanup(fl_close) int lock_fd = -1;

	if (record_check_key(key, err) < 0 || record_check_value(key, value, err) < 0 ||
	    record_lock_expected(arena, dir_fd, key, 0, &lock_fd, err) < 0)
		return -1;
	return record_write(arena, dir_fd, key, version, value, err);
}

int fl_record_remove(struct fl_arena *arena, int dir_fd, const char *key, uint64_t expected,
		     struct fl_error *err)
{
	fl_cleanup(fl_close) int lock_fd = -1;
	struct fl_record now;

	if (record_check_key(key, err) < 0 || record_lock(dir_fd, key, &lock_fd, err) < 0 ||
	    fl_record_get(arena, dir_fd, key, &now, err) < 0)
		return -1;
	if (now.version != 0 && now.version != expected)
		return record_changed(key, now.version, expected, err);
	/* What a writer left that died before its rename goes, too. */
	if (unlinkat(dir_fd, fl_arena_printf(arena, "%s" RECORD_UNFINISHED, key), 0) < 0 &&
	    errno != ENOENT)
		return fl_error_sys(err, errno, "removing what was left of record %s", key);
	if (unlinkat(dir_fd, key, 0) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing record %s", key);
	return fl_file_sync_dir(dir_fd, err);
}

void fl_record_sweep(int dir_fd)
{
	fl_cleanup(fl_close) int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fl_cleanup(fl_closedir) DIR *dir = NULL;

	/* Nobody writes while the directory is locked; who does now leaves nothing behind. */
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	dir = fdopendir(fd);
	if (dir)
		fl_take_fd(&fd);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (fl_text_ends_with(entry->d_name, RECORD_UNFINISHED))
			(void)unlinkat(dir_fd, entry->d_name, 0);
}
