/* SPDX-License-Identifier: Apache-2.0 */
/* Copies that somebody else writes.  The target is tmp/KIND-HANDLE/copy-RANDOM, a name that no two
 * begins share; `meta` beside it tells how far the copy is: begun (no cut), started (cut_ns),
 * failed (failure), decided (ready).  A decided one is moved to its place at once; when that was
 * interrupted, the next call does it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "entry.h"
#include "image.h"
#include "lock.h"
#include "origin.h"
#include "volume.h"

struct copy {
	const struct file_pool *file;
	const struct fl_op *op;
	const struct fl_copy_target *target;
	enum file_kind kind;
	const char *name;
	const char *handle;
	struct fl_content content;
	struct file_lock lock;
	bool done;  /* in its place */
	int dir_fd; /* of the target in tmp/; -1: there is none */
	struct file_meta meta;
};

static void copy_release(struct copy *copy)
{
	fl_close(&copy->dir_fd);
	file_lock_release(&copy->lock);
}

static struct copy copy_of(struct fl_pool *pool, const struct fl_op *op,
			   const struct fl_copy_target *target)
{
	const struct fl_snapshot_spec *snapshot = target->snapshot;
	const struct fl_volume_spec *volume = target->volume;
	struct copy copy = { .file = file_pool_of(pool), .op = op, .target = target };

	copy.kind = snapshot ? FILE_SNAPSHOT : FILE_VOLUME;
	copy.name = snapshot ? snapshot->name : volume->name;
	copy.handle = file_handle(op, copy.name);
	copy.content = snapshot ? (struct fl_content){ FL_CONTENT_VOLUME, snapshot->volume_handle }
				: volume->content;
	copy.lock = FILE_LOCK_NONE;
	copy.dir_fd = -1;
	return copy;
}

/* FL_EXISTS unless what `meta` and `size` tell of is what this copy becomes. */
static int copy_check_same(const struct copy *copy, const struct file_meta *meta, uint64_t size,
			   struct fl_error *err)
{
	struct fl_snapshot snapshot = { .handle = copy->handle,
					.name = meta->name,
					.volume_handle = meta->content.handle,
					.group = meta->group };
	struct fl_volume volume = { .handle = copy->handle,
				    .name = meta->name,
				    .size_bytes = size,
				    .content = meta->content,
				    .thin = meta->thin };

	if (copy->kind == FILE_SNAPSHOT)
		return file_snapshot_check_same(&snapshot, copy->target->snapshot, err);
	return file_volume_check_fits(&volume, copy->target->volume, err);
}

static int copy_find_done(struct copy *copy, struct fl_error *err)
{
	fl_cleanup(fl_close) int dir_fd = -1;
	uint64_t size;

	if (file_entry_open(copy->file, copy->kind, copy->handle, &dir_fd, err) < 0)
		return err->code == FL_NOT_FOUND ? 0 : -1;
	if (file_entry_get(copy->file, copy->op->arena, copy->kind, copy->handle, &copy->meta,
			   &size, err) < 0)
		return -1;
	copy->done = true;
	return copy_check_same(copy, &copy->meta, size, err);
}

/* The decided copy gets its image's name and its place. */
static int copy_finish(struct copy *copy, struct fl_error *err)
{
	if (renameat(copy->dir_fd, copy->meta.target, copy->dir_fd, FILE_IMAGE) < 0 &&
	    errno != ENOENT)
		return fl_error_sys(err, errno, "naming the image of %s", copy->name);
	if (file_entry_commit(copy->file, copy->op, copy->kind, copy->handle, copy->dir_fd, err) <
	    0)
		return -1;
	copy->done = true;
	return 0;
}

/* What is in tmp/ is another object than is asked for.  Not started, it was left by somebody who
 * never committed it, and counts as none.  A snapshot shows since its cut; a volume may never
 * be. */
static int copy_find_other(struct copy *copy, struct fl_error *err)
{
	fl_close(&copy->dir_fd);
	if (copy->meta.cut_ns == 0)
		return 0;
	if (copy->kind == FILE_SNAPSHOT)
		return -1;
	return fl_error_set(err, FL_BUSY,
			    "volume \"%s\" is being made from another source, or with another "
			    "size: ask again",
			    copy->name);
}

/* Locks the name and finds what there is.  A decided copy is in its place before anything is said
 * of it; a target that is unreadable counts as none. */
static int copy_find(struct copy *copy, struct fl_error *err)
{
	struct fl_error error;
	bool is_same;

	if (file_lock_take(copy->file, copy->op, copy->kind, copy->handle, FILE_LOCK_WRITE,
			   &copy->lock, err) < 0 ||
	    copy_find_done(copy, err) < 0)
		return -1;
	if (copy->done || file_entry_open_begun(copy->file, copy->op, copy->kind, copy->handle,
						&copy->dir_fd, &error) < 0)
		return 0;
	if (file_meta_read(copy->op->arena, copy->dir_fd, &copy->meta, &error) < 0 ||
	    !copy->meta.target) {
		fl_close(&copy->dir_fd);
		return 0;
	}
	if (copy->meta.ready && copy_finish(copy, err) < 0)
		return -1;
	is_same = copy_check_same(copy, &copy->meta, copy->meta.size_bytes, err) == 0;
	if (is_same || copy->done)
		return is_same ? 0 : -1;
	return copy_find_other(copy, err);
}

static const char *copy_path(const struct copy *copy)
{
	return fl_arena_printf(copy->op->arena, "%s/tmp/%s-%s/%s", copy->file->directory,
			       file_kind_name(copy->kind), copy->handle, copy->meta.target);
}

/* FL_BUSY when the caller's copy is not the target that is there now. */
static int copy_check_current(const struct copy *copy, const struct fl_copy *theirs,
			      struct fl_error *err)
{
	if (copy->dir_fd >= 0 && strcmp(copy_path(copy), theirs->path) == 0)
		return 0;
	return fl_error_set(err, FL_BUSY, "the copy to %s %s was given up and begun anew",
			    file_kind_name(copy->kind), copy->name);
}

static const char *copy_new_target(const struct fl_op *op)
{
	uint64_t random = 0;

	while (getrandom(&random, sizeof(random), 0) != sizeof(random))
		continue;
	return fl_arena_printf(op->arena, "copy-%016llx", (unsigned long long)random);
}

/* A fresh target; what an earlier begin left is removed. */
static int copy_make_target(struct copy *copy, struct fl_error *err)
{
	const struct fl_snapshot_spec *snapshot = copy->target->snapshot;
	const struct fl_volume_spec *volume = copy->target->volume;
	fl_cleanup(file_origin_release) struct file_origin origin = FILE_ORIGIN_NONE;
	uint64_t size, limit = volume ? volume->max_bytes : 0;

	if (file_origin_open(copy->file, copy->op, &copy->content, &origin, err) < 0)
		return -1;
	size = volume && volume->min_bytes > origin.size ? volume->min_bytes : origin.size;
	if (file_image_round(size, limit, &size, err) < 0)
		return -1;
	copy->meta = (struct file_meta){ .name = copy->name,
					 .content = copy->content,
					 .group = snapshot ? snapshot->group : NULL,
					 .thin = !volume || volume->thin,
					 .target = copy_new_target(copy->op),
					 .size_bytes = size };
	if (file_entry_begin(copy->file, copy->op, copy->kind, copy->handle, &copy->dir_fd, err) <
		    0 ||
	    file_image_make(copy->dir_fd, copy->meta.target, size, copy->meta.thin, err) < 0 ||
	    (volume && file_records_begin(copy->op, copy->dir_fd, volume, err) < 0))
		return -1;
	return file_meta_write(copy->op->arena, copy->dir_fd, &copy->meta, err);
}

static int copy_begin(struct fl_pool *pool, const struct fl_op *op,
		      const struct fl_copy_target *target, struct fl_copy *ret,
		      struct fl_error *err)
{
	fl_cleanup(copy_release) struct copy copy = copy_of(pool, op, target);
	struct fl_error ignored;
	bool is_fresh;

	if (copy_find(&copy, err) < 0)
		return -1;
	is_fresh = !copy.done && (copy.dir_fd < 0 || copy.meta.cut_ns == 0);
	if (is_fresh) {
		fl_close(&copy.dir_fd);
		if (copy_make_target(&copy, err) < 0) {
			/* What cannot be removed now, the next call removes. */
			(void)!file_entry_discard(copy.file, op, copy.kind, copy.handle, &ignored);
			return fl_error_prefix(err, "copying to %s %s", file_kind_name(copy.kind),
					       copy.name);
		}
	}
	*ret = (struct fl_copy){
		.handle = copy.handle,
		.path = copy.done || copy.meta.failure ? NULL : copy_path(&copy),
		.cut_ns = copy.meta.cut_ns,
		.done = copy.done,
		.failure = copy.meta.failure,
	};
	return 0;
}

/* Durably cut.  The source's record is read now: after the cut, and while the source is there. */
static int copy_write_cut(struct copy *copy, int64_t cut_ns, struct fl_error *err)
{
	fl_cleanup(file_origin_release) struct file_origin origin = FILE_ORIGIN_NONE;

	if (copy->meta.cut_ns != 0)
		return 0;
	if (file_origin_open(copy->file, copy->op, &copy->content, &origin, err) < 0 ||
	    file_meta_inherit_format(copy->op->arena, origin.dir_fd, copy->dir_fd, err) < 0)
		return -1;
	copy->meta.cut_ns = cut_ns;
	return 0;
}

static int copy_started(struct fl_pool *pool, const struct fl_op *op,
			const struct fl_copy_target *target, const struct fl_copy *theirs,
			struct fl_error *err)
{
	fl_cleanup(copy_release) struct copy copy = copy_of(pool, op, target);

	if (copy_find(&copy, err) < 0)
		return -1;
	if (copy.done)
		return 0;
	if (copy_check_current(&copy, theirs, err) < 0)
		return -1;
	if (copy.meta.cut_ns != 0)
		return 0;
	if (copy_write_cut(&copy, theirs->cut_ns, err) < 0)
		return -1;
	return file_meta_write(op->arena, copy.dir_fd, &copy.meta, err);
}

/* Nobody needs half an image.  Emptied as well, because QEMU may have it open still, and first of
 * all, because what broke the copy may be that it took the last block. */
static int copy_drop_image(const struct copy *copy, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = openat(copy->dir_fd, copy->meta.target,
					     O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || ftruncate(fd, 0) < 0 || unlinkat(copy->dir_fd, copy->meta.target, 0) < 0)
		return fl_error_sys(err, errno, "removing the image of %s", copy->name);
	return 0;
}

static int copy_failed(struct fl_pool *pool, const struct fl_op *op,
		       const struct fl_copy_target *target, const char *failure,
		       struct fl_error *err)
{
	fl_cleanup(copy_release) struct copy copy = copy_of(pool, op, target);

	if (copy_find(&copy, err) < 0)
		return -1;
	if (copy.done)
		return fl_error_set(err, FL_EXISTS, "%s %s is complete and did not fail",
				    file_kind_name(copy.kind), copy.name);
	if (copy.dir_fd < 0 || copy.meta.cut_ns == 0)
		return fl_error_set(err, FL_NOT_FOUND, "no copy to %s %s has been started",
				    file_kind_name(copy.kind), copy.name);
	if (copy_drop_image(&copy, err) < 0)
		return -1;
	if (copy.meta.failure)
		return 0;
	copy.meta.failure = failure;
	return file_meta_write(op->arena, copy.dir_fd, &copy.meta, err);
}

static int copy_sync_image(const struct copy *copy, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;

	if (file_image_open(copy->dir_fd, copy->meta.target, O_RDWR, &fd, err) < 0)
		return -1;
	if (fsync(fd) < 0)
		return fl_error_sys(err, errno, "syncing the image of %s", copy->name);
	return copy->meta.thin ? file_image_thin(fd, err) : 0;
}

static int copy_commit(struct fl_pool *pool, const struct fl_op *op,
		       const struct fl_copy_target *target, const struct fl_copy *theirs,
		       struct fl_error *err)
{
	fl_cleanup(copy_release) struct copy copy = copy_of(pool, op, target);

	if (copy_find(&copy, err) < 0)
		return -1;
	if (copy.done)
		return 0;
	if (copy_check_current(&copy, theirs, err) < 0)
		return -1;
	if (copy.meta.failure)
		return fl_error_set(err, FL_EXISTS, "%s %s failed: %s", file_kind_name(copy.kind),
				    copy.name, copy.meta.failure);
	if (copy_sync_image(&copy, err) < 0 || copy_write_cut(&copy, theirs->cut_ns, err) < 0)
		return -1;
	copy.meta.ready = true;
	if (file_meta_write(op->arena, copy.dir_fd, &copy.meta, err) < 0)
		return -1;
	return copy_finish(&copy, err);
}

static int copy_abort(struct fl_pool *pool, const struct fl_op *op,
		      const struct fl_copy_target *target, const struct fl_copy *theirs,
		      struct fl_error *err)
{
	fl_cleanup(copy_release) struct copy copy = copy_of(pool, op, target);
	bool is_theirs;

	if (copy_find(&copy, err) < 0)
		return -1;
	if (copy.done)
		return fl_error_set(err, FL_EXISTS, "%s %s is complete: delete it instead",
				    file_kind_name(copy.kind), copy.name);
	if (copy.dir_fd < 0)
		return 0;
	/* A failed copy has no path any more. */
	is_theirs = theirs->path ? strcmp(copy_path(&copy), theirs->path) == 0
				 : copy.meta.failure != NULL;
	return is_theirs ? file_entry_discard(copy.file, op, copy.kind, copy.handle, err) : 0;
}

const struct fl_copy_ops file_copy_ops = {
	.begin = copy_begin,
	.started = copy_started,
	.failed = copy_failed,
	.commit = copy_commit,
	.abort = copy_abort,
};
