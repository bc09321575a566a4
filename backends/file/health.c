/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "entry.h"
#include "image.h"

#define HEALTH_FULL_BYTES ((uint64_t)1 << 20)

bool file_health_is_full(const struct file_health_view *view)
{
	return view->available_bytes < HEALTH_FULL_BYTES;
}

/* With errno value err->sys; what cannot be looked at is not known to be empty. */
static int health_unreachable(const struct file_pool *file, struct fl_error *err)
{
	fl_error_sys(err, errno, "directory %s does not answer", file->directory);
	err->code = FL_UNAVAILABLE;
	return -1;
}

int file_health_look(const struct file_pool *file, struct file_health_view *ret,
		     struct fl_error *err)
{
	struct stat here, there;
	struct statvfs vfs;

	/* The path counts, not only what was opened: nodes reach the images by it. */
	if (fstat(file->root_fd, &here) < 0 || fstatvfs(file->root_fd, &vfs) < 0 ||
	    stat(file->directory, &there) < 0)
		return health_unreachable(file, err);
	if (here.st_dev != there.st_dev || here.st_ino != there.st_ino)
		return fl_error_set(err, FL_UNAVAILABLE,
				    "directory %s is not the one that this pool has opened: mount "
				    "its file system again, then restart the service",
				    file->directory);
	*ret = (struct file_health_view){
		.total_bytes = (uint64_t)vfs.f_blocks * vfs.f_frsize,
		.available_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize,
		.free_inodes = vfs.f_files ? vfs.f_favail : UINT64_MAX,
		.read_only = (vfs.f_flag & ST_RDONLY) != 0,
	};
	return 0;
}

/* What the pool's state does to a volume.  An image that has all its blocks is not touched by a
 * full pool. */
static void health_add_pool(const struct file_pool *file, const struct file_health_view *view,
			    struct fl_arena *arena, const struct stat *image, bool thin,
			    struct fl_health *ret)
{
	if (view->read_only)
		fl_health_add(arena, ret, FL_HEALTH_INACCESSIBLE, "PoolReadOnly",
			      "the file system of %s is read-only: look for its errors in the "
			      "kernel's log, repair it and mount it for writing",
			      file->directory);
	if (thin && file_health_is_full(view) &&
	    (uint64_t)image->st_blocks * 512 < (uint64_t)image->st_size)
		fl_health_add(arena, ret, FL_HEALTH_DEGRADED, "PoolFull",
			      "the volume is thin and %s is full: a write to a place that has no "
			      "space yet fails; make room there",
			      file->directory);
}

void file_health_of_read(const struct file_pool *file, const struct file_health_view *view,
			 struct fl_arena *arena, struct fl_volume *volume)
{
	const char *path;
	struct stat image;

	if (!view->read_only && !file_health_is_full(view))
		return;
	path = fl_arena_printf(arena, "%s/" FILE_IMAGE, volume->handle);
	if (fstatat(file->place_fds[FILE_VOLUME], path, &image, AT_SYMLINK_NOFOLLOW) == 0)
		health_add_pool(file, view, arena, &image, volume->thin, &volume->health);
}

/* Without these a volume can be neither attached nor staged. */
static bool health_is_vital(const char *record)
{
	static const char *const vital[] = { FILE_META, FL_RECORD_OWNER, FL_RECORD_FORMAT };

	for (size_t i = 0; i < FL_COUNT(vital); i++)
		if (strcmp(record, vital[i]) == 0)
			return true;
	return false;
}

struct health_records {
	const char *names[FL_HEALTH_DATA_LOSS]; /* by status: "owner, format" */
	const char *why;
};

static void health_add_records(struct fl_arena *arena, const struct health_records *found,
			       struct fl_health *ret)
{
	for (unsigned i = 0; i < FL_COUNT(found->names); i++)
		if (found->names[i])
			fl_health_add(arena, ret, (enum fl_health_status)i, "RecordDamaged",
				      "record %.100s cannot be read (%.200s): put it back from a "
				      "backup, or copy the image away and delete the volume",
				      found->names[i], found->why);
}

/* What somebody else put into the folder is none of ours, and is passed over. */
static bool health_is_record(int dir_fd, const char *name)
{
	struct stat st;

	return fl_text_is_safe_name(name, 200) && !fl_text_ends_with(name, ".new") &&
	       strcmp(name, FILE_IMAGE) != 0 &&
	       fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size <= 2 * FL_RECORD_MAX;
}

/* Notes the record if it cannot be read. */
static int health_inspect_record(struct fl_arena *arena, int dir_fd, const char *name,
				 struct health_records *found, struct fl_error *err)
{
	const char **names =
		&found->names[health_is_vital(name) ? FL_HEALTH_INACCESSIBLE : FL_HEALTH_DEGRADED];
	struct fl_record record;

	if (!health_is_record(dir_fd, name) ||
	    fl_record_get(arena, dir_fd, name, &record, err) == 0)
		return 0;
	/* Descriptors or memory were short: nobody has seen any damage. */
	if (err->code == FL_UNAVAILABLE)
		return -1;
	*names = *names ? fl_arena_printf(arena, "%s, %s", *names, name)
			: fl_arena_strdup(arena, name);
	found->why = fl_arena_strdup(arena, err->text);
	return 0;
}

static int health_inspect_records(struct fl_arena *arena, int dir_fd, struct fl_health *ret,
				  struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fl_cleanup(fl_closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct health_records found = { 0 };
	const struct dirent *entry;

	if (!dir)
		return fl_error_sys(err, errno, "reading its folder");
	fl_take_fd(&fd);
	while ((entry = readdir(dir)))
		if (health_inspect_record(arena, dir_fd, entry->d_name, &found, err) < 0)
			return -1;
	health_add_records(arena, &found, ret);
	return 0;
}

/* false: the record is not there at all. */
static bool health_inspect_meta(struct fl_arena *arena, int dir_fd, struct file_meta *ret,
				struct fl_health *health)
{
	struct fl_error err;

	*ret = (struct file_meta){ 0 };
	if (faccessat(dir_fd, FILE_META, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		fl_health_add(arena, health, FL_HEALTH_INACCESSIBLE, "RecordMissing",
			      "record meta is missing: put it back from a backup, or copy the "
			      "image away and delete the volume");
		return false;
	}
	/* Unreadable, it is among the damaged ones. */
	if (file_meta_read(arena, dir_fd, ret, &err) < 0)
		*ret = (struct file_meta){ 0 };
	return true;
}

/* false: there is no image. */
static bool health_inspect_image(struct fl_arena *arena, int dir_fd, const struct file_meta *meta,
				 struct stat *ret, struct fl_health *health)
{
	*ret = (struct stat){ 0 };
	if (fstatat(dir_fd, FILE_IMAGE, ret, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			fl_health_add(arena, health, FL_HEALTH_DATA_LOSS, "ImageMissing",
				      "the image is missing: put it back from a backup, or delete "
				      "the volume");
		else
			fl_health_add(arena, health, FL_HEALTH_INACCESSIBLE, "ImageUnusable",
				      "the image cannot be looked at: %s", strerrordesc_np(errno));
		return errno != ENOENT;
	}
	if (!S_ISREG(ret->st_mode))
		fl_health_add(arena, health, FL_HEALTH_DATA_LOSS, "ImageMissing",
			      "in the image's place is something that is no regular file: put the "
			      "image back from a backup, or delete the volume");
	else if ((uint64_t)ret->st_size < meta->size_bytes || ret->st_size == 0)
		fl_health_add(arena, health, FL_HEALTH_DATA_LOSS, "ImageTruncated",
			      "the image has %jd bytes, and had %" PRIu64
			      ": its end is lost; put it back from a backup, or copy away what is "
			      "left and delete the volume",
			      (intmax_t)ret->st_size, meta->size_bytes);
	else if (ret->st_size % 512 != 0)
		fl_health_add(arena, health, FL_HEALTH_INACCESSIBLE, "ImageUnusable",
			      "the image has %jd bytes, which is no whole number of 512-byte "
			      "blocks: cut it back to %" PRIu64 " bytes (truncate)",
			      (intmax_t)ret->st_size, (uint64_t)ret->st_size / 512 * 512);
	return true;
}

/* Everything about one volume; FL_NOT_FOUND when there is none, also for a folder that holds
 * nothing of one. */
static int health_inspect(const struct file_pool *file, const struct file_health_view *view,
			  struct fl_arena *arena, const char *handle, struct fl_volume *ret,
			  struct fl_error *err)
{
	struct fl_volume volume = { .handle = handle };
	fl_cleanup(fl_close) int dir_fd = -1;
	bool has_meta, has_image;
	struct file_meta meta;
	struct stat image;

	if (file_entry_open(file, FILE_VOLUME, handle, &dir_fd, err) < 0)
		return -1;
	has_meta = health_inspect_meta(arena, dir_fd, &meta, &volume.health);
	has_image = health_inspect_image(arena, dir_fd, &meta, &image, &volume.health);
	if (health_inspect_records(arena, dir_fd, &volume.health, err) < 0)
		return fl_error_prefix(err, "volume %s", handle);
	health_add_pool(file, view, arena, &image, meta.thin, &volume.health);
	if ((!has_meta && !has_image) || !file_entry_is_in_place(file, FILE_VOLUME, handle, dir_fd))
		return fl_error_set(err, FL_NOT_FOUND, "there is no volume %s", handle);
	volume.name = meta.name;
	volume.content = meta.content;
	volume.thin = meta.thin;
	volume.size_bytes = meta.size_bytes ? meta.size_bytes : (uint64_t)image.st_size;
	*ret = volume;
	return 0;
}

int file_health_of_damaged(const struct file_pool *file, const struct file_health_view *view,
			   struct fl_arena *arena, const char *handle, struct fl_volume *ret,
			   struct fl_error *err)
{
	struct fl_error why;

	if (health_inspect(file, view, arena, handle, ret, &why) == 0)
		return ret->health.n > 0;
	if (why.code != FL_UNAVAILABLE)
		return 0;
	*err = why;
	return -1;
}

static int health_volume(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			 struct fl_health *ret, struct fl_error *err)
{
	const struct file_pool *file = file_pool_of(pool);
	struct file_health_view view;
	struct fl_volume volume;

	if (file_health_look(file, &view, err) < 0 ||
	    health_inspect(file, &view, op->arena, handle, &volume, err) < 0)
		return -1;
	*ret = volume.health;
	return 0;
}

const struct fl_health_ops file_health_ops = {
	.pool = file_health_pool,
	.volume = health_volume,
	.list = file_health_list,
};
