/* SPDX-License-Identifier: Apache-2.0 */
/* Two images that nobody writes to, compared by where their bytes are, and by their bytes only
 * where that proves nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "extents.h"

#define COMPARE_BLOCK 4096u
#define COMPARE_CHUNK (256u << 10) /* read at a time, of each image */

static const char zeros[COMPARE_BLOCK];

/* Both images from where the last window ended. */
struct compare_window {
	struct file_extents base;
	struct file_extents target;
	struct file_extents again; /* the base's, mapped a second time */
	uint64_t end;
	bool is_proof; /* the same address is the same byte */
	char base_bytes[COMPARE_CHUNK];
	char target_bytes[COMPARE_CHUNK];
};

static void extents_forget_physical(struct file_extents *extents)
{
	for (size_t i = 0; i < extents->n; i++)
		extents->items[i].physical = 0;
}

/* The same address in both maps proves the same bytes only if both were there at one moment:
 * between the two maps the base's data may have moved away and the target's into its place.  So the
 * base is mapped before and after the target.  To be deceived all the same, an address would have
 * to be given up, reused, given up and reused once more in between, each time by way of a committed
 * transaction of the file system, and in the end by the same bytes as at first. */
static int window_map(struct compare_window *window, const struct file_compare *compare,
		      uint64_t at, struct fl_error *err)
{
	if (file_extents_read(compare->base_fd, at, compare->size, &window->base, err) < 0 ||
	    file_extents_read(compare->target_fd, at, compare->size, &window->target, err) < 0)
		return -1;
	if (window->is_proof &&
	    file_extents_read(compare->base_fd, at, compare->size, &window->again, err) < 0)
		return -1;
	if (!window->is_proof || !file_extents_are_equal(&window->base, &window->again))
		extents_forget_physical(&window->base);
	window->end = window->base.end < window->target.end ? window->base.end : window->target.end;
	return 0;
}

/* The bytes of one side of a piece: read, and not kept in the page cache, where nobody needs
 * them. */
static int compare_read(int fd, char *bytes, uint64_t at, size_t length, struct fl_error *err)
{
	size_t got = 0;

	while (got < length) {
		ssize_t n = pread(fd, bytes + got, length - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fl_error_sys(err, errno, "reading the image");
		if (n == 0)
			return fl_error_set(err, FL_INTERNAL, "the image ends at %llu, too early",
					    (unsigned long long)(at + got));
		got += (size_t)n;
	}
	posix_fadvise(fd, (off_t)at, (off_t)length, POSIX_FADV_DONTNEED);
	return 0;
}

/* Tells the blocks of [at, at + length) that differ; NULL reads as zeros. */
static void compare_blocks(const struct file_compare *compare, uint64_t at, size_t length,
			   const char *base, const char *target)
{
	size_t n;

	for (size_t i = 0; i < length; i += n) {
		n = COMPARE_BLOCK - (at + i) % COMPARE_BLOCK;
		n = n < length - i ? n : length - i;
		if (memcmp(base ? base + i : zeros, target ? target + i : zeros, n) != 0)
			file_teller_add(compare->teller, at + i, n);
	}
}

static int compare_bytes(const struct file_compare *compare, struct compare_window *window,
			 const struct file_extent *base, const struct file_extent *target,
			 uint64_t at, uint64_t end, struct fl_error *err)
{
	size_t length;

	for (; at < end && !file_teller_reached(compare->teller, at); at += length) {
		length = end - at < COMPARE_CHUNK ? (size_t)(end - at) : COMPARE_CHUNK;
		if (!base->zero &&
		    compare_read(compare->base_fd, window->base_bytes, at, length, err) < 0)
			return -1;
		if (!target->zero &&
		    compare_read(compare->target_fd, window->target_bytes, at, length, err) < 0)
			return -1;
		compare_blocks(compare, at, length, base->zero ? NULL : window->base_bytes,
			       target->zero ? NULL : window->target_bytes);
		fl_op_step(compare->op, "comparing", at + length, compare->size);
	}
	return 0;
}

/* Both have the byte at `at`. */
static bool extents_share(const struct file_extent *base, const struct file_extent *target,
			  uint64_t at)
{
	if (base->zero && target->zero)
		return true;
	return base->physical && target->physical &&
	       base->physical + (at - base->start) == target->physical + (at - target->start);
}

/* Piece by piece, each within one extent of the base and one of the target. */
static int compare_window(const struct file_compare *compare, struct compare_window *window,
			  uint64_t at, struct fl_error *err)
{
	const struct file_extent *base = window->base.items, *target = window->target.items;
	uint64_t end;

	for (; at < window->end && !compare->teller->ended; at = end) {
		while (base->end <= at)
			base++;
		while (target->end <= at)
			target++;
		end = base->end < target->end ? base->end : target->end;
		if (!extents_share(base, target, at) &&
		    compare_bytes(compare, window, base, target, at, end, err) < 0)
			return -1;
	}
	return 0;
}

int file_compare_run(struct file_compare *compare, struct fl_error *err)
{
	fl_cleanup(fl_free) struct compare_window *window = malloc(sizeof(*window));
	uint64_t at = compare->from;

	if (!window)
		return fl_error_sys(err, ENOMEM, "comparing");
	window->is_proof = file_extents_are_comparable(compare->base_fd, compare->target_fd);
	while (at < compare->size && !file_teller_reached(compare->teller, at)) {
		if (window_map(window, compare, at, err) < 0 ||
		    compare_window(compare, window, at, err) < 0)
			return -1;
		at = window->end;
		fl_op_step(compare->op, "comparing", at, compare->size);
	}
	return 0;
}
