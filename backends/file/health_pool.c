/* SPDX-License-Identifier: Apache-2.0 */
/* The health of the storage behind a pool. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "health.h"

/* "Nearly full" leaves an administrator time: a twentieth, but of a large file system no more than
 * 10 GiB. */
#define HEALTH_NEARLY_PART 20
#define HEALTH_NEARLY_MAX ((uint64_t)10 << 30)
/* A volume takes a folder, an image and a few records. */
#define HEALTH_FEW_INODES 16

static void health_add_space(const struct file_pool *file, const struct file_health_view *view,
			     struct fl_arena *arena, struct fl_health *ret)
{
	uint64_t nearly = view->total_bytes / HEALTH_NEARLY_PART;

	if (nearly > HEALTH_NEARLY_MAX)
		nearly = HEALTH_NEARLY_MAX;
	if (file_health_is_full(view))
		fl_health_add(arena, ret, FL_HEALTH_DEGRADED, "Full",
			      "%s has %s left: volumes cannot be made, and thin ones cannot be "
			      "written to where they have no space yet; make room there",
			      file->directory, fl_text_format_size(arena, view->available_bytes));
	else if (view->available_bytes < nearly)
		fl_health_add(arena, ret, FL_HEALTH_DEGRADED, "NearlyFull",
			      "%s has %s of %s left: make room there", file->directory,
			      fl_text_format_size(arena, view->available_bytes),
			      fl_text_format_size(arena, view->total_bytes));
	if (view->free_inodes < HEALTH_FEW_INODES)
		fl_health_add(arena, ret, FL_HEALTH_DEGRADED, "NoInodes",
			      "the file system of %s has no inodes left: volumes and snapshots "
			      "cannot be made; remove files there",
			      file->directory);
}

/* A file system that has shut itself down still tells its size: so a nameless file is made. */
static int health_try_file(const struct file_pool *file, struct fl_arena *arena,
			   struct fl_health *ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd =
		openat(file->tmp_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || errno == ENOSPC || errno == EDQUOT || errno == EROFS)
		return 0;
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		return fl_error_sys(err, errno, "looking at %s", file->directory);
	fl_health_add(arena, ret, FL_HEALTH_INACCESSIBLE, "FileSystemError",
		      "nothing can be written to %s (%s): look for the file system's errors in the "
		      "kernel's log, and repair it",
		      file->directory, strerrordesc_np(errno));
	return 0;
}

int file_health_pool(struct fl_pool *pool, const struct fl_op *op, struct fl_health *ret,
		     struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);
	struct file_health_view view;
	struct fl_error why;

	if (file_health_look(file, &view, &why) < 0) {
		/* 0: something else is at its path. */
		fl_health_add(op->arena, ret, FL_HEALTH_INACCESSIBLE,
			      why.sys == 0 || why.sys == ENOENT ? "DirectoryGone"
								: "FileSystemError",
			      "%s", why.text);
		return 0;
	}
	if (view.read_only)
		fl_health_add(op->arena, ret, FL_HEALTH_INACCESSIBLE, "FileSystemReadOnly",
			      "the file system of %s is read-only: look for its errors in the "
			      "kernel's log, repair it and mount it for writing",
			      file->directory);
	else if (health_try_file(file, op->arena, ret, err) < 0)
		return -1;
	health_add_space(file, &view, op->arena, ret);
	return 0;
}
