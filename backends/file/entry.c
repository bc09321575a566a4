/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "image.h"
#include "lock.h"

static const char *entry_tmp_name(const struct fl_op *op, enum file_kind kind, const char *handle)
{
	return fl_arena_printf(op->arena, "%s-%s", file_kind_name(kind), handle);
}

static int entry_open_folder(int place_fd, const char *name, int mode, int *ret_fd)
{
	*ret_fd = openat(place_fd, name, mode | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? -1 : 0;
}

static int entry_open(const struct file_pool *file, enum file_kind kind, const char *handle,
		      int mode, int *ret_fd, struct fl_error *err)
{
	if (entry_open_folder(file->place_fds[kind], handle, mode, ret_fd) == 0)
		return 0;
	if (errno == ENOENT)
		return fl_error_set(err, FL_NOT_FOUND, "there is no %s %s", file_kind_name(kind),
				    handle);
	return fl_error_sys(err, errno, "%s %s", file_kind_name(kind), handle);
}

int file_entry_open(const struct file_pool *file, enum file_kind kind, const char *handle,
		    int *ret_fd, struct fl_error *err)
{
	return entry_open(file, kind, handle, O_RDONLY, ret_fd, err);
}

int file_entry_look(const struct file_pool *file, enum file_kind kind, const char *handle,
		    int *ret_fd, struct fl_error *err)
{
	return entry_open(file, kind, handle, O_PATH, ret_fd, err);
}

/* A copy that has its cut but is not committed shows as a snapshot that is not ready.  Looked for
 * first, because entries move from tmp/ to their place and never back. */
static bool entry_get_copying(const struct file_pool *file, struct fl_arena *arena,
			      const char *handle, struct file_meta *ret, uint64_t *ret_size)
{
	const char *name = fl_arena_printf(arena, "%s-%s", file_kind_name(FILE_SNAPSHOT), handle);
	fl_cleanup(fl_close) int dir_fd = -1;
	struct fl_error ignored;
	struct file_meta meta;

	if (entry_open_folder(file->tmp_fd, name, O_PATH, &dir_fd) < 0 ||
	    file_meta_read(arena, dir_fd, &meta, &ignored) < 0 || !meta.target || meta.cut_ns == 0)
		return false;
	meta.ready = false;
	*ret = meta;
	*ret_size = meta.size_bytes;
	return true;
}

/* An image is grown before its record says so, and never made smaller. */
int file_entry_check_whole(const struct file_meta *meta, uint64_t size, struct fl_error *err)
{
	if (size >= meta->size_bytes)
		return 0;
	return fl_error_set(err, FL_INTERNAL,
			    "the image has %" PRIu64 " bytes, and had %" PRIu64
			    ": it was truncated",
			    size, meta->size_bytes);
}

bool file_entry_is_in_place(const struct file_pool *file, enum file_kind kind, const char *handle,
			    int dir_fd)
{
	struct stat opened, there;

	return fstat(dir_fd, &opened) == 0 &&
	       fstatat(file->place_fds[kind], handle, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       opened.st_ino == there.st_ino;
}

int file_entry_explain(const struct file_pool *file, enum file_kind kind, const char *handle,
		       int dir_fd, struct fl_error *err)
{
	if (!file_entry_is_in_place(file, kind, handle, dir_fd))
		return fl_error_set(err, FL_NOT_FOUND, "there is no %s %s", file_kind_name(kind),
				    handle);
	/* Descriptors or memory were short: nobody has seen any damage. */
	if (err->code == FL_UNAVAILABLE)
		return fl_error_prefix(err, "%s %s", file_kind_name(kind), handle);
	err->code = FL_INTERNAL;
	return fl_error_prefix(err, "%s %s is damaged (in %s)", file_kind_name(kind), handle,
			       file->directory);
}

int file_entry_get(const struct file_pool *file, struct fl_arena *arena, enum file_kind kind,
		   const char *handle, struct file_meta *ret, uint64_t *ret_size,
		   struct fl_error *err)
{
	fl_cleanup(fl_close) int dir_fd = -1;
	struct file_meta meta;
	uint64_t size = 0;

	if (kind == FILE_SNAPSHOT && entry_get_copying(file, arena, handle, ret, ret_size))
		return 0;
	if (file_entry_look(file, kind, handle, &dir_fd, err) < 0)
		return -1;
	if (file_meta_read(arena, dir_fd, &meta, err) < 0 ||
	    file_image_size(dir_fd, FILE_IMAGE, &size, err) < 0 ||
	    file_entry_check_whole(&meta, size, err) < 0)
		return file_entry_explain(file, kind, handle, dir_fd, err);
	meta.target = NULL;
	*ret = meta;
	*ret_size = size;
	return 0;
}

static int entry_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A descriptor of its own: the position in a directory belongs to the open file. */
static DIR *entry_opendir(int dir_fd)
{
	fl_cleanup(fl_close) int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		fl_take_fd(&fd);
	return dir;
}

struct entry_names {
	struct fl_strings list;
	size_t capacity;
};

/* Adds the names in dir_fd that begin with `prefix`, without it. */
static int entry_names_add(struct fl_arena *arena, int dir_fd, const char *prefix,
			   const char *after, struct entry_names *names)
{
	fl_cleanup(fl_closedir) DIR *dir = entry_opendir(dir_fd);

	if (!dir)
		return -1;
	for (;;) {
		struct dirent *entry;
		const char *name;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return errno ? -1 : 0;
		name = entry->d_name + strlen(prefix);
		if (!fl_text_starts_with(entry->d_name, prefix) ||
		    !fl_text_is_safe_name(name, 128) || (after && strcmp(name, after) <= 0))
			continue;
		names->list.items = fl_arena_grow(arena, names->list.items, names->list.n,
						  &names->capacity, sizeof(*names->list.items));
		names->list.items[names->list.n++] = fl_arena_strdup(arena, name);
	}
}

int file_entry_handles(const struct file_pool *file, struct fl_arena *arena, enum file_kind kind,
		       const char *after, struct fl_strings *ret, struct fl_error *err)
{
	struct entry_names names = { 0 };
	struct fl_strings *list = &names.list;
	size_t n = 0;

	/* In this order for the same reason as in file_entry_get. */
	if ((kind == FILE_SNAPSHOT &&
	     entry_names_add(arena, file->tmp_fd, "snapshot-", after, &names) < 0) ||
	    entry_names_add(arena, file->place_fds[kind], "", after, &names) < 0)
		return fl_error_sys(err, errno, "listing %s", file->directory);
	if (list->n)
		qsort(list->items, list->n, sizeof(*list->items), entry_compare);
	for (size_t i = 0; i < list->n; i++)
		if (n == 0 || strcmp(list->items[i], list->items[n - 1]) != 0)
			list->items[n++] = list->items[i];
	list->n = n;
	*ret = *list;
	return 0;
}

int file_entry_begin(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		     const char *handle, int *ret_fd, struct fl_error *err)
{
	const char *name = entry_tmp_name(op, kind, handle);

	if (file_entry_discard(file, op, kind, handle, err) < 0)
		return -1;
	if (mkdirat(file->tmp_fd, name, 0700) < 0)
		return fl_error_sys(err, errno, "making %s/tmp/%s", file->directory, name);
	return file_entry_open_begun(file, op, kind, handle, ret_fd, err);
}

int file_entry_open_begun(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
			  const char *handle, int *ret_fd, struct fl_error *err)
{
	const char *name = entry_tmp_name(op, kind, handle);

	if (entry_open_folder(file->tmp_fd, name, O_RDONLY, ret_fd) < 0)
		return fl_error_sys(err, errno, "opening %s/tmp/%s", file->directory, name);
	return 0;
}

int file_entry_commit(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		      const char *handle, int dir_fd, struct fl_error *err)
{
	const char *name = entry_tmp_name(op, kind, handle);

	if (fl_file_sync_dir(dir_fd, err) < 0)
		return -1;
	if (renameat2(file->tmp_fd, name, file->place_fds[kind], handle, RENAME_NOREPLACE) < 0)
		return fl_error_sys(err, errno, "putting %s %s into its place",
				    file_kind_name(kind), handle);
	return fl_file_sync_dir(file->place_fds[kind], err);
}

int file_entry_discard(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		       const char *handle, struct fl_error *err)
{
	return fl_file_remove_tree(file->tmp_fd, entry_tmp_name(op, kind, handle), err);
}

/* Out of its place while nobody can have opened the image: with the lease in hand an open waits,
 * and breaks the lease, which is seen. */
static int entry_to_trash(const struct file_pool *file, const char *name, enum file_kind kind,
			  const char *handle, struct fl_error *err)
{
	fl_cleanup(fl_close) int dir_fd = -1, proof_fd = -1;
	int place_fd = file->place_fds[kind];

	if (entry_open_folder(place_fd, handle, O_RDONLY, &dir_fd) < 0) {
		if (errno == ENOENT)
			return 0;
		return fl_error_sys(err, errno, "opening its folder");
	}
	if (file_image_prove_unused(file, dir_fd, &proof_fd, err) < 0)
		return -1;
	if (renameat2(place_fd, handle, file->trash_fd, name, RENAME_NOREPLACE) < 0)
		return fl_error_sys(err, errno, "moving it to the trash");
	if (!file_image_proof_is_broken(proof_fd))
		return fl_file_sync_dir(place_fd, err);
	if (renameat2(file->trash_fd, name, place_fd, handle, RENAME_NOREPLACE) < 0)
		return fl_error_sys(err, errno, "taking it back from the trash");
	return fl_error_set(err, FL_IN_USE, "the image was opened while it was being deleted");
}

int file_entry_remove(const struct file_pool *file, const struct fl_op *op, enum file_kind kind,
		      const char *handle, struct fl_error *err)
{
	const char *name = entry_tmp_name(op, kind, handle);

	if (fl_file_remove_tree(file->trash_fd, name, err) < 0 ||
	    entry_to_trash(file, name, kind, handle, err) < 0 ||
	    fl_file_remove_tree(file->trash_fd, name, err) < 0 ||
	    file_entry_discard(file, op, kind, handle, err) < 0)
		return fl_error_prefix(err, "%s %s", file_kind_name(kind), handle);
	return 0;
}

static int entry_sweep_one(const struct file_pool *file, const struct fl_op *op, const char *name,
			   struct fl_error *err)
{
	fl_cleanup(file_lock_release) struct file_lock lock = FILE_LOCK_NONE;

	for (enum file_kind kind = FILE_VOLUME; kind <= FILE_SNAPSHOT; kind++) {
		const char *prefix = entry_tmp_name(op, kind, "");

		if (!fl_text_starts_with(name, prefix))
			continue;
		if (file_lock_take(file, op, kind, name + strlen(prefix), FILE_LOCK_WRITE, &lock,
				   err) < 0)
			return err->code == FL_BUSY ? 0 : -1;
		return fl_file_remove_tree(file->trash_fd, name, err);
	}
	return 0;
}

void file_entry_sweep(const struct file_pool *file, const struct fl_op *op)
{
	fl_cleanup(fl_closedir) DIR *dir = entry_opendir(file->trash_fd);
	struct fl_error error;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (!fl_text_is_safe_name(entry->d_name, 255) ||
		    entry_sweep_one(file, op, entry->d_name, &error) == 0)
			continue;
		fl_log(FL_LOG_WARNING, "trash", "%s/trash/%s: %s", file->directory, entry->d_name,
		       error.text);
	}
}
