/* SPDX-License-Identifier: Apache-2.0 */
#include "extents.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Each extent of the kernel's may bring a hole before it, and the end one behind it. */
#define EXTENTS_ASKED (FILE_EXTENTS_MAX / 2 - 1)

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* Where the bytes are not found as they are, at an address of their own: not yet placed,
 * compressed, encrypted, or in one block with something else. */
#define EXTENTS_UNPROVEN                                                                           \
	(FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED |                  \
	 FIEMAP_EXTENT_DATA_ENCRYPTED | FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE |    \
	 FIEMAP_EXTENT_DATA_TAIL)

static void extents_add(struct file_extents *list, struct file_extent extent)
{
	list->items[list->n++] = extent;
	list->end = extent.end;
}

/* A hole up to `at`, unless it is empty. */
static void extents_add_hole(struct file_extents *list, uint64_t at)
{
	if (list->end < at)
		extents_add(list, (struct file_extent){ list->end, at, true, 0 });
}

static void extents_add_mapped(struct file_extents *list, const struct fiemap_extent *mapped,
			       uint64_t limit)
{
	uint64_t start = mapped->fe_logical, end = start + mapped->fe_length, physical = 0;
	bool zero = (mapped->fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0;

	start = start > list->end ? start : list->end;
	end = end < limit ? end : limit;
	if (start >= end)
		return;
	if (!zero && !(mapped->fe_flags & EXTENTS_UNPROVEN) && mapped->fe_physical)
		physical = mapped->fe_physical + (start - mapped->fe_logical);
	extents_add_hole(list, start);
	extents_add(list, (struct file_extent){ start, end, zero, physical });
}

/* The kernel's answer, -1 and errno when it has none. */
static int extents_map(int fd, uint64_t from, uint64_t limit, struct file_extents *list)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + EXTENTS_ASKED * sizeof(struct fiemap_extent)];
	} asked = { .map = { .fm_start = from,
			     .fm_length = limit - from,
			     .fm_flags = FIEMAP_FLAG_SYNC,
			     .fm_extent_count = EXTENTS_ASKED } };
	const struct fiemap_extent *mapped = asked.map.fm_extents;
	uint32_t n;

	if (ioctl(fd, FS_IOC_FIEMAP, &asked.map) < 0)
		return -1;
	n = asked.map.fm_mapped_extents;
	for (uint32_t i = 0; i < n; i++)
		extents_add_mapped(list, &mapped[i], limit);
	/* A full answer may not be the whole one; one that says nothing is not believed. */
	if (n < EXTENTS_ASKED || (mapped[n - 1].fe_flags & FIEMAP_EXTENT_LAST))
		extents_add_hole(list, limit);
	else if (list->n == 0)
		extents_add(list, (struct file_extent){ from, limit, false, 0 });
	return 0;
}

/* One hole and one extent of data, of a file system that does not map. */
static int extents_seek(int fd, uint64_t from, uint64_t limit, struct file_extents *list,
			struct fl_error *err)
{
	off_t data = lseek(fd, (off_t)from, SEEK_DATA), hole;

	if (data < 0 && errno == EINVAL) {
		extents_add(list, (struct file_extent){ from, limit, false, 0 });
		return 0;
	}
	if (data < 0 && errno != ENXIO)
		return fl_error_sys(err, errno, "looking for data in the image");
	if (data < 0 || (uint64_t)data >= limit) {
		extents_add_hole(list, limit);
		return 0;
	}
	hole = lseek(fd, data, SEEK_HOLE);
	if (hole < 0)
		return fl_error_sys(err, errno, "looking for a hole in the image");
	extents_add_hole(list, (uint64_t)data);
	extents_add(list, (struct file_extent){ (uint64_t)data,
						(uint64_t)hole < limit ? (uint64_t)hole : limit,
						false, 0 });
	return 0;
}

int file_extents_read(int fd, uint64_t from, uint64_t limit, struct file_extents *ret,
		      struct fl_error *err)
{
	struct stat st;
	uint64_t size;

	ret->n = 0;
	ret->end = from;
	if (fstat(fd, &st) < 0)
		return fl_error_sys(err, errno, "looking at the image");
	size = (uint64_t)st.st_size;
	if (from >= size) {
		extents_add_hole(ret, limit);
		return 0;
	}
	size = size < limit ? size : limit;
	if (extents_map(fd, from, size, ret) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOTTY && errno != EBADR && errno != EINVAL)
		return fl_error_sys(err, errno, "mapping the image");
	return extents_seek(fd, from, size, ret, err);
}

/* Of the file systems with shared extents, those that number all bytes of all their disks in one
 * row.  XFS does not for its realtime device. */
static bool extents_have_one_row(int fd)
{
	struct fsxattr attributes = { 0 };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	if (fs.f_type == BTRFS_SUPER_MAGIC)
		return true;
	return fs.f_type == XFS_SUPER_MAGIC && ioctl(fd, FS_IOC_FSGETXATTR, &attributes) == 0 &&
	       !(attributes.fsx_xflags & FS_XFLAG_REALTIME);
}

bool file_extents_are_comparable(int a, int b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       extents_have_one_row(a) && extents_have_one_row(b);
}

bool file_extents_are_equal(const struct file_extents *a, const struct file_extents *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct file_extent *x = &a->items[i], *y = &b->items[i];

		if (x->start != y->start || x->end != y->end || x->zero != y->zero ||
		    x->physical != y->physical)
			return false;
	}
	return true;
}
