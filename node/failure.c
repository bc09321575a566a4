/* SPDX-License-Identifier: Apache-2.0 */
#include "node/failure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "node/volume.h"

#define FAILURE_FOLDER "failures"
#define FAILURE_NAME_BYTES 80
#define FAILURE_MAX_BYTES 500 /* of a text: as long as an error's */

static const char *const failure_words[] = {
	[FAILURE_STAGE] = "stage",
	[FAILURE_PUBLISH] = "publish",
};

static void failure_name(const char *volume_id, enum failure_call call,
			 char ret[FAILURE_NAME_BYTES])
{
	char hash[65];

	fl_text_sha256(volume_id, strlen(volume_id), hash);
	snprintf(ret, FAILURE_NAME_BYTES, "%s.%s", hash, failure_words[call]);
}

int failure_open(int state_fd, int *ret_fd, struct fl_error *err)
{
	if (mkdirat(state_fd, FAILURE_FOLDER, 0700) < 0 && errno != EEXIST)
		return fl_error_sys(err, errno, "making the folder " FAILURE_FOLDER);
	*ret_fd = openat(state_fd, FAILURE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? fl_error_sys(err, errno, "opening the folder " FAILURE_FOLDER) : 0;
}

/* Makes room for one more: the oldest goes. */
static void failure_make_room(int folder_fd)
{
	fl_cleanup(fl_close) int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fl_cleanup(fl_closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct stat st, oldest = { 0 };
	char name[FAILURE_NAME_BYTES] = "";
	const struct dirent *entry;
	size_t n = 0;

	if (dir)
		fl_take_fd(&fd);
	while (dir && (entry = readdir(dir))) {
		if (fstatat(folder_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode) || strlen(entry->d_name) >= sizeof(name))
			continue;
		n++;
		if (name[0] && st.st_mtime >= oldest.st_mtime)
			continue;
		oldest = st;
		snprintf(name, sizeof(name), "%s", entry->d_name);
	}
	if (n >= FAILURE_MAX)
		unlinkat(folder_fd, name, 0);
}

void failure_forget(const struct node *node, const char *volume_id, enum failure_call call)
{
	char name[FAILURE_NAME_BYTES];

	failure_name(volume_id, call, name);
	if (unlinkat(node->failures_fd, name, 0) < 0 && errno != ENOENT)
		fl_log(FL_LOG_WARNING, "health", "forgetting a failure of volume %s: errno %d",
		       volume_id, errno);
	/* What a killed writer left. */
	strncat(name, ".new", sizeof(name) - strlen(name) - 1);
	unlinkat(node->failures_fd, name, 0);
}

/* Whether the failure is the volume's: it is one, and nothing else was in the way. */
static bool failure_tells(const struct node *node, const struct fl_op *op, const char *volume_id,
			  const struct fl_error *err)
{
	struct node_volume volume;
	struct fl_error ignored;

	return err->code != FL_BUSY && err->code != FL_NOT_FOUND && err->code != FL_INVALID &&
	       err->code != FL_EXISTS &&
	       node_volume_find(node, op, volume_id, &volume, &ignored) == 0;
}

int failure_note(const struct node *node, const struct fl_op *op, const char *volume_id,
		 enum failure_call call, int result, const struct fl_error *err)
{
	char name[FAILURE_NAME_BYTES];
	struct fl_error why;

	if (result == 0) {
		failure_forget(node, volume_id, call);
		return 0;
	}
	if (!failure_tells(node, op, volume_id, err))
		return result;
	failure_name(volume_id, call, name);
	if (faccessat(node->failures_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		failure_make_room(node->failures_fd);
	if (fl_file_replace(node->failures_fd, name, err->text, strlen(err->text), 0600, &why) < 0)
		fl_log(FL_LOG_WARNING, "health", "noting a failure of volume %s: %s", volume_id,
		       why.text);
	return result;
}

const char *failure_read(const struct node *node, const struct fl_op *op, const char *volume_id,
			 enum failure_call call)
{
	char name[FAILURE_NAME_BYTES];
	struct fl_error ignored;
	const char *text;
	size_t size;

	failure_name(volume_id, call, name);
	if (fl_file_read(op->arena, node->failures_fd, name, FAILURE_MAX_BYTES, &text, &size,
			 &ignored) < 0)
		return NULL;
	return size && fl_text_is_printable(text, size) ? text : "nobody knows why any more";
}
