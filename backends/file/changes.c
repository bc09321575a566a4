/* SPDX-License-Identifier: Apache-2.0 */
/* Changed blocks of snapshots, found by comparing their images: nothing is recorded while a volume
 * is written to. */
#include "changes.h"

#include "base/clock.h"
#include "extents.h"
#include "origin.h"
#include "volume.h"

#define TELLER_RUN (UINT64_C(256) << 20)
#define TELLER_SILENCE_US 200000

static void teller_say(struct file_teller *teller, const struct fl_extent *extent)
{
	teller->said_us = fl_clock_us();
	teller->ended = teller->ended || teller->see(teller->cookie, extent) != 0;
}

static void teller_flush(struct file_teller *teller)
{
	if (teller->run.bytes > 0 && !teller->ended)
		teller_say(teller, &teller->run);
	teller->run.bytes = 0;
}

void file_teller_add(struct file_teller *teller, uint64_t offset, uint64_t bytes)
{
	struct fl_extent *run = &teller->run;
	uint64_t part;

	if (run->bytes > 0 && run->offset + run->bytes != offset)
		teller_flush(teller);
	for (; bytes > 0; bytes -= part, offset += part) {
		if (run->bytes == 0)
			run->offset = offset;
		part = TELLER_RUN - run->bytes;
		part = bytes < part ? bytes : part;
		run->bytes += part;
		if (run->bytes == TELLER_RUN)
			teller_flush(teller);
	}
}

bool file_teller_reached(struct file_teller *teller, uint64_t at)
{
	if (!teller->ended && fl_clock_us() - teller->said_us >= TELLER_SILENCE_US) {
		teller_flush(teller);
		if (!teller->ended)
			teller_say(teller, &(struct fl_extent){ at, 0 });
	}
	return teller->ended;
}

static int changes_open(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			struct file_origin *ret, struct fl_error *err)
{
	const struct fl_content content = { FL_CONTENT_SNAPSHOT, handle };

	return file_origin_open(file_pool_of(pool), op, &content, ret, err);
}

/* What was ever written counts, also where it is zeros by now; what is reserved only does not. */
static int changes_allocated(struct fl_pool *pool, const struct fl_op *op, const char *snapshot,
			     uint64_t from, fl_extent_see *see, void *cookie, struct fl_error *err)
{
	fl_cleanup(file_origin_release) struct file_origin origin = FILE_ORIGIN_NONE;
	struct file_teller teller = { .see = see, .cookie = cookie, .said_us = fl_clock_us() };
	struct file_extents extents;

	if (changes_open(pool, op, snapshot, &origin, err) < 0)
		return -1;
	while (from < origin.size && !file_teller_reached(&teller, from)) {
		if (file_extents_read(origin.image_fd, from, origin.size, &extents, err) < 0)
			return fl_error_prefix(err, "snapshot %s", snapshot);
		for (size_t i = 0; i < extents.n; i++) {
			const struct file_extent *extent = &extents.items[i];

			if (!extent->zero)
				file_teller_add(&teller, extent->start,
						extent->end - extent->start);
		}
		from = extents.end;
		fl_op_step(op, "mapping", from, origin.size);
	}
	teller_flush(&teller);
	return 0;
}

static int changes_delta(struct fl_pool *pool, const struct fl_op *op, const char *base,
			 const char *target, uint64_t from, fl_extent_see *see, void *cookie,
			 struct fl_error *err)
{
	fl_cleanup(file_origin_release) struct file_origin older = FILE_ORIGIN_NONE;
	fl_cleanup(file_origin_release) struct file_origin newer = FILE_ORIGIN_NONE;
	struct file_teller teller = { .see = see, .cookie = cookie, .said_us = fl_clock_us() };
	struct file_compare compare = { .op = op, .from = from, .teller = &teller };

	if (changes_open(pool, op, base, &older, err) < 0 ||
	    changes_open(pool, op, target, &newer, err) < 0)
		return -1;
	compare.base_fd = older.image_fd;
	compare.target_fd = newer.image_fd;
	compare.size = newer.size;
	if (file_compare_run(&compare, err) < 0)
		return fl_error_prefix(err, "comparing snapshots %s and %s", base, target);
	teller_flush(&teller);
	return 0;
}

const struct fl_change_ops file_change_ops = {
	.allocated = changes_allocated,
	.delta = changes_delta,
};
