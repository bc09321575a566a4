/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes: volumes read and written as a node would, through the path of their source. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "statement.h"

#define CHUNK 65536

int check_open(struct check *c, const char *handle, int flags, int *ret_fd)
{
	struct fl_publish_spec spec = { .handle = handle, .node = "check" };
	struct fl_source source;
	const char *path;

	if (fl_volume_publish(c->pool, &c->op, &spec, &source, &c->err) < 0)
		return -1;
	path = source.kind == FL_SOURCE_FILE ? source.file.path : source.block.path;
	*ret_fd = open(path, flags | O_CLOEXEC);
	return *ret_fd < 0 ? fl_error_sys(&c->err, errno, "opening %s", path) : 0;
}

int check_write(struct check *c, const char *handle, uint64_t offset, size_t size, int byte)
{
	fl_cleanup(fl_close) int fd = -1;
	char chunk[CHUNK];

	if (check_open(c, handle, O_RDWR, &fd) < 0)
		return -1;
	memset(chunk, byte, sizeof(chunk));
	while (size > 0) {
		size_t part = size < CHUNK ? size : CHUNK;

		if (pwrite(fd, chunk, part, (off_t)offset) != (ssize_t)part)
			return fl_error_sys(&c->err, errno, "writing to volume %s", handle);
		offset += part;
		size -= part;
	}
	if (fsync(fd) < 0)
		return fl_error_sys(&c->err, errno, "syncing volume %s", handle);
	return 0;
}

int check_reads(struct check *c, const char *handle, uint64_t offset, size_t size, int byte)
{
	fl_cleanup(fl_close) int fd = -1;
	char chunk[CHUNK], wanted[CHUNK];

	if (check_open(c, handle, O_RDONLY, &fd) < 0)
		return -1;
	memset(wanted, byte, sizeof(wanted));
	while (size > 0) {
		size_t part = size < CHUNK ? size : CHUNK;

		if (pread(fd, chunk, part, (off_t)offset) != (ssize_t)part)
			return fl_error_set(&c->err, FL_INTERNAL,
					    "volume %s cannot be read at %llu", handle,
					    (unsigned long long)offset);
		if (memcmp(chunk, wanted, part) != 0)
			return fl_error_set(&c->err, FL_INTERNAL,
					    "volume %s has other bytes than 0x%02x at %llu", handle,
					    (unsigned)byte, (unsigned long long)offset);
		offset += part;
		size -= part;
	}
	return 0;
}

int check_allocated(struct check *c, const char *handle, uint64_t *ret)
{
	fl_cleanup(fl_close) int fd = -1;
	struct stat st;

	if (check_open(c, handle, O_RDONLY, &fd) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return fl_error_sys(&c->err, errno, "looking at volume %s", handle);
	*ret = (uint64_t)st.st_blocks * 512;
	return 0;
}
