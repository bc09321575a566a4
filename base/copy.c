/* SPDX-License-Identifier: Apache-2.0 */
/* The part of file.h that copies the data of one file over another. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define COPY_ALIGN 4096
#define COPY_BUFFER (UINT64_C(1) << 20)
#define COPY_IN_KERNEL (UINT64_C(16) << 20) /* at a time, so that progress is seen */
#define COPY_EXTENTS 1024                   /* looked up at a time */

struct copy_extent {
	uint64_t start;
	uint64_t end;
};

struct copy {
	const struct fl_op *op;
	int src_fd;
	int dst_fd;
	uint64_t size;
	bool by_hand; /* the kernel cannot copy between these two */
	char *buffer;
};

static void copy_release(struct copy *copy)
{
	free(copy->buffer);
}

/* The next extent of data at or after `at`: false when there is none up to the end. */
static bool copy_next(const struct copy *copy, uint64_t at, uint64_t *ret_start, uint64_t *ret_end,
		      int *ret_errno)
{
	off_t data = lseek(copy->src_fd, (off_t)at, SEEK_DATA);
	off_t hole;

	*ret_errno = 0;
	if (data < 0 && errno == EINVAL) {
		/* This file system tells nothing about holes: everything is data. */
		*ret_start = at;
		*ret_end = copy->size;
		return at < copy->size;
	}
	if (data < 0) {
		*ret_errno = errno == ENXIO ? 0 : errno;
		return false;
	}
	hole = lseek(copy->src_fd, data, SEEK_HOLE);
	if (hole < 0) {
		*ret_errno = errno;
		return false;
	}
	*ret_start = (uint64_t)data;
	*ret_end = (uint64_t)hole < copy->size ? (uint64_t)hole : copy->size;
	return *ret_start < *ret_end;
}

/* Copies inside the kernel (shared extents where the file system has them).  Returns how far it
 * got: less than `end` when it cannot go on. */
static uint64_t copy_in_kernel(struct copy *copy, uint64_t at, uint64_t end)
{
	while (at < end && !copy->by_hand) {
		off_t from = (off_t)at, to = (off_t)at;
		uint64_t length = end - at < COPY_IN_KERNEL ? end - at : COPY_IN_KERNEL;
		ssize_t n = copy_file_range(copy->src_fd, &from, copy->dst_fd, &to, length, 0);

		if (n < 0 && errno == EINTR)
			continue;
		/* Whatever stands in the way, copying by hand succeeds or says it better. */
		if (n <= 0)
			copy->by_hand = true;
		else
			at += (uint64_t)n;
		fl_op_step(copy->op, "copying", at, copy->size);
	}
	return at;
}

static int copy_read(const struct copy *copy, uint64_t at, size_t length, struct fl_error *err)
{
	size_t got = 0;

	while (got < length) {
		ssize_t n =
			pread(copy->src_fd, copy->buffer + got, length - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fl_error_sys(err, errno, "reading the source of a copy");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	/* Behind the end of the source there are zeros, as in the destination. */
	memset(copy->buffer + got, 0, length - got);
	return 0;
}

static int copy_write(const struct copy *copy, uint64_t at, size_t length, struct fl_error *err)
{
	size_t put = 0;

	while (put < length) {
		ssize_t n =
			pwrite(copy->dst_fd, copy->buffer + put, length - put, (off_t)(at + put));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fl_error_sys(err, errno, "writing the destination of a copy");
		put += (size_t)n;
	}
	return 0;
}

/* The end of a file whose size is no multiple of the alignment cannot be written with O_DIRECT, and
 * a whole block would make the file longer: that piece alone goes through the page cache. */
static int copy_write_tail(const struct copy *copy, uint64_t at, size_t length,
			   struct fl_error *err)
{
	int flags = fcntl(copy->dst_fd, F_GETFL);
	int status;

	if (flags < 0 || !(flags & O_DIRECT))
		return copy_write(copy, at, length, err);
	if (fcntl(copy->dst_fd, F_SETFL, flags & ~O_DIRECT) < 0)
		return fl_error_sys(err, errno, "turning off direct I/O for the end of a copy");
	status = copy_write(copy, at, length, err);
	if (fcntl(copy->dst_fd, F_SETFL, flags) < 0 && status == 0)
		return fl_error_sys(err, errno, "turning on direct I/O after a copy");
	return status;
}

static int copy_by_hand(struct copy *copy, uint64_t at, uint64_t end, struct fl_error *err)
{
	if (at >= end)
		return 0;
	if (!copy->buffer)
		copy->buffer = aligned_alloc(COPY_ALIGN, COPY_BUFFER);
	if (!copy->buffer)
		return fl_error_sys(err, ENOMEM, "copying");
	for (at -= at % COPY_ALIGN; at < end; at += COPY_BUFFER) {
		uint64_t left = copy->size - at;
		uint64_t length = (end - at + COPY_ALIGN - 1) / COPY_ALIGN * COPY_ALIGN;
		int status;

		length = length < COPY_BUFFER ? length : COPY_BUFFER;
		if (copy_read(copy, at, length, err) < 0)
			return -1;
		status = left < length ? copy_write_tail(copy, at, left, err)
				       : copy_write(copy, at, length, err);
		if (status < 0)
			return -1;
		fl_op_step(copy->op, "copying", at + (left < length ? left : length), copy->size);
	}
	return 0;
}

/* The next extents of data, all found before the first is copied: reading ahead puts pages into the
 * cache also where space is reserved but was never written, and from then on they pass for data. */
static size_t copy_look(const struct copy *copy, uint64_t at, struct copy_extent *extents,
			int *ret_errno)
{
	size_t n = 0;

	while (n < COPY_EXTENTS &&
	       copy_next(copy, at, &extents[n].start, &extents[n].end, ret_errno))
		at = extents[n++].end;
	return n;
}

static int copy_extent(struct copy *copy, const struct copy_extent *extent, struct fl_error *err)
{
	return copy_by_hand(copy, copy_in_kernel(copy, extent->start, extent->end), extent->end,
			    err);
}

int fl_file_copy_sparse(const struct fl_op *op, int src_fd, int dst_fd, uint64_t size,
			struct fl_error *err)
{
	fl_cleanup(copy_release) struct copy copy = {
		.op = op, .src_fd = src_fd, .dst_fd = dst_fd, .size = size
	};
	struct copy_extent extents[COPY_EXTENTS];
	int seek_errno = 0;
	uint64_t at = 0;
	size_t n;

	fl_op_step(op, "copying", 0, size);
	/* ext4 shows data that it has not placed yet as a hole, in files that it maps without
	 * extents. */
	if (fdatasync(src_fd) < 0)
		return fl_error_sys(err, errno, "syncing the source of a copy");
	while (!seek_errno && (n = copy_look(&copy, at, extents, &seek_errno)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (copy_extent(&copy, &extents[i], err) < 0)
				return -1;
		}
		at = extents[n - 1].end;
	}
	if (seek_errno)
		return fl_error_sys(err, seek_errno, "looking for data in the source of a copy");
	fl_op_step(op, "syncing", size, size);
	if (fsync(dst_fd) < 0)
		return fl_error_sys(err, errno, "syncing the destination of a copy");
	return 0;
}
