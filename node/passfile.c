/* SPDX-License-Identifier: Apache-2.0 */
/* The part of pass.h that puts disk passes at target paths. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "node/pass.h"

#define PASS_FILE_MAX 4096

static int passfile_open_parent(struct fl_arena *arena, const char *target, int *ret_fd,
				struct fl_error *err)
{
	const char *parent = dirname(fl_arena_strdup(arena, target));

	*ret_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? fl_error_sys(err, errno, "opening %s", parent) : 0;
}

int pass_is_at(struct fl_arena *arena, const char *target, const char *volume_id, bool *ret,
	       struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	struct fl_error no_pass;
	const char *text, *volume;
	struct stat st;
	size_t size;

	*ret = false;
	if (lstat(target, &st) < 0)
		return errno == ENOENT ? 0 : fl_error_sys(err, errno, "looking at %s", target);
	if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > PASS_FILE_MAX)
		return 0;
	if (fl_file_read(arena, AT_FDCWD, target, PASS_FILE_MAX, &text, &size, err) < 0)
		return -1;
	if (fl_json_parse(text, size, target, &json, &no_pass) < 0)
		return 0;
	volume = json_string_value(json_object_get(json, "volume"));
	*ret = volume && strcmp(volume, volume_id) == 0 && json_object_get(json, "token");
	return 0;
}

/* A whole file appears under its name, or nothing: written without a name, then linked. */
static int passfile_write(struct fl_arena *arena, const char *target, const char *text,
			  struct fl_error *err)
{
	fl_cleanup(fl_close) int parent_fd = -1;
	fl_cleanup(fl_close) int fd = -1;
	const char *name = strrchr(target, '/') + 1;
	char own[64];

	if (passfile_open_parent(arena, target, &parent_fd, err) < 0)
		return -1;
	fd = openat(parent_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return fl_error_sys(err, errno, "making %s", target);
	if (fl_file_write_all(fd, text, strlen(text), err) < 0)
		return fl_error_prefix(err, "writing %s", target);
	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	if (fsync(fd) < 0 || linkat(AT_FDCWD, own, parent_fd, name, AT_SYMLINK_FOLLOW) < 0)
		return fl_error_sys(err, errno, "making %s", target);
	return fl_file_sync_dir(parent_fd, err);
}

int pass_publish(struct fl_arena *arena, const struct pass *pass, const char *target,
		 struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = json_pack(
		"{s:s, s:s, s:s}", "volume", pass->volume, "vm", pass->vm, "token", pass->token);
	const char *text = fl_json_dump(arena, json);
	const char *old;
	struct stat st;
	size_t size;
	bool is_pass;

	if (lstat(target, &st) < 0 && errno == ENOENT)
		return passfile_write(arena, target, text, err);
	if (pass_is_at(arena, target, pass->volume, &is_pass, err) < 0)
		return -1;
	if (!is_pass)
		return fl_error_set(err, FL_IN_USE, "%s is there and is no disk pass of volume %s",
				    target, pass->volume);
	if (fl_file_read(arena, AT_FDCWD, target, PASS_FILE_MAX, &old, &size, err) < 0)
		return -1;
	if (strcmp(old, text) == 0)
		return 0;
	/* One from before the last boot: its token is worth nothing any more. */
	if (unlink(target) < 0)
		return fl_error_sys(err, errno, "removing the old disk pass %s", target);
	return passfile_write(arena, target, text, err);
}
