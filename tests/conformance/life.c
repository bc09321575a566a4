/* SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define BYTES (8ull << 20)
#define LARGER (12ull << 20)
#define CUT_NS 1700000000000000000ll
#define TRIES 2000

struct fl_op life_op(void)
{
	return (struct fl_op){ .id = "life",
			       .deadline = fl_clock_after_ms(60000),
			       .arena = fl_arena_new(0) };
}

void life_op_release(struct fl_op *op)
{
	fl_arena_free(op->arena);
}

int life_open(const struct fl_backend *backend, const char *directory, struct fl_pool **ret,
	      struct fl_error *err)
{
	fl_cleanup(life_op_release) struct fl_op op = life_op();
	struct fl_pair pair = { "directory", directory };
	void *options = fl_arena_alloc(op.arena, backend->options_size);

	if (fl_config_fill_pairs(op.arena, &pair, 1, "the pool", backend->options,
				 backend->n_options, options, backend->options_size, err) < 0)
		return -1;
	return fl_pool_open(backend, &op, "life", options, ret, err);
}

static int create(struct fl_pool *pool, const struct fl_op *op, const char *name, uint64_t bytes,
		  struct fl_content content, struct fl_error *err)
{
	struct fl_volume_spec spec = {
		.name = name, .min_bytes = bytes, .thin = true, .content = content
	};
	struct fl_volume volume;

	return fl_volume_create(pool, op, &spec, &volume, err);
}

static int open_bytes(struct fl_pool *pool, const struct fl_op *op, const char *handle, int flags,
		      struct fl_error *err)
{
	struct fl_publish_spec spec = { .handle = handle, .node = "life" };
	struct fl_source source;
	int fd;

	if (fl_volume_publish(pool, op, &spec, &source, err) < 0)
		return -1;
	fd = open(source.file.path, flags | O_CLOEXEC);
	return fd < 0 ? fl_error_sys(err, errno, "opening %s", source.file.path) : fd;
}

static int make_volume(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	return create(pool, op, "a", BYTES, (struct fl_content){ 0 }, err);
}

static int write_volume(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open_bytes(pool, op, "a", O_RDWR, err);
	char block[65536];

	if (fd < 0)
		return -1;
	memset(block, 0x61, sizeof(block));
	for (off_t at = 0; at < (off_t)BYTES; at += (off_t)sizeof(block))
		if (pwrite(fd, block, sizeof(block), at) != sizeof(block))
			return fl_error_sys(err, errno, "writing");
	return 0;
}

/* As a controller does it: read, decide, set; whoever lost an answer finds its own value. */
static int make_record(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	struct fl_record record;
	uint64_t version;

	if (!pool->backend->records)
		return 0;
	if (fl_volume_record_get(pool, op, "a", FL_RECORD_OWNER, &record, err) < 0)
		return -1;
	if (strcmp(record.value, "mine") == 0)
		return 0;
	return fl_volume_record_set(pool, op, "a", FL_RECORD_OWNER, record.version, "mine",
				    &version, err);
}

static int make_pool_record(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	struct fl_record record;
	uint64_t version;

	if (!pool->backend->pool_records)
		return 0;
	if (fl_pool_record_get(pool, op, "r", &record, err) < 0)
		return -1;
	if (strcmp(record.value, "mine") == 0)
		return 0;
	return fl_pool_record_set(pool, op, "r", record.version, "mine", &version, err);
}

static int remove_pool_record(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	struct fl_record record;

	if (!pool->backend->pool_records)
		return 0;
	if (fl_pool_record_get(pool, op, "r", &record, err) < 0)
		return -1;
	return fl_pool_record_remove(pool, op, "r", record.version, err);
}

static int make_larger(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	uint64_t bytes;

	if (!pool->backend->resize)
		return 0;
	return fl_volume_resize(pool, op, "a", LARGER, 0, &bytes, err);
}

static int make_snapshot(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	struct fl_snapshot_spec spec = { .name = "s", .volume_handle = "a" };
	struct fl_snapshot snapshot;

	if (!pool->backend->snapshots)
		return 0;
	return fl_snapshot_create(pool, op, &spec, &snapshot, err);
}

static int make_from_snapshot(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	if (!pool->backend->snapshots)
		return 0;
	return create(pool, op, "b", LARGER, (struct fl_content){ FL_CONTENT_SNAPSHOT, "s" }, err);
}

static int make_clone(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	if (!(pool->flags & FL_BACKEND_CLONES))
		return 0;
	return create(pool, op, "c", LARGER, (struct fl_content){ FL_CONTENT_VOLUME, "a" }, err);
}

/* All steps of a copy: whatever was begun before is found or made anew. */
static int make_copy(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	struct fl_snapshot_spec spec = { .name = "t", .volume_handle = "a" };
	struct fl_copy_target target = { .snapshot = &spec };
	fl_cleanup(fl_close) int fd = -1;
	struct fl_copy copy;

	if (!pool->backend->copies)
		return 0;
	if (fl_copy_begin(pool, op, &target, &copy, err) < 0)
		return -1;
	if (copy.done)
		return 0;
	fd = open(copy.path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, "copy", 4, 0) != 4 || fsync(fd) < 0)
		return fl_error_sys(err, errno, "writing %s", copy.path);
	copy.cut_ns = CUT_NS;
	if (fl_copy_started(pool, op, &target, &copy, err) < 0)
		return -1;
	return fl_copy_commit(pool, op, &target, &copy, err);
}

static int remove_volume_a(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	return fl_volume_delete(pool, op, "a", err);
}

static int remove_volume_b(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	return fl_volume_delete(pool, op, "b", err);
}

static int remove_volume_c(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	return fl_volume_delete(pool, op, "c", err);
}

static int remove_snapshot_s(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	return pool->backend->snapshots ? fl_snapshot_delete(pool, op, "s", err) : 0;
}

static int remove_snapshot_t(struct fl_pool *pool, const struct fl_op *op, struct fl_error *err)
{
	return pool->backend->snapshots ? fl_snapshot_delete(pool, op, "t", err) : 0;
}

const struct life_step life_making[] = {
	{ "create", make_volume },
	{ "write", write_volume },
	{ "record", make_record },
	{ "resize", make_larger },
	{ "snapshot", make_snapshot },
	{ "restore", make_from_snapshot },
	{ "clone", make_clone },
	{ "copy", make_copy },
	{ "pool record", make_pool_record },
};
const size_t life_n_making = FL_COUNT(life_making);

const struct life_step life_removing[] = {
	{ "delete a", remove_volume_a },   { "delete s", remove_snapshot_s },
	{ "delete b", remove_volume_b },   { "delete c", remove_volume_c },
	{ "delete t", remove_snapshot_t }, { "delete r", remove_pool_record },
};
const size_t life_n_removing = FL_COUNT(life_removing);

int life_insist(const struct life_step *step, struct fl_pool *pool, struct fl_error *err)
{
	for (int tries = 0; tries < TRIES; tries++) {
		fl_cleanup(life_op_release) struct fl_op op = life_op();

		if (step->run(pool, &op, err) == 0)
			return 0;
		if (err->code != FL_UNAVAILABLE && err->code != FL_BUSY)
			break;
		if (err->code == FL_BUSY)
			fl_clock_sleep_ms(1);
	}
	return fl_error_prefix(err, "step %s", step->name);
}

static int count_volume(void *cookie, const struct fl_volume *volume)
{
	(void)volume;
	++*(unsigned *)cookie;
	return 0;
}

static int count_snapshot(void *cookie, const struct fl_snapshot *snapshot)
{
	*(unsigned *)cookie += snapshot->ready;
	return 0;
}

static int check_bytes(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open_bytes(pool, op, handle, O_RDONLY, err);
	static const off_t places[] = { 0, (off_t)BYTES / 2, (off_t)BYTES - 4096 };
	char block[4096], wanted[4096];

	if (fd < 0)
		return -1;
	memset(wanted, 0x61, sizeof(wanted));
	for (size_t i = 0; i < FL_COUNT(places); i++)
		if (pread(fd, block, sizeof(block), places[i]) != sizeof(block) ||
		    memcmp(block, wanted, sizeof(block)) != 0)
			return fl_error_set(err, FL_INTERNAL, "volume %s lost its content", handle);
	return 0;
}

int life_check(struct fl_pool *pool, struct fl_error *err)
{
	fl_cleanup(life_op_release) struct fl_op op = life_op();
	bool snapshots = pool->backend->snapshots, clones = pool->flags & FL_BACKEND_CLONES;
	unsigned n_volumes = 0, n_snapshots = 0;
	unsigned wanted_volumes = 1, wanted_snapshots = 0;

	wanted_volumes += snapshots ? 1 : 0;
	wanted_volumes += clones ? 1 : 0;
	wanted_snapshots += snapshots ? 1 : 0;
	wanted_snapshots += pool->backend->copies ? 1 : 0;
	if (fl_volume_list(pool, &op, NULL, count_volume, &n_volumes, err) < 0)
		return -1;
	if (snapshots && fl_snapshot_list(pool, &op, NULL, count_snapshot, &n_snapshots, err) < 0)
		return -1;
	if (n_volumes != wanted_volumes || n_snapshots != wanted_snapshots)
		return fl_error_set(err, FL_INTERNAL, "there are %u volumes and %u snapshots",
				    n_volumes, n_snapshots);
	if (check_bytes(pool, &op, "a", err) < 0 ||
	    (snapshots && check_bytes(pool, &op, "b", err) < 0))
		return -1;
	return clones ? check_bytes(pool, &op, "c", err) : 0;
}
