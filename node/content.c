/* SPDX-License-Identifier: Apache-2.0 */
#include "node/content.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

#define CONTENT_EDGE ((size_t)1 << 20)
#define CONTENT_ALIGN 4096
#define CONTENT_AMBIVALENT (-2) /* of blkid_do_safeprobe */

static void content_free_probe(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

static void content_read_probe(struct fl_arena *arena, blkid_probe probe, struct content *ret)
{
	const char *value;

	if (blkid_probe_lookup_value(probe, "TYPE", &value, NULL) == 0)
		ret->what = fl_arena_strdup(arena, value);
	else if (blkid_probe_lookup_value(probe, "PTTYPE", &value, NULL) == 0)
		ret->what = fl_arena_printf(arena, "a partition table (%s)", value);
	else
		ret->what = "something without a name";
	if (blkid_probe_lookup_value(probe, "UUID", &value, NULL) == 0)
		ret->uuid = fl_arena_strdup(arena, value);
}

int content_probe(const struct fl_op *op, const char *device, struct content *ret,
		  struct fl_error *err)
{
	struct content content = { NULL, "" };
	fl_cleanup(fl_close) int fd = open(device, O_RDONLY | O_CLOEXEC);
	fl_cleanup(content_free_probe) blkid_probe probe = fd < 0 ? NULL : blkid_new_probe();
	int found;

	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", device);
	if (!probe || blkid_probe_set_device(probe, fd, 0, 0) < 0)
		return fl_error_set(err, FL_UNAVAILABLE, "%s cannot be looked at", device);
	/* A damaged superblock is somebody's data as well. */
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
							 BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(probe, 1);
	errno = 0;
	found = blkid_do_safeprobe(probe);
	/* Where -1 is documented, a read that failed gives its errno, negative. */
	if (found < 0 && found != CONTENT_AMBIVALENT)
		return fl_error_set(err, FL_UNAVAILABLE,
				    "%s cannot be read, so what is on it is not known: %s", device,
				    errno ? strerrordesc_np(errno) : "probing failed");
	if (found == CONTENT_AMBIVALENT)
		content.what = "several signatures at once";
	else if (found == 0)
		content_read_probe(op->arena, probe, &content);
	*ret = content;
	return 0;
}

/* Reads one edge of the device; an end that comes early is an error, not zeros. */
static int content_edge_is_zero(int fd, const char *device, char *buffer, size_t size, off_t offset,
				bool *ret, struct fl_error *err)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, buffer + done, size - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fl_error_sys(err, errno, "reading %s", device);
		if (n == 0)
			return fl_error_set(err, FL_INTERNAL, "%s ends before its size", device);
		done += (size_t)n;
	}
	*ret = buffer[0] == '\0' && memcmp(buffer, buffer + 1, size - 1) == 0;
	return 0;
}

/* Where the last edge begins: aligned for direct I/O. */
static off_t content_last_edge(uint64_t size)
{
	return size <= CONTENT_EDGE
		       ? 0
		       : (off_t)((size - CONTENT_EDGE) / CONTENT_ALIGN * CONTENT_ALIGN);
}

int content_is_blank(const struct connection *connection, bool *ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(connection->path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	fl_cleanup(fl_free) char *buffer =
		aligned_alloc(CONTENT_ALIGN, CONTENT_EDGE + CONTENT_ALIGN);
	uint64_t size = connection->size_bytes;
	off_t last = content_last_edge(size);
	size_t first_size = size < CONTENT_EDGE ? (size_t)size : CONTENT_EDGE;
	bool first_is_zero, last_is_zero;

	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", connection->path);
	if (!buffer || size == 0)
		return fl_error_set(err, FL_UNAVAILABLE, "%s cannot be read: no memory or no size",
				    connection->path);
	if (content_edge_is_zero(fd, connection->path, buffer, first_size, 0, &first_is_zero, err) <
		    0 ||
	    content_edge_is_zero(fd, connection->path, buffer, (size_t)(size - (uint64_t)last),
				 last, &last_is_zero, err) < 0)
		return -1;
	*ret = first_is_zero && last_is_zero;
	return 0;
}

int content_blank(const struct connection *connection, struct fl_error *err)
{
	/* O_EXCL and the lock: a mkfs that outlived its service still writes. */
	fl_cleanup(fl_close) int fd = open(connection->path, O_WRONLY | O_EXCL | O_CLOEXEC);
	fl_cleanup(fl_free) char *zeros = calloc(1, CONTENT_EDGE + CONTENT_ALIGN);
	uint64_t size = connection->size_bytes;
	off_t last = content_last_edge(size);

	if (fd < 0 && errno != EBUSY)
		return fl_error_sys(err, errno, "opening %s", connection->path);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fl_error_set(err, FL_BUSY,
				    "a mkfs of an earlier attempt still runs on %s: ask again",
				    connection->path);
	if (!zeros)
		return fl_error_set(err, FL_UNAVAILABLE, "no memory");
	if (fl_file_write_all(fd, zeros, size < CONTENT_EDGE ? (size_t)size : CONTENT_EDGE, err) <
	    0)
		return fl_error_prefix(err, "clearing %s", connection->path);
	if (lseek(fd, last, SEEK_SET) < 0)
		return fl_error_sys(err, errno, "clearing %s", connection->path);
	if (fl_file_write_all(fd, zeros, (size_t)(size - (uint64_t)last), err) < 0)
		return fl_error_prefix(err, "clearing %s", connection->path);
	if (fsync(fd) < 0)
		return fl_error_sys(err, errno, "clearing %s", connection->path);
	return 0;
}
