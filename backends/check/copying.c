/* SPDX-License-Identifier: Apache-2.0 */
#include "copying.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int copying_set_up(struct check *c, bool is_volume, struct copying *ret)
{
	struct fl_volume source;

	if (check_create(c, "a", 2 * MIB, &source) < 0)
		return -1;
	*ret = (struct copying){ .c = c, .source = source };
	ret->snapshot = (struct fl_snapshot_spec){ .name = check_name(c, "copy"),
						   .volume_handle = source.handle,
						   .group = check_name(c, "group") };
	ret->volume = (struct fl_volume_spec){ .name = check_name(c, "copy"),
					       .min_bytes = source.size_bytes,
					       .thin = true,
					       .content = { FL_CONTENT_VOLUME, source.handle } };
	if (is_volume)
		ret->target.volume = &ret->volume;
	else
		ret->target.snapshot = &ret->snapshot;
	return 0;
}

int copying_begin(struct copying *copying)
{
	struct check *c = copying->c;

	return fl_copy_begin(c->pool, &c->op, &copying->target, &copying->copy, &c->err);
}

int copying_started(struct copying *copying)
{
	struct check *c = copying->c;

	copying->copy.cut_ns = COPYING_CUT_NS;
	return fl_copy_started(c->pool, &c->op, &copying->target, &copying->copy, &c->err);
}

int copying_failed(struct copying *copying, const char *failure)
{
	struct check *c = copying->c;

	return fl_copy_failed(c->pool, &c->op, &copying->target, failure, &c->err);
}

int copying_commit(struct copying *copying)
{
	struct check *c = copying->c;

	copying->copy.cut_ns = COPYING_CUT_NS;
	return fl_copy_commit(c->pool, &c->op, &copying->target, &copying->copy, &c->err);
}

int copying_abandon(struct copying *copying)
{
	struct check *c = copying->c;

	return fl_copy_abort(c->pool, &c->op, &copying->target, &copying->copy, &c->err);
}

int copying_fill(struct copying *copying, int byte)
{
	struct check *c = copying->c;
	fl_cleanup(fl_close) int fd = open(copying->copy.path, O_RDWR | O_CLOEXEC);
	char block[4096];
	struct stat st;

	memset(block, byte, sizeof(block));
	if (fd < 0 || fstat(fd, &st) < 0)
		return fl_error_sys(&c->err, errno, "opening %s", copying->copy.path);
	if ((uint64_t)st.st_size != copying->source.size_bytes)
		return fl_error_set(&c->err, FL_INTERNAL, "the target has %lld bytes",
				    (long long)st.st_size);
	for (off_t at = 0; at < st.st_size; at += (off_t)sizeof(block))
		if (pwrite(fd, block, sizeof(block), at) != sizeof(block))
			return fl_error_sys(&c->err, errno, "writing %s", copying->copy.path);
	return fsync(fd) < 0 ? fl_error_sys(&c->err, errno, "syncing") : 0;
}

int copying_get(struct copying *copying, struct fl_snapshot *ret)
{
	struct check *c = copying->c;

	return fl_snapshot_get(c->pool, &c->op, copying->copy.handle, ret, &c->err);
}

int copying_reserve(struct copying *copying)
{
	struct check *c = copying->c;
	fl_cleanup(fl_close) int fd = open(copying->copy.path, O_RDWR | O_CLOEXEC);
	off_t size = (off_t)copying->source.size_bytes;
	char block[4096];

	memset(block, 0x77, sizeof(block));
	if (fd < 0 || fallocate(fd, 0, 0, size) < 0 ||
	    pwrite(fd, block, sizeof(block), size - (off_t)sizeof(block)) != sizeof(block) ||
	    fsync(fd) < 0)
		return fl_error_sys(&c->err, errno, "writing %s", copying->copy.path);
	return 0;
}
