/* SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "keeper.h"
#include "live.h"
#include "still.h"
#include "vmdisk.h"

/* Copies keep a worker each: the others must stay free for short calls. */
#define COPY_MAX 3
/* Copying takes as long as it takes; the short calls that settle what was copied get this much. */
#define COPY_SETTLE_MS 60000

int copy_commit(const struct copy_task *task, struct fl_copy *copy, struct fl_error *err)
{
	if (fl_copy_commit(task->source->pool, task->op, &task->target, copy, err) < 0)
		return -1;
	copy->done = true;
	return 0;
}

/* Where the bytes of the source are, for this host. */
static int copy_source_path(const struct copy_task *task, struct fl_source *ret,
			    struct fl_error *err)
{
	const struct object *source = task->source;
	const struct fl_publish_spec spec = { .handle = source->handle,
					      .node = task->c->pools->settings->node.id,
					      .read_only = true };

	if (fl_volume_publish(source->pool, task->op, &spec, ret, err) < 0)
		return -1;
	if (ret->kind != FL_SOURCE_FILE)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "volume %s is a source of kind %s, which is not copied here",
				    source->id, fl_source_kind_name(ret->kind));
	return 0;
}

int copy_write(const struct copy_task *task, const char *path, struct fl_error *err)
{
	fl_cleanup(still_release) struct still still = STILL_NONE;
	fl_cleanup(fl_close) int to = -1;
	struct fl_source source;

	if (copy_source_path(task, &source, err) < 0 ||
	    still_open(task->source, source.file.path, &still, err) < 0)
		return -1;
	to = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (to < 0 && errno == ENOENT)
		return fl_error_set(err, FL_BUSY,
				    "another call has begun the copy of volume %s again: ask again",
				    task->source->id);
	if (to < 0)
		return fl_error_sys(err, errno, "opening the copy %s", path);
	if (fl_file_copy_sparse(task->op, still.fd, to, source.size_bytes, err) < 0)
		return -1;
	return still_prove(&still, task->source, err);
}

int copy_enter(struct controller *c, struct controller **ret, struct fl_error *err)
{
	if (atomic_fetch_add(&c->copies, 1) >= COPY_MAX) {
		atomic_fetch_sub(&c->copies, 1);
		return fl_error_set(err, FL_BUSY, "%d copies are running already: ask again",
				    COPY_MAX);
	}
	*ret = c;
	return 0;
}

void copy_leave(struct controller **place)
{
	if (*place)
		atomic_fetch_sub(&(*place)->copies, 1);
	*place = NULL;
}

static int copy_held(const struct copy_task *task, struct keeper *keeper, struct fl_copy *copy,
		     struct fl_error *err)
{
	fl_cleanup(copy_leave) struct controller *place = NULL;

	if (copy_enter(task->c, &place, err) < 0)
		return -1;
	/* Nobody writes from here on, so this is a moment whose content the copy has. */
	copy->cut_ns = fl_clock_wall_ns();
	if (copy_write(task, copy->path, err) < 0)
		return -1;
	task->op->deadline = fl_clock_after_ms(COPY_SETTLE_MS);
	if (keeper_prove(keeper, err) < 0)
		return -1;
	return copy_commit(task, copy, err);
}

/* The record says that nobody has the volume; the node may know better, when there is one. */
int copy_check_absent(const struct copy_task *task, struct fl_error *err)
{
	struct vmdisk_place place;
	struct fl_error why;

	if (vmdisk_where(task->c, task->op, task->source->id, &place, &why) < 0) {
		if (why.code == FL_UNAVAILABLE)
			return 0;
		*err = why;
		return -1;
	}
	if (place.state != VMDISK_ABSENT)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is detached but node %s still has it staged: "
				    "unstage it there first",
				    task->source->id, task->c->pools->settings->node.id);
	return 0;
}

void copy_give_up(const struct copy_task *task, const struct fl_copy *copy)
{
	struct fl_error why;

	if (fl_copy_abort(task->source->pool, task->op, &task->target, copy, &why) < 0)
		fl_log(FL_LOG_DEBUG, "copy", "%s: giving up the copy: %s", task->source->id,
		       why.text);
}

static int copy_idle(const struct copy_task *task, struct fl_copy *ret, struct fl_error *err)
{
	fl_cleanup(keeper_release) struct keeper keeper = { 0 };

	if (keeper_take(&keeper, task->op, task->source, task->purpose, err) < 0 ||
	    fl_copy_begin(task->source->pool, task->op, &task->target, ret, err) < 0)
		return -1;
	if (ret->done || ret->failure)
		return 0;
	if (ret->cut_ns)
		return live_follow(task, ret, err);
	if (copy_check_absent(task, err) == 0 && copy_held(task, &keeper, ret, err) == 0)
		return 0;
	copy_give_up(task, ret);
	return -1;
}

int copy_explain_absent(const char *name, struct fl_error *err)
{
	if (err->code != FL_NOT_FOUND)
		return -1;
	return fl_error_set(err, FL_BUSY, "\"%s\" was deleted while it was being made: ask again",
			    name);
}

int copy_find_made(const struct copy_task *task, struct fl_copy *ret, struct fl_error *err)
{
	struct fl_error why;

	if (fl_copy_begin(task->source->pool, task->op, &task->target, ret, &why) < 0) {
		if (why.code != FL_NOT_FOUND)
			*err = why;
		return -1;
	}
	if (ret->done || ret->failure)
		return 0;
	if (!ret->cut_ns)
		copy_give_up(task, ret);
	return -1;
}

int copy_run(const struct copy_task *task, struct fl_copy *ret, struct fl_error *err)
{
	struct owner owner;

	if (owner_read(task->op, task->source, &owner, err) < 0)
		return err->code == FL_NOT_FOUND ? copy_find_made(task, ret, err) : -1;
	if (owner.state == OWNER_OWNED)
		return live_run(task, &owner, ret, err);
	return copy_idle(task, ret, err);
}

int copy_continue(const struct copy_task *task, struct fl_copy *ret, struct fl_error *err)
{
	if (fl_copy_begin(task->source->pool, task->op, &task->target, ret, err) < 0)
		return -1;
	if (ret->done || ret->failure)
		return 0;
	if (ret->cut_ns)
		return live_follow(task, ret, err);
	copy_give_up(task, ret);
	return fl_error_set(err, FL_NOT_FOUND, "there is no copy of volume %s under way",
			    task->source->id);
}
