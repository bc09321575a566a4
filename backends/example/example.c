/* SPDX-License-Identifier: Apache-2.0 */
/* A backend as short as one can be: DIR/HANDLE/ holds a volume's records and, from the moment that
 * it exists, its image; DIR/.HANDLE is one that is being removed.  No locks: each step is
 * atomic. */
#include "example.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static const struct fl_option options[] = {
	{ .key = "directory", .kind = FL_OPTION_PATH, .required = true, .help = "of the volumes" },
};

static int example_open(struct fl_pool **ret, const struct fl_op *op, const char *name,
			const void *wanted, struct fl_error *err)
{
	const char *directory = *(const char *const *)wanted;
	fl_cleanup(fl_free) struct example *example = calloc(1, sizeof(*example));

	(void)op, (void)name;
	if (!example || !realpath(directory, example->directory))
		return fl_error_sys(err, errno, "directory %s", directory);
	*ret = &example->pool;
	example = NULL;
	return 0;
}

static void example_close(struct fl_pool *pool)
{
	free(pool);
}

static int example_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       struct fl_volume *ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int folder = -1;
	struct fl_record name;
	struct stat st;

	if (example_folder(pool, op, handle, &folder, err) < 0 ||
	    fl_record_get(op->arena, folder, "name", &name, err) < 0)
		return -1;
	if (name.version == 0 || fstatat(folder, "image", &st, 0) < 0)
		return fl_error_sys(err, name.version ? errno : ENOENT, "volume %s", handle);
	*ret = (struct fl_volume){ handle, name.value, (uint64_t)st.st_size, .thin = true };
	return 0;
}

static int example_create(struct fl_pool *pool, const struct fl_op *op,
			  const struct fl_volume_spec *spec, struct fl_volume *ret,
			  struct fl_error *err)
{
	const char *handle = fl_text_handle(op->arena, spec->name, FL_HANDLE_BYTES);
	fl_cleanup(fl_close) int dir = -1, folder = -1, image = -1;

	if (example_folder(pool, op, "", &dir, err) < 0)
		return -1;
	if ((mkdirat(dir, handle, 0700) < 0 && errno != EEXIST) ||
	    (folder = openat(dir, handle, O_CLOEXEC)) < 0 ||
	    (image = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) < 0 ||
	    ftruncate(image, (off_t)spec->min_bytes) < 0 || fsync(image) < 0)
		return fl_error_sys(err, errno, "volume %s", spec->name);
	if (example_record_begin(op, folder, "name", spec->name, err) < 0 ||
	    example_record_begin(op, folder, FL_RECORD_FORMAT, FL_FORMAT_NEVER, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->n_records; i++)
		if (example_record_begin(op, folder, spec->records[i].key, spec->records[i].value,
					 err) < 0)
			return -1;
	if ((linkat(image, "", folder, "image", AT_EMPTY_PATH) < 0 && errno != EEXIST) ||
	    fsync(folder) < 0 || fsync(dir) < 0)
		return fl_error_sys(err, errno, "volume %s", spec->name);
	if (example_get(pool, op, handle, ret, err) < 0)
		return -1;
	if (ret->size_bytes >= spec->min_bytes &&
	    (!spec->max_bytes || ret->size_bytes <= spec->max_bytes))
		return 0;
	return fl_error_set(err, FL_EXISTS, "volume %s has another size", spec->name);
}

static int example_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			  struct fl_error *err)
{
	const char *hidden = fl_arena_printf(op->arena, ".%s", handle);
	fl_cleanup(fl_close) int dir = -1, image = -1;

	if (example_folder(pool, op, "", &dir, err) < 0 ||
	    fl_file_remove_tree(dir, hidden, err) < 0)
		return -1;
	image = openat(dir, fl_arena_printf(op->arena, "%s/image", handle), O_CLOEXEC);
	/* The kernel grants a write lease only on a file that nobody else has open. */
	if (image >= 0 &&
	    (fcntl(image, F_SETSIG, SIGURG) < 0 || fcntl(image, F_SETLEASE, F_WRLCK) < 0))
		return fl_error_set(err, FL_IN_USE, "volume %s is in use", handle);
	if ((renameat(dir, handle, dir, hidden) < 0 && errno != ENOENT) || fsync(dir) < 0)
		return fl_error_sys(err, errno, "volume %s", handle);
	return fl_file_remove_tree(dir, hidden, err);
}

static int example_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			fl_volume_see *see, void *cookie, struct fl_error *err)
{
	struct dirent **entries = NULL;
	int n = scandir(((struct example *)pool)->directory, &entries, NULL, alphasort), stop = 0;
	struct fl_volume volume;

	for (int i = 0; i < n; free(entries[i++])) {
		const char *handle = entries[i]->d_name;

		if (handle[0] != '.' && (!after || strcmp(handle, after) > 0) && !stop &&
		    example_get(pool, op, handle, &volume, err) == 0)
			stop = see(cookie, &volume);
	}
	free(entries);
	return n < 0 ? fl_error_sys(err, errno, "listing the volumes") : 0;
}

static int example_publish(struct fl_pool *pool, const struct fl_op *op,
			   const struct fl_publish_spec *spec, struct fl_source *ret,
			   struct fl_error *err)
{
	struct example *example = (struct example *)pool;
	struct fl_volume volume = { 0 };

	if (example_get(pool, op, spec->handle, &volume, err) < 0)
		return -1;
	*ret = (struct fl_source){ .kind = FL_SOURCE_FILE, .size_bytes = volume.size_bytes };
	ret->read_only = spec->read_only;
	ret->file.path =
		fl_arena_printf(op->arena, "%s/%s/image", example->directory, spec->handle);
	return 0;
}

const struct fl_backend fl_backend = {
	.abi = FL_BACKEND_ABI,
	.size = sizeof(struct fl_backend),
	.name = "example",
	.summary = "a directory of images, as short as can be",
	.flags = FL_BACKEND_NODE_LOCAL,
	.options = options,
	.n_options = FL_COUNT(options),
	.options_size = sizeof(const char *),
	.open = example_open,
	.close = example_close,
	.volume_create = example_create,
	.volume_delete = example_delete,
	.volume_get = example_get,
	.volume_list = example_list,
	.publish = example_publish,
	.records = &example_records,
};
