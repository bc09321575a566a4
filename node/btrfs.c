/* SPDX-License-Identifier: Apache-2.0 */
/* The UUID stands in the superblock alone once the one that all other blocks carry is kept there as
 * well, as the "metadata UUID" (Linux 5.0).  So the change is one block, in up to three copies, of
 * which the first counts: it is written last.
 *
 * btrfstune does the same in two transactions with a flag in between; cut off there, it leaves a
 * file system that it refuses to finish and that newer kernels refuse to mount.  Hence our own
 * writing.  Offsets and flags: btrfs's on-disk format, struct btrfs_super_block. */
#include "node/btrfs.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define BTRFS_BLOCK 4096
#define BTRFS_MAGIC "_BHRfS_M"
#define BTRFS_UUID_BYTES 16
#define BTRFS_CSUM_BYTES 32 /* at offset 0, of all that follows */
#define BTRFS_CSUM_CRC32C 0
#define BTRFS_HAS_METADATA_UUID ((uint64_t)1 << 10)
/* Of a seed, or of a change that another tool has begun. */
#define BTRFS_FOREIGN_FLAGS (((uint64_t)1 << 32) | ((uint64_t)1 << 35) | ((uint64_t)1 << 36))

enum btrfs_field {
	BTRFS_FSID = 0x20,
	BTRFS_OFFSET = 0x30,
	BTRFS_FLAGS = 0x38,
	BTRFS_MAGIC_AT = 0x40,
	BTRFS_NUM_DEVICES = 0x88,
	BTRFS_INCOMPAT = 0xbc,
	BTRFS_CSUM_TYPE = 0xc4,
	BTRFS_DEVICE_BYTES = 0xd1, /* of this device */
	BTRFS_METADATA_UUID = 0x23b,
};

static const uint64_t btrfs_copies[] = { (uint64_t)64 << 10, (uint64_t)64 << 20,
					 (uint64_t)256 << 30 };

struct btrfs_super {
	unsigned char bytes[BTRFS_BLOCK];
};

static uint64_t btrfs_number(const struct btrfs_super *super, enum btrfs_field field)
{
	uint64_t value;

	memcpy(&value, super->bytes + field, sizeof(value));
	return le64toh(value);
}

static void btrfs_set_number(struct btrfs_super *super, enum btrfs_field field, uint64_t value)
{
	value = htole64(value);
	memcpy(super->bytes + field, &value, sizeof(value));
}

static unsigned btrfs_csum_type(const struct btrfs_super *super)
{
	return super->bytes[BTRFS_CSUM_TYPE] | (unsigned)super->bytes[BTRFS_CSUM_TYPE + 1] << 8;
}

static uint32_t btrfs_crc32c(const struct btrfs_super *super)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = BTRFS_CSUM_BYTES; i < BTRFS_BLOCK; i++) {
		crc ^= super->bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return htole32(~crc);
}

static bool btrfs_is_whole(const struct btrfs_super *super, uint64_t offset)
{
	uint32_t crc = btrfs_crc32c(super);

	return memcmp(super->bytes + BTRFS_MAGIC_AT, BTRFS_MAGIC, strlen(BTRFS_MAGIC)) == 0 &&
	       btrfs_csum_type(super) == BTRFS_CSUM_CRC32C &&
	       btrfs_number(super, BTRFS_OFFSET) == offset &&
	       memcmp(super->bytes, &crc, sizeof(crc)) == 0;
}

static int btrfs_read(int fd, const char *device, uint64_t offset, struct btrfs_super *ret,
		      struct fl_error *err)
{
	ssize_t n = pread(fd, ret->bytes, BTRFS_BLOCK, (off_t)offset);

	if (n < 0)
		return fl_error_sys(err, errno, "reading %s", device);
	if (n != BTRFS_BLOCK)
		memset(ret, 0, sizeof(*ret));
	return 0;
}

/* Why this one has to keep its UUID; NULL when it has not. */
static const char *btrfs_obstacle(const struct btrfs_super *super)
{
	if (btrfs_csum_type(super) != BTRFS_CSUM_CRC32C)
		return "its checksums are not crc32c";
	if (btrfs_number(super, BTRFS_NUM_DEVICES) != 1)
		return "it is one of several devices of a file system";
	if (btrfs_number(super, BTRFS_FLAGS) & BTRFS_FOREIGN_FLAGS)
		return "it is a seed, or another tool has begun to change its UUID";
	return NULL;
}

static int btrfs_prepare(const struct fl_op *op, const struct connection *connection, bool *ret_can,
			 struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(connection->path, O_RDONLY | O_CLOEXEC);
	struct btrfs_super super;
	struct fl_log_line line;
	const char *obstacle;

	(void)op;
	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", connection->path);
	if (btrfs_read(fd, connection->path, btrfs_copies[0], &super, err) < 0)
		return -1;
	obstacle = btrfs_obstacle(&super);
	if (!obstacle && !btrfs_is_whole(&super, btrfs_copies[0]))
		return fl_error_set(err, FL_IN_USE,
				    "the btrfs on %s is damaged: its superblock is "
				    "not whole",
				    connection->path);
	*ret_can = !obstacle;
	if (!obstacle)
		return 0;
	fl_log_begin(&line, FL_LOG_WARNING, "uuid");
	fl_log_text(&line, "device", connection->path);
	fl_log_text(&line, "keeps_uuid", obstacle);
	fl_log_end(&line);
	return 0;
}

static void btrfs_parse_uuid(const char *text, unsigned char ret[BTRFS_UUID_BYTES])
{
	for (size_t n = 0; n < BTRFS_UUID_BYTES; n++) {
		unsigned byte = 0;

		text += *text == '-';
		sscanf(text, "%2x", &byte);
		ret[n] = (unsigned char)byte;
		text += 2;
	}
}

/* The superblock to start from: the first copy, or, where writing that one was cut off, one that
 * has the new UUID already. */
static int btrfs_find(int fd, const char *device, const unsigned char uuid[BTRFS_UUID_BYTES],
		      struct btrfs_super *ret, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(btrfs_copies); i++) {
		if (btrfs_read(fd, device, btrfs_copies[i], ret, err) < 0)
			return -1;
		if (btrfs_is_whole(ret, btrfs_copies[i]) &&
		    (i == 0 || memcmp(ret->bytes + BTRFS_FSID, uuid, BTRFS_UUID_BYTES) == 0))
			return 0;
	}
	return fl_error_set(err, FL_INTERNAL, "the btrfs on %s is damaged: no superblock is whole",
			    device);
}

static void btrfs_change(struct btrfs_super *super, const unsigned char uuid[BTRFS_UUID_BYTES])
{
	uint64_t features = btrfs_number(super, BTRFS_INCOMPAT);

	if (!(features & BTRFS_HAS_METADATA_UUID))
		memcpy(super->bytes + BTRFS_METADATA_UUID, super->bytes + BTRFS_FSID,
		       BTRFS_UUID_BYTES);
	btrfs_set_number(super, BTRFS_INCOMPAT, features | BTRFS_HAS_METADATA_UUID);
	memcpy(super->bytes + BTRFS_FSID, uuid, BTRFS_UUID_BYTES);
}

static int btrfs_write(int fd, const char *device, struct btrfs_super *super, uint64_t offset,
		       struct fl_error *err)
{
	uint32_t crc;

	btrfs_set_number(super, BTRFS_OFFSET, offset);
	memset(super->bytes, 0, BTRFS_CSUM_BYTES);
	crc = btrfs_crc32c(super);
	memcpy(super->bytes, &crc, sizeof(crc));
	if (pwrite(fd, super->bytes, BTRFS_BLOCK, (off_t)offset) != BTRFS_BLOCK || fsync(fd) < 0)
		return fl_error_sys(err, errno, "writing the superblock of %s", device);
	return 0;
}

static int btrfs_set(const struct fl_op *op, const struct connection *connection, const char *uuid,
		     bool again, struct fl_error *err)
{
	/* O_EXCL: nobody has it mounted. */
	fl_cleanup(fl_close) int fd = open(connection->path, O_RDWR | O_EXCL | O_CLOEXEC);
	unsigned char bytes[BTRFS_UUID_BYTES];
	struct btrfs_super super;

	(void)op;
	(void)again;
	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", connection->path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fl_error_set(err, FL_BUSY, "%s is just being looked at: ask again",
				    connection->path);
	btrfs_parse_uuid(uuid, bytes);
	if (btrfs_find(fd, connection->path, bytes, &super, err) < 0)
		return -1;
	btrfs_change(&super, bytes);
	for (size_t i = FL_COUNT(btrfs_copies); i-- > 0;) {
		/* The first one always fits, and the others where the file system has them. */
		if (btrfs_copies[i] + BTRFS_BLOCK <= btrfs_number(&super, BTRFS_DEVICE_BYTES) &&
		    btrfs_write(fd, connection->path, &super, btrfs_copies[i], err) < 0)
			return -1;
	}
	return 0;
}

const struct uuid_change btrfs_uuid = { .prepare = btrfs_prepare, .set = btrfs_set };
