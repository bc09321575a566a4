/* SPDX-License-Identifier: Apache-2.0 */
#include "note.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "run.h"

#define NOTE_MAX_BYTES 65536

const char *note_key(struct fl_arena *arena, const char *id)
{
	char digits[65];

	fl_text_sha256(id, strlen(id), digits);
	return fl_arena_strndup(arena, digits, 32);
}

/* Whether the locked descriptor still is the file at `path`: its last user removes it. */
static bool note_is_current(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

static int note_lock(const struct fl_op *op, const char *path, int *ret, struct fl_error *err)
{
	for (;;) {
		fl_cleanup(fl_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return fl_error_sys(err, errno, "opening %s", path);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (!note_is_current(fd, path))
				continue;
			*ret = fl_take_fd(&fd);
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fl_error_sys(err, errno, "locking %s", path);
		if (fl_clock_passed(op->deadline))
			return fl_error_set(err, FL_BUSY,
					    "another fairlead command works on this volume");
		fl_clock_sleep_ms(50);
	}
}

static int note_read(struct fl_arena *arena, const char *path, json_t **ret, struct fl_error *err)
{
	const char *text;
	size_t size;

	if (fl_file_read(arena, AT_FDCWD, path, NOTE_MAX_BYTES, &text, &size, err) < 0)
		return -1;
	return fl_json_parse(text, size, path, ret, err);
}

int note_open(const struct fl_op *op, const char *id, struct note *ret, struct fl_error *err)
{
	struct note note = { .lock = -1 };
	struct fl_error absent = { 0 };

	note.path = run_path(op->arena, "published/%s.json", note_key(op->arena, id));
	if (fl_file_make_dirs(run_path(op->arena, "published"), 0700, err) < 0 ||
	    note_lock(op, fl_arena_printf(op->arena, "%s.lock", note.path), &note.lock, err) < 0)
		return -1;
	if (note_read(op->arena, note.path, &note.json, &absent) < 0 &&
	    absent.code != FL_NOT_FOUND) {
		note_close(&note);
		*err = absent;
		return -1;
	}
	*ret = note;
	return 0;
}

static int note_directory(struct fl_arena *arena, struct fl_error *err)
{
	const char *path = run_path(arena, "published");
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : fl_error_sys(err, errno, "opening %s", path);
}

int note_save(struct fl_arena *arena, const struct note *note, struct fl_error *err)
{
	const char *text = fl_json_dump(arena, note->json);
	fl_cleanup(fl_close) int dir = note_directory(arena, err);

	if (dir < 0)
		return -1;
	return fl_file_replace(dir, strrchr(note->path, '/') + 1, text, strlen(text), 0600, err);
}

int note_remove(const struct note *note, struct fl_error *err)
{
	if (unlink(note->path) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing %s", note->path);
	return 0;
}

void note_close(struct note *note)
{
	char lock[4096];

	if (note->lock >= 0 && access(note->path, F_OK) != 0 &&
	    (size_t)snprintf(lock, sizeof(lock), "%s.lock", note->path) < sizeof(lock))
		unlink(lock);
	fl_close(&note->lock);
	note->lock = -1;
	fl_json_release(&note->json);
}

int note_list(struct fl_arena *arena, json_t **ret, struct fl_error *err)
{
	const char *directory = run_path(arena, "published");
	fl_cleanup(fl_json_release) json_t *list = json_array();
	fl_cleanup(fl_closedir) DIR *dir = opendir(directory);
	const struct dirent *entry;

	if (!dir && errno != ENOENT)
		return fl_error_sys(err, errno, "opening %s", directory);
	while (dir && (entry = readdir(dir))) {
		const char *path = fl_arena_printf(arena, "%s/%s", directory, entry->d_name);
		struct fl_error gone = { 0 };
		json_t *note;

		if (!fl_text_ends_with(entry->d_name, ".json"))
			continue;
		if (note_read(arena, path, &note, &gone) == 0)
			json_array_append_new(list, note);
		else if (gone.code != FL_NOT_FOUND)
			return *err = gone, -1;
	}
	*ret = json_incref(list);
	return 0;
}
