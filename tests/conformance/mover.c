/* SPDX-License-Identifier: Apache-2.0 */
#include "mover.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define MOVER_PIECE ((off_t)64 << 10)

/* Gives shared blocks places of their own (XFS), or places side by side (btrfs). */
static bool mover_scatter(int fd, off_t at)
{
	struct btrfs_ioctl_defrag_range_args range = { .start = (uint64_t)at,
						       .len = MOVER_PIECE,
						       .flags = BTRFS_DEFRAG_RANGE_START_IO,
						       .extent_thresh = UINT32_MAX };

	return fallocate(fd, FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE, at, MOVER_PIECE) == 0 ||
	       ioctl(fd, BTRFS_IOC_DEFRAG_RANGE, &range) == 0;
}

/* Lets two images share what is equal in them. */
static bool mover_gather(int from, int to, off_t at)
{
	union {
		struct file_dedupe_range range;
		char room[sizeof(struct file_dedupe_range) + sizeof(struct file_dedupe_range_info)];
	} asked = {
		.range = { .src_offset = (uint64_t)at, .src_length = MOVER_PIECE, .dest_count = 1 }
	};

	asked.range.info[0].dest_fd = to;
	asked.range.info[0].dest_offset = (uint64_t)at;
	return ioctl(from, FIDEDUPERANGE, &asked) == 0 && asked.range.info[0].bytes_deduped > 0;
}

static void *mover_move(void *cookie)
{
	struct mover *mover = cookie;
	off_t at = 0;

	for (size_t i = 0; !atomic_load(&mover->stop); i++) {
		int fd = mover->fds[i % mover->n], other = mover->fds[(i + 1) % mover->n];
		struct stat st;

		if (fstat(fd, &st) < 0 || at + MOVER_PIECE > st.st_size)
			at = 0;
		if (mover_scatter(fd, at))
			atomic_fetch_add(&mover->moves, 1);
		if (mover_gather(fd, other, at))
			atomic_fetch_add(&mover->moves, 1);
		if (i == 4 * mover->n && atomic_load(&mover->moves) == 0)
			break; /* this file system moves nothing */
		if (i % mover->n == mover->n - 1)
			at += MOVER_PIECE;
	}
	return NULL;
}

int mover_begin(struct mover *mover, const char *const *paths, size_t n, struct fl_error *err)
{
	*mover = (struct mover){ 0 };
	for (; mover->n < n && mover->n < MOVER_FILES; mover->n++) {
		mover->fds[mover->n] = open(paths[mover->n], O_RDWR | O_CLOEXEC);
		if (mover->fds[mover->n] < 0)
			return fl_error_sys(err, errno, "opening %s", paths[mover->n]);
	}
	if (pthread_create(&mover->thread, NULL, mover_move, mover))
		return fl_error_set(err, FL_UNAVAILABLE, "no thread to move blocks");
	return 0;
}

void mover_end(struct mover *mover)
{
	atomic_store(&mover->stop, true);
	pthread_join(mover->thread, NULL);
	for (size_t i = 0; i < mover->n; i++)
		fl_close(&mover->fds[i]);
}
