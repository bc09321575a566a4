/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/file.h"
#include "base/text.h"
#include "node/mountinfo.h"

#define PICTURE_MAX_RECORD 65536

static struct {
	struct fl_arena *arena;
	const char *root;
	bool contents;
	struct fl_strings lines;
	size_t capacity;
} picture;

/* The snapshots of a group have names that are dice, too. */
#define PICTURE_MEMBER "group-"
#define PICTURE_MEMBER_DIGITS 24

static const char *picture_mask_members(const char *line)
{
	const char *at = line;

	while ((at = strstr(at, PICTURE_MEMBER))) {
		const char *digits = at + strlen(PICTURE_MEMBER);
		size_t before = (size_t)(digits - line);

		at = digits;
		if (strspn(digits, "0123456789abcdef") != PICTURE_MEMBER_DIGITS)
			continue;
		line = fl_arena_printf(picture.arena, "%.*s*%s", (int)before, line,
				       digits + PICTURE_MEMBER_DIGITS);
		at = line + before;
	}
	return line;
}

static void picture_add(const char *line)
{
	struct fl_strings *lines = &picture.lines;

	line = picture_mask_members(line);
	lines->items = fl_arena_grow(picture.arena, lines->items, lines->n, &picture.capacity,
				     sizeof(*lines->items));
	lines->items[lines->n++] = line;
}

/* Values of these keys count up or are dice. */
static const char *const varying[] = { "\"epoch\":",  "\"token\":",     "\"expires_ns\":",
				       "\"image\":",  "\"cut_ns\":",    "\"size\":\"",
				       "\"target\":", "\"created_ns\":" };

static const char *picture_normal(const char *text)
{
	for (size_t i = 0; i < FL_COUNT(varying); i++) {
		const char *at = strstr(text, varying[i]);
		const char *end;

		if (!at)
			continue;
		at += strlen(varying[i]);
		end = at + strcspn(at, ",}");
		text = fl_arena_printf(picture.arena, "%.*s*%s", (int)(at - text), text, end);
	}
	return text;
}

static const char *picture_hash(const char *path)
{
	fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t hash = 14695981039346656037u;
	static uint64_t words[8192];
	ssize_t n;

	while (fd >= 0 && (n = read(fd, words, sizeof(words))) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof(*words); i++)
			hash = (hash ^ words[i]) * 1099511628211u;
	return fl_arena_printf(picture.arena, "%016llx", (unsigned long long)hash);
}

static void picture_add_file(const char *path, const char *name, const struct stat *st)
{
	const char *text = "", *value;
	struct fl_error err;

	if (strcmp(name, "image") == 0) {
		picture_add(fl_arena_printf(picture.arena, "file %s, %lld bytes%s%s", path,
					    (long long)st->st_size, picture.contents ? " " : "",
					    picture.contents ? picture_hash(path) : ""));
		return;
	}
	if (st->st_size <= PICTURE_MAX_RECORD)
		(void)!fl_file_read(picture.arena, AT_FDCWD, path, PICTURE_MAX_RECORD, &text, NULL,
				    &err);
	value = fl_text_starts_with(text, "fairlead-record") ? strchr(text, '\n') : NULL;
	/* An owner that let go is none, and neither is a hold whose time is up. */
	if (value && strcmp(name, "owner") == 0 &&
	    (strstr(value, "\"idle\"") || strstr(value, "\"expires_ns\":1,")))
		return;
	/* One that is being changed shows as such. */
	if (value && strcmp(name, "uuid") == 0 && !strchr(value, ':'))
		value = "\n*";
	/* A roll stays: an empty one saves the next a look at every volume. */
	if (value && fl_text_ends_with(name, ".attached") && strstr(value, ":{}}"))
		return;
	picture_add(fl_arena_printf(picture.arena, "file %s: %s", path,
				    picture_normal(value ? value + 1 : text)));
}

/* What a killed writer of a record left goes with the next write, or with the volume or record. */
static bool picture_is_draft(const char *path, const char *name)
{
	size_t n = strlen(path);

	if (!fl_text_ends_with(name, ".new"))
		return false;
	if (strstr(path, "/pool/volumes/"))
		return true;
	return strstr(path, "/pool/records/") &&
	       access(fl_arena_strndup(picture.arena, path, n - strlen(".new")), F_OK) == 0;
}

static int picture_see(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	const char *name = path + ftw->base;

	if (picture_is_draft(path, name))
		return 0;
	if (strcmp(name, "reserve") == 0 || strcmp(name, "lock") == 0 || strcmp(name, "log") == 0 ||
	    fl_text_ends_with(name, ".sock"))
		return 0;
	if (kind == FTW_F && S_ISREG(st->st_mode))
		picture_add_file(path, name, st);
	else
		picture_add(fl_arena_printf(picture.arena, "%s %s",
					    S_ISDIR(st->st_mode)   ? "directory"
					    : S_ISBLK(st->st_mode) ? "device"
								   : "other",
					    path));
	return 0;
}

static bool picture_is_below(const char *path)
{
	size_t n = strlen(picture.root);

	return strncmp(path, picture.root, n) == 0 && path[n] == '/';
}

static void picture_add_mounts(void)
{
	struct mountinfo table = { 0 };
	struct fl_error err;

	if (mountinfo_read(picture.arena, &table, &err) < 0)
		picture_add(err.text);
	for (size_t i = 0; i < table.n; i++) {
		const struct mountinfo_entry *entry = &table.entries[i];

		if (picture_is_below(entry->point))
			picture_add(fl_arena_printf(picture.arena, "mount %s, %s, %s", entry->point,
						    entry->type, entry->read_only ? "ro" : "rw"));
	}
}

/* Calls `see` with the path of each loop device that has a file below the root, and that file. */
static void picture_each_loop(void (*see)(const char *device, const char *backing))
{
	fl_cleanup(fl_closedir) DIR *dir = opendir("/sys/block");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *path = fl_arena_printf(picture.arena, "/sys/block/%s/loop/backing_file",
						   entry->d_name);
		char text[4096] = "";
		fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (picture_is_below(text))
			see(fl_arena_printf(picture.arena, "/dev/%s", entry->d_name), text);
	}
}

static void picture_add_loop(const char *device, const char *backing)
{
	(void)device;
	picture_add(fl_arena_printf(picture.arena, "loop device of %s", backing));
}

static int picture_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void picture_begin(struct fl_arena *arena, const char *root)
{
	memset(&picture, 0, sizeof(picture));
	picture.arena = arena;
	picture.root = root;
}

const char *picture_take(struct fl_arena *arena, const char *root, bool contents)
{
	char *text = fl_arena_strdup(arena, "");

	picture_begin(arena, root);
	picture.contents = contents;
	nftw(root, picture_see, 16, FTW_PHYS | FTW_MOUNT);
	picture_add_mounts();
	picture_each_loop(picture_add_loop);
	if (picture.lines.n)
		qsort(picture.lines.items, picture.lines.n, sizeof(*picture.lines.items),
		      picture_order);
	for (size_t i = 0; i < picture.lines.n; i++)
		text = fl_arena_printf(arena, "%s%s\n", text, picture.lines.items[i]);
	return text;
}

static void picture_print_missing(const char *from, const char *in, const char *what)
{
	for (const char *line = from; *line; line += strcspn(line, "\n") + 1) {
		size_t n = strcspn(line, "\n") + 1;
		const char *at = in;

		while (*at && strncmp(at, line, n) != 0)
			at += strcspn(at, "\n") + 1;
		if (!*at)
			printf("# %s: %.*s\n", what, (int)n - 1, line);
	}
}

bool picture_compare(const char *wanted, const char *got)
{
	if (strcmp(wanted, got) == 0)
		return true;
	picture_print_missing(wanted, got, "missing");
	picture_print_missing(got, wanted, "left over");
	return false;
}

static void picture_detach(const char *device, const char *backing)
{
	fl_cleanup(fl_close) int fd = open(device, O_RDWR | O_CLOEXEC);

	(void)backing;
	if (fd >= 0)
		(void)ioctl(fd, LOOP_CLR_FD, 0);
}

void picture_remove(const char *root)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct mountinfo table = { 0 };
	struct fl_error err;

	picture_begin(arena, root);
	if (mountinfo_read(arena, &table, &err) == 0)
		for (size_t i = table.n; i-- > 0;)
			if (picture_is_below(table.entries[i].point))
				umount2(table.entries[i].point, MNT_DETACH);
	picture_each_loop(picture_detach);
}
