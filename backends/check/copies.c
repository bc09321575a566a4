/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about copies that somebody else writes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "statement.h"

#define CUT_NS 1700000000123456789ll

/* One copy of volume "a" to snapshot or volume "copy". */
struct copying {
	struct check *c;
	struct fl_volume source;
	struct fl_snapshot_spec snapshot;
	struct fl_volume_spec volume;
	struct fl_copy_target target;
	struct fl_copy copy;
};

static int copying_set_up(struct check *c, bool is_volume, struct copying *ret)
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

static int begin(struct copying *copying)
{
	struct check *c = copying->c;

	return fl_copy_begin(c->pool, &c->op, &copying->target, &copying->copy, &c->err);
}

static int started(struct copying *copying)
{
	struct check *c = copying->c;

	copying->copy.cut_ns = CUT_NS;
	return fl_copy_started(c->pool, &c->op, &copying->target, &copying->copy, &c->err);
}

static int failed(struct copying *copying, const char *failure)
{
	struct check *c = copying->c;

	return fl_copy_failed(c->pool, &c->op, &copying->target, failure, &c->err);
}

static int commit(struct copying *copying)
{
	struct check *c = copying->c;

	copying->copy.cut_ns = CUT_NS;
	return fl_copy_commit(c->pool, &c->op, &copying->target, &copying->copy, &c->err);
}

static int abandon(struct copying *copying)
{
	struct check *c = copying->c;

	return fl_copy_abort(c->pool, &c->op, &copying->target, &copying->copy, &c->err);
}

/* What the writer of the copy does: here one that fills it. */
static int fill(struct copying *copying, int byte)
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

static int get(struct copying *copying, struct fl_snapshot *ret)
{
	struct check *c = copying->c;

	return fl_snapshot_get(c->pool, &c->op, copying->copy.handle, ret, &c->err);
}

/* What QEMU does where its source has holes: reserves the space without writing to it. */
static int reserve_all_write_last(struct copying *copying)
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

static void thin_copy_is_thin(struct check *c)
{
	struct copying copying;
	const char *handle;
	uint64_t allocated;

	if (!WORKS(copying_set_up(c, true, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(reserve_all_write_last(&copying)) || !WORKS(commit(&copying)))
		return;
	handle = copying.copy.handle;
	if (WORKS(check_allocated(c, handle, &allocated)))
		HOLDS(allocated < MIB);
	WORKS(check_reads(c, handle, 0, copying.source.size_bytes - 4096, 0));
	WORKS(check_reads(c, handle, copying.source.size_bytes - 4096, 4096, 0x77));
}

static void target_is_invisible(struct check *c)
{
	struct fl_strings snapshots, volumes;
	struct fl_snapshot snapshot;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(begin(&copying)))
		return;
	HOLDS(copying.copy.cut_ns == 0 && !copying.copy.done && !copying.copy.failure);
	FAILS(get(&copying, &snapshot), FL_NOT_FOUND);
	if (WORKS(check_snapshots(c, NULL, &snapshots)) && WORKS(check_volumes(c, NULL, &volumes)))
		HOLDS(snapshots.n == 0 && volumes.n == 1);
	WORKS(abandon(&copying));
}

static void commit_shows_the_copy(struct check *c)
{
	struct fl_content content = { .kind = FL_CONTENT_SNAPSHOT };
	struct fl_snapshot snapshot;
	struct copying copying;
	struct fl_volume volume;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(fill(&copying, 0x5a)) || !WORKS(commit(&copying)) ||
	    !WORKS(get(&copying, &snapshot)))
		return;
	HOLDS(snapshot.ready && snapshot.created_ns == CUT_NS);
	HOLDS(strcmp(snapshot.volume_handle, copying.source.handle) == 0);
	content.handle = snapshot.handle;
	if (WORKS(check_create_from(c, "b", content, snapshot.size_bytes, &volume)))
		WORKS(check_reads(c, volume.handle, 0, snapshot.size_bytes, 0x5a));
	WORKS(commit(&copying));
	if (WORKS(begin(&copying)))
		HOLDS(copying.copy.done && !copying.copy.path);
}

static void started_shows_it_not_ready(struct check *c)
{
	struct fl_snapshot snapshot;
	struct copying copying;
	struct fl_strings all;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(started(&copying)) || !WORKS(started(&copying)) ||
	    !WORKS(get(&copying, &snapshot)))
		return;
	HOLDS(!snapshot.ready && !snapshot.failure && snapshot.created_ns == CUT_NS);
	HOLDS(snapshot.size_bytes == copying.source.size_bytes);
	if (WORKS(check_snapshots(c, NULL, &all)))
		HOLDS(all.n == 1 && strcmp(all.items[0], copying.copy.handle) == 0);
	HOLDS(snapshot.group && strcmp(snapshot.group, copying.snapshot.group) == 0);
	if (WORKS(fl_snapshot_create(c->pool, &c->op, &copying.snapshot, &snapshot, &c->err)))
		HOLDS(!snapshot.ready);
	if (WORKS(fill(&copying, 0x5b)) && WORKS(commit(&copying)) &&
	    WORKS(get(&copying, &snapshot)))
		HOLDS(snapshot.ready && snapshot.created_ns == CUT_NS);
}

static void started_is_found_again(struct check *c)
{
	struct copying copying;
	const char *path;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(started(&copying)))
		return;
	path = copying.copy.path;
	copying.copy = (struct fl_copy){ 0 };
	if (!WORKS(check_reopen(c)) || !WORKS(begin(&copying)))
		return;
	HOLDS(copying.copy.cut_ns == CUT_NS);
	HOLDS(copying.copy.path && strcmp(copying.copy.path, path) == 0);
}

static void unstarted_is_begun_anew(struct check *c)
{
	struct copying first, second;
	struct fl_snapshot snapshot;

	if (!WORKS(copying_set_up(c, false, &first)) || !WORKS(begin(&first)) ||
	    !WORKS(fill(&first, 0x11)) || !WORKS(copying_set_up(c, false, &second)) ||
	    !WORKS(begin(&second)))
		return;
	HOLDS(strcmp(first.copy.path, second.copy.path) != 0);
	HOLDS(access(first.copy.path, F_OK) < 0);
	FAILS(commit(&first), FL_BUSY);
	FAILS(started(&first), FL_BUSY);
	WORKS(abandon(&first));
	if (WORKS(fill(&second, 0x22)) && WORKS(commit(&second)) && WORKS(get(&second, &snapshot)))
		HOLDS(snapshot.ready);
}

static void failed_is_shown(struct check *c)
{
	struct fl_snapshot snapshot;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(begin(&copying)))
		return;
	FAILS(failed(&copying, "too early"), FL_NOT_FOUND);
	if (!WORKS(started(&copying)) || !WORKS(failed(&copying, "the disk broke")) ||
	    !WORKS(failed(&copying, "again")) || !WORKS(get(&copying, &snapshot)))
		return;
	HOLDS(!snapshot.ready);
	HOLDS(snapshot.failure && strcmp(snapshot.failure, "the disk broke") == 0);
	if (!WORKS(begin(&copying)))
		return;
	HOLDS(!copying.copy.path && copying.copy.failure);
	if (!WORKS(fl_snapshot_delete(c->pool, &c->op, copying.copy.handle, &c->err)) ||
	    !WORKS(begin(&copying)))
		return;
	HOLDS(copying.copy.path && copying.copy.cut_ns == 0);
	WORKS(abandon(&copying));
}

static void unusable_until_committed(struct check *c)
{
	struct fl_content content = { .kind = FL_CONTENT_SNAPSHOT };
	struct copying copying;
	struct fl_volume volume;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(started(&copying)))
		return;
	content.handle = copying.copy.handle;
	FAILS(check_create_from(c, "b", content, copying.source.size_bytes, &volume), FL_BUSY);
	WORKS(failed(&copying, "the disk broke"));
	FAILS(check_create_from(c, "b", content, copying.source.size_bytes, &volume), FL_IN_USE);
}

static void abort_forgets(struct check *c)
{
	struct fl_snapshot snapshot;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(started(&copying)) || !WORKS(abandon(&copying)) || !WORKS(abandon(&copying)))
		return;
	FAILS(get(&copying, &snapshot), FL_NOT_FOUND);
	FAILS(commit(&copying), FL_BUSY);
	if (WORKS(begin(&copying)))
		HOLDS(copying.copy.cut_ns == 0 && copying.copy.path);
	WORKS(abandon(&copying));
}

static void deleting_forgets(struct check *c)
{
	struct fl_snapshot snapshot;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(started(&copying)) ||
	    !WORKS(fl_snapshot_delete(c->pool, &c->op, copying.copy.handle, &c->err)))
		return;
	HOLDS(access(copying.copy.path, F_OK) < 0);
	FAILS(get(&copying, &snapshot), FL_NOT_FOUND);
	FAILS(commit(&copying), FL_BUSY);
}

static void other_source_exists(struct check *c)
{
	struct fl_volume other;
	struct copying copying;

	if (!WORKS(copying_set_up(c, false, &copying)) ||
	    !WORKS(check_create(c, "other", 2 * MIB, &other)) || !WORKS(begin(&copying)) ||
	    !WORKS(started(&copying)))
		return;
	copying.snapshot.volume_handle = other.handle;
	FAILS(begin(&copying), FL_EXISTS);
	copying.snapshot.volume_handle = copying.source.handle;
	if (!WORKS(commit(&copying)))
		return;
	copying.snapshot.volume_handle = other.handle;
	FAILS(begin(&copying), FL_EXISTS);
}

static void copy_becomes_a_volume(struct check *c)
{
	struct copying copying;
	struct fl_volume volume;
	struct fl_record record;
	struct fl_strings all;
	uint64_t version;

	if (!WORKS(copying_set_up(c, true, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(check_record_set(c, copying.source.handle, FL_RECORD_FORMAT, 1, "ext4",
				    &version)) ||
	    !WORKS(fill(&copying, 0x5c)) || !WORKS(started(&copying)) ||
	    !WORKS(check_volumes(c, NULL, &all)))
		return;
	HOLDS(all.n == 1);
	FAILS(check_get(c, copying.copy.handle, &volume), FL_NOT_FOUND);
	if (!WORKS(commit(&copying)) || !WORKS(check_get(c, copying.copy.handle, &volume)))
		return;
	HOLDS(volume.content.kind == FL_CONTENT_VOLUME);
	WORKS(check_reads(c, volume.handle, 0, volume.size_bytes, 0x5c));
	if (WORKS(fl_volume_record_get(c->pool, &c->op, volume.handle, FL_RECORD_FORMAT, &record,
				       &c->err)))
		HOLDS(strcmp(record.value, "ext4") == 0);
	if (WORKS(begin(&copying)))
		HOLDS(copying.copy.done);
	copying.volume.min_bytes = 64 * MIB;
	FAILS(begin(&copying), FL_EXISTS);
}

static void failed_volume_is_aborted(struct check *c)
{
	struct copying copying;

	if (!WORKS(copying_set_up(c, true, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(started(&copying)) || !WORKS(failed(&copying, "the disk broke")) ||
	    !WORKS(begin(&copying)))
		return;
	HOLDS(copying.copy.failure && !copying.copy.path);
	if (WORKS(abandon(&copying)) && WORKS(begin(&copying)))
		HOLDS(copying.copy.path && copying.copy.cut_ns == 0);
	WORKS(abandon(&copying));
}

/* Deleting a volume by name also removes the target that would have become it. */
static void deleting_the_volume_forgets(struct check *c)
{
	struct copying copying;

	if (!WORKS(copying_set_up(c, true, &copying)) || !WORKS(begin(&copying)) ||
	    !WORKS(started(&copying)) || !WORKS(check_delete(c, copying.copy.handle)))
		return;
	HOLDS(access(copying.copy.path, F_OK) < 0);
}

static const struct statement statements[] = {
	{ "a copy that was begun is invisible", target_is_invisible, NEEDS_COPIES },
	{ "a committed copy is a snapshot", commit_shows_the_copy, NEEDS_COPIES | NEEDS_BYTES },
	{ "a started copy shows as not ready", started_shows_it_not_ready, NEEDS_COPIES },
	{ "a started copy is found again", started_is_found_again, NEEDS_COPIES },
	{ "a copy that was not started is begun anew", unstarted_is_begun_anew, NEEDS_COPIES },
	{ "a failed copy shows why, until it is deleted", failed_is_shown, NEEDS_COPIES },
	{ "a copy has no use until it is committed", unusable_until_committed, NEEDS_COPIES },
	{ "an aborted copy is forgotten", abort_forgets, NEEDS_COPIES },
	{ "a deleted copy is forgotten", deleting_forgets, NEEDS_COPIES },
	{ "a copy's name with another source is refused", other_source_exists, NEEDS_COPIES },
	{ "a copy can become a volume", copy_becomes_a_volume,
	  NEEDS_COPIES | NEEDS_RECORDS | NEEDS_BYTES },
	{ "a thin copy keeps the space that was written", thin_copy_is_thin,
	  NEEDS_COPIES | NEEDS_FILES },
	{ "a failed copy to a volume is begun anew after its abort", failed_volume_is_aborted,
	  NEEDS_COPIES },
	{ "deleting a volume forgets the copy to it", deleting_the_volume_forgets, NEEDS_COPIES },
};
const struct statement_group statements_of_copies = { statements, FL_COUNT(statements) };
