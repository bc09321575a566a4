/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

#define SECTOR 512
#define BLOCK 4096
#define DEEDS_MAX 12 /* between two snapshots */

/* splitmix64 */
uint64_t history_random(struct history *h, uint64_t below)
{
	uint64_t z = h->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % below;
}

/* A place in the volume: often small, often whole blocks. */
struct place {
	uint64_t at;
	uint64_t bytes;
};

static struct place history_place(struct history *h)
{
	uint64_t unit = history_random(h, 3) ? BLOCK : SECTOR, n = h->size / unit;
	uint64_t longest = history_random(h, 4) ? 16 : n;
	struct place place = { history_random(h, n) * unit, 0 };

	place.bytes = (1 + history_random(h, longest)) * unit;
	if (place.bytes > h->size - place.at)
		place.bytes = h->size - place.at;
	return place;
}

static int history_write(const struct history *h, struct place place, struct fl_error *err)
{
	ssize_t n = pwrite(h->fd, h->bytes + place.at, place.bytes, (off_t)place.at);

	if (n != (ssize_t)place.bytes)
		return fl_error_sys(err, n < 0 ? errno : EIO, "writing to the volume");
	return 0;
}

static int history_allocate(const struct history *h, int mode, struct place place,
			    struct fl_error *err)
{
	if (fallocate(h->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)place.at, (off_t)place.bytes) < 0)
		return errno == EOPNOTSUPP ? history_write(h, place, err)
					   : fl_error_sys(err, errno, "fallocate of mode %d", mode);
	return 0;
}

/* Bytes that nothing shrinks, or that compress well. */
static int do_write(struct history *h, struct fl_error *err)
{
	struct place place = history_place(h);
	uint64_t mask = history_random(h, 2) ? UINT64_MAX : 1;

	for (uint64_t i = 0; i < place.bytes; i += sizeof(uint64_t)) {
		uint64_t word = history_random(h, UINT64_MAX) & mask;

		memcpy(h->bytes + place.at + i, &word, sizeof(word));
	}
	return history_write(h, place, err);
}

/* One byte, in a block that stays as it is otherwise. */
static int do_touch(struct history *h, struct fl_error *err)
{
	uint64_t at = history_random(h, h->size);

	h->bytes[at] ^= (uint8_t)(1 + history_random(h, 255));
	return history_write(h, (struct place){ at, 1 }, err);
}

static int do_rewrite(struct history *h, struct fl_error *err)
{
	return history_write(h, history_place(h), err);
}

static int do_write_zeros(struct history *h, struct fl_error *err)
{
	struct place place = history_place(h);

	memset(h->bytes + place.at, 0, place.bytes);
	return history_write(h, place, err);
}

static int do_discard(struct history *h, struct fl_error *err)
{
	struct place place = history_place(h);

	memset(h->bytes + place.at, 0, place.bytes);
	return history_allocate(h, FALLOC_FL_PUNCH_HOLE, place, err);
}

/* Every other block: more extents than one answer of the kernel holds. */
static int do_comb(struct history *h, struct fl_error *err)
{
	uint64_t at = history_place(h).at / BLOCK * BLOCK, end = at + 400 * BLOCK;

	for (; at < end && at < h->size; at += 2 * BLOCK) {
		memset(h->bytes + at, 0, BLOCK);
		if (history_allocate(h, FALLOC_FL_PUNCH_HOLE, (struct place){ at, BLOCK }, err) < 0)
			return -1;
	}
	return 0;
}

/* Reserved and never written. */
static int do_zero_range(struct history *h, struct fl_error *err)
{
	struct place place = history_place(h);

	memset(h->bytes + place.at, 0, place.bytes);
	return history_allocate(h, FALLOC_FL_ZERO_RANGE, place, err);
}

static int do_reserve(struct history *h, struct fl_error *err)
{
	return history_allocate(h, 0, history_place(h), err);
}

/* The same extent at two places, which often touch, where the file system has that. */
static int do_share(struct history *h, struct fl_error *err)
{
	uint64_t n = h->size / BLOCK, blocks = 1 + history_random(h, n / 4);
	uint64_t from = history_random(h, n - 2 * blocks + 1);
	uint64_t to = history_random(h, 2) ? from + blocks : history_random(h, n - blocks + 1);
	struct file_clone_range range = { .src_fd = h->fd,
					  .src_offset = from * BLOCK,
					  .src_length = blocks * BLOCK,
					  .dest_offset = to * BLOCK };

	memmove(h->bytes + to * BLOCK, h->bytes + from * BLOCK, blocks * BLOCK);
	if (ioctl(h->fd, FICLONERANGE, &range) == 0)
		return 0;
	return history_write(h, (struct place){ to * BLOCK, blocks * BLOCK }, err);
}

static int do_grow(struct history *h, struct fl_error *err)
{
	uint64_t larger = h->size + (1 + history_random(h, 64)) * BLOCK;

	if (larger > HISTORY_MAX_BYTES)
		return 0;
	return fl_volume_resize(h->pool, &h->op, h->volume, larger, larger, &h->size, err);
}

static int do_sync(struct history *h, struct fl_error *err)
{
	return fdatasync(h->fd) < 0 ? fl_error_sys(err, errno, "syncing the volume") : 0;
}

/* As a program that looks for equal blocks does; the kernel shares none that differ. */
static int do_deduplicate(struct history *h, struct fl_error *err)
{
	union {
		struct file_dedupe_range range;
		char room[sizeof(struct file_dedupe_range) + sizeof(struct file_dedupe_range_info)];
	} asked = { .range = { .src_length = 16 * BLOCK, .dest_count = 1 } };
	const struct history_cut *cut;
	fl_cleanup(fl_close) int fd = -1;
	struct fl_publish_spec spec = { .handle = h->volume, .node = "history" };
	struct fl_source source;
	const char *end;

	if (h->n_cuts == 0)
		return 0;
	if (fl_volume_publish(h->pool, &h->op, &spec, &source, err) < 0)
		return -1;
	cut = &h->cuts[history_random(h, h->n_cuts)];
	end = strstr(source.file.path, "/volumes/");
	fd = open(fl_arena_printf(h->op.arena, "%.*s/snapshots/%s/image",
				  (int)(end - source.file.path), source.file.path, cut->handle),
		  O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fl_error_sys(err, errno, "opening snapshot %s", cut->handle);
	asked.range.src_offset = history_random(h, cut->size / BLOCK - 15) * BLOCK;
	asked.range.info[0].dest_fd = fd;
	asked.range.info[0].dest_offset = asked.range.src_offset;
	ioctl(h->fd, FIDEDUPERANGE, &asked);
	return 0;
}

static int (*const deeds[])(struct history *h, struct fl_error *err) = {
	do_write,   do_write,   do_touch,   do_rewrite,    do_write_zeros,
	do_discard, do_comb,    do_discard, do_zero_range, do_share,
	do_share,   do_reserve, do_grow,    do_sync,       do_deduplicate,
};

/* Half of the volumes are compressed, where the file system does that. */
static int history_open(struct history *h, struct fl_error *err)
{
	bool is_compressed = history_random(h, 2);
	int flags = 0;
	struct fl_publish_spec spec = { .handle = h->volume, .node = "history" };
	struct fl_source source;

	fl_close(&h->fd);
	if (fl_volume_publish(h->pool, &h->op, &spec, &source, err) < 0)
		return -1;
	h->fd = open(source.file.path, O_RDWR | O_CLOEXEC);
	if (h->fd < 0)
		return fl_error_sys(err, errno, "opening the volume");
	if (is_compressed && ioctl(h->fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_COMPR_FL;
		ioctl(h->fd, FS_IOC_SETFLAGS, &flags);
	}
	return 0;
}

static int history_create(struct history *h, const char *name, struct fl_content content,
			  struct fl_error *err)
{
	struct fl_volume_spec spec = { .name = name,
				       .min_bytes = h->size,
				       .max_bytes = h->size,
				       .thin = history_random(h, 4) != 0,
				       .content = content };
	struct fl_volume volume;

	if (fl_volume_create(h->pool, &h->op, &spec, &volume, err) < 0)
		return -1;
	snprintf(h->volume, sizeof(h->volume), "%s", volume.handle);
	return history_open(h, err);
}

/* Or it would be the history that is wrong. */
static int history_prove(const struct history *h, struct fl_error *err)
{
	static uint8_t bytes[HISTORY_MAX_BYTES];

	if (pread(h->fd, bytes, h->size, 0) != (ssize_t)h->size ||
	    memcmp(bytes, h->bytes, h->size) != 0)
		return fl_error_set(err, FL_INTERNAL,
				    "the volume does not hold what was written to it");
	return 0;
}

static int history_cut(struct history *h, struct fl_error *err)
{
	struct history_cut *cut = &h->cuts[h->n_cuts];
	char name[16];
	struct fl_snapshot_spec spec = { .name = name, .volume_handle = h->volume };
	struct fl_snapshot snapshot;

	snprintf(name, sizeof(name), "cut%zu", h->n_cuts);
	if (fl_snapshot_create(h->pool, &h->op, &spec, &snapshot, err) < 0)
		return -1;
	snprintf(cut->handle, sizeof(cut->handle), "%s", snapshot.handle);
	cut->size = h->size;
	memcpy(cut->bytes, h->bytes, h->size);
	memset(cut->bytes + h->size, 0, sizeof(cut->bytes) - h->size);
	h->n_cuts++;
	return history_prove(h, err);
}

static int history_work(struct history *h, struct fl_error *err)
{
	for (uint64_t n = 1 + history_random(h, DEEDS_MAX); n > 0; n--)
		if (deeds[history_random(h, FL_COUNT(deeds))](h, err) < 0)
			return -1;
	return 0;
}

/* The life goes on in a volume that begins with the first snapshot's content. */
static int history_reincarnate(struct history *h, struct fl_error *err)
{
	struct fl_snapshot_spec spec = { .name = "origin", .volume_handle = h->volume };
	struct fl_snapshot snapshot;

	if (fl_snapshot_create(h->pool, &h->op, &spec, &snapshot, err) < 0)
		return -1;
	return history_create(h, "clone",
			      (struct fl_content){ FL_CONTENT_SNAPSHOT, snapshot.handle }, err);
}

int history_live(struct history *h, uint64_t seed, struct fl_error *err)
{
	size_t n_cuts;

	h->random = seed;
	h->n_cuts = 0;
	h->op.deadline = fl_clock_after_ms(60000);
	h->size = (16 + history_random(h, HISTORY_MAX_BYTES / BLOCK / 2)) * BLOCK;
	memset(h->bytes, 0, sizeof(h->bytes));
	n_cuts = 2 + history_random(h, HISTORY_CUTS - 1);
	if (history_create(h, "volume", (struct fl_content){ 0 }, err) < 0)
		return -1;
	if (history_random(h, 4) == 0 &&
	    (history_work(h, err) < 0 || history_reincarnate(h, err) < 0))
		return -1;
	while (h->n_cuts < n_cuts)
		if (history_work(h, err) < 0 || history_cut(h, err) < 0)
			return -1;
	return 0;
}

int history_end(struct history *h, struct fl_error *err)
{
	fl_close(&h->fd);
	for (size_t i = 0; i < h->n_cuts; i++)
		if (fl_snapshot_delete(h->pool, &h->op, h->cuts[i].handle, err) < 0)
			return -1;
	if (fl_snapshot_delete(h->pool, &h->op, "origin", err) < 0 ||
	    fl_volume_delete(h->pool, &h->op, "clone", err) < 0 ||
	    fl_volume_delete(h->pool, &h->op, "volume", err) < 0)
		return -1;
	fl_arena_free(h->op.arena);
	h->op.arena = fl_arena_new(0);
	return 0;
}

struct history *history_new(struct fl_pool *pool)
{
	struct history *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	h->pool = pool;
	h->fd = -1;
	h->op = (struct fl_op){ .id = "history", .arena = fl_arena_new(0) };
	return h;
}

void history_free(struct history *h)
{
	fl_close(&h->fd);
	fl_arena_free(h->op.arena);
	free(h);
}
