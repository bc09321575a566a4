/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <string.h>

/* A name that QEMU takes as a job's id: it follows from what the copy will be. */
static const char *live_job_name(struct fl_arena *arena, const char *kind, const char *id)
{
	const char *text = fl_arena_printf(arena, "%s %s", kind, id);
	char digest[65];

	fl_text_sha256(text, strlen(text), digest);
	return fl_arena_printf(arena, "copy-%.24s", digest);
}

static struct vmdisk_job live_job(const struct copy_task *task, const struct fl_copy *copy)
{
	struct object made = object_of(task->c, task->op, task->source->pool, copy->handle);
	const char *kind = task->target.snapshot ? "snapshot" : "volume";

	return (struct vmdisk_job){ task->source->id,
				    live_job_name(task->op->arena, kind, made.id) };
}

/* A snapshot keeps its broken copy to tell what happened; a volume, which nobody has been told of,
 * starts again. */
static int live_broke(const struct copy_task *task, struct fl_copy *copy, const char *reason,
		      struct fl_error *err)
{
	struct fl_pool *pool = task->source->pool;

	if (task->target.snapshot) {
		if (fl_copy_failed(pool, task->op, &task->target, reason, err) < 0)
			return -1;
		copy->failure = reason;
		return 0;
	}
	if (fl_copy_abort(pool, task->op, &task->target, copy, err) < 0)
		return -1;
	return fl_error_set(err, FL_BUSY,
			    "the copy of volume %s broke (%s): ask again to start another",
			    task->source->id, reason);
}

int live_follow(const struct copy_task *task, struct fl_copy *copy, struct fl_error *err)
{
	struct vmdisk_job job = live_job(task, copy);
	struct vmdisk_progress progress;

	if (vmdisk_copy_status(task->c, task->op, &job, &progress, err) < 0)
		return -1;
	fl_op_step(task->op, "copying", progress.done, progress.total);
	switch (progress.state) {
	case VMDISK_JOB_RUNNING:
		return 0;
	case VMDISK_JOB_UNKNOWN:
		return live_broke(task, copy,
				  "the VM that made the copy ended before it was complete", err);
	case VMDISK_JOB_FAILED:
		if (live_broke(task, copy, progress.error, err) < 0)
			return -1;
		break;
	case VMDISK_JOB_DONE:
		if (copy_commit(task, copy, err) < 0)
			return -1;
		break;
	}
	return vmdisk_copy_finish(task->c, task->op, &job, err);
}

int live_refuse(const struct copy_task *task, const struct vmdisk_place *place,
		struct fl_error *err)
{
	return fl_error_set(err, FL_IN_USE,
			    "volume %s is attached to node %s%s, and pool %s can copy only volumes "
			    "that are detached or plugged into a running VM: detach it, or use a "
			    "pool that can cut",
			    task->source->id, task->c->pools->settings->node.id,
			    place->state == VMDISK_KERNEL ? " as a kernel device" : "",
			    task->source->pool->name);
}

static int live_check_place(const struct copy_task *task, struct fl_error *err)
{
	struct vmdisk_place place;

	if (vmdisk_where(task->c, task->op, task->source->id, &place, err) < 0)
		return -1;
	return place.plugged ? 0 : live_refuse(task, &place, err);
}

int live_start(const struct copy_task *task, struct fl_copy *copy, struct fl_error *err)
{
	struct vmdisk_job job = live_job(task, copy);

	/* A job that an interrupted call left writes to a file that begin has removed: its name
	 * must not be taken for the new one's. */
	if (live_check_place(task, err) < 0 ||
	    vmdisk_copy_finish(task->c, task->op, &job, err) < 0 ||
	    vmdisk_copy_start(task->c, task->op, &job, copy->path, &copy->cut_ns, err) < 0)
		return -1;
	return fl_copy_started(task->source->pool, task->op, &task->target, copy, err);
}

int live_run(const struct copy_task *task, const struct owner *owner, struct fl_copy *ret,
	     struct fl_error *err)
{
	struct vmdisk_job job;

	if (owner->n_attachments != 1 ||
	    strcmp(owner->attachments[0].node, task->c->pools->settings->node.id) != 0) {
		(void)!owner_refuse(task->source, owner, err);
		return copy_find_made(task, ret, err);
	}
	if (fl_copy_begin(task->source->pool, task->op, &task->target, ret, err) < 0)
		return -1;
	if (ret->done || ret->failure) {
		/* Whoever made it may have been killed before QEMU was told that it can forget the
		 * job, and until then the disk cannot be unplugged. */
		job = live_job(task, ret);
		return vmdisk_copy_finish(task->c, task->op, &job, err);
	}
	if (ret->cut_ns)
		return live_follow(task, ret, err);
	if (live_start(task, ret, err) == 0)
		return 0;
	/* Of a call that may still take effect, nothing is removed: the next begin does it. */
	if (err->code == FL_IN_USE)
		copy_give_up(task, ret);
	return -1;
}

int live_cancel(const struct controller *c, const struct fl_op *op, const struct object *snapshot,
		const struct object *volume, struct fl_error *err)
{
	struct vmdisk_job job = { volume->id, live_job_name(op->arena, "snapshot", snapshot->id) };
	struct fl_error why;
	struct owner owner;

	if (owner_read(op, volume, &owner, &why) < 0) {
		if (why.code == FL_NOT_FOUND)
			return 0;
		*err = why;
		return -1;
	}
	if (owner.state != OWNER_OWNED)
		return 0;
	return vmdisk_copy_finish(c, op, &job, err);
}
