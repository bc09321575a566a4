/* SPDX-License-Identifier: Apache-2.0 */
/* The checked calls of copies that the core or a launcher writes. */
#include "call.h"

static int check_target(struct fl_pool *pool, const struct fl_copy_target *target,
			struct fl_error *err)
{
	if (!target->snapshot == !target->volume)
		return fl_error_set(err, FL_INVALID,
				    "a copy becomes a snapshot or a volume, one of both");
	if (target->snapshot)
		return fl_check_snapshot_spec(target->snapshot, err);
	if (target->volume->content.kind == FL_CONTENT_BLANK)
		return fl_error_set(err, FL_INVALID, "a copy has a source");
	return fl_check_volume_spec(pool, target->volume, err);
}

static int copy_call_begin(struct fl_call *call, struct fl_pool *pool, const struct fl_op *op,
			   const char *name, const struct fl_copy_target *target,
			   struct fl_error *err)
{
	if (check_target(pool, target, err) < 0)
		return -1;
	return fl_call_begin(call, pool, op, name, pool->backend->copies, err);
}

/* What a later step is given: the copy that `begin` returned. */
static int check_copy(const struct fl_copy *copy, struct fl_error *err)
{
	if (!copy->path || copy->path[0] != '/')
		return fl_error_set(err, FL_INVALID, "the copy has no target any more");
	return 0;
}

static int check_begun(const struct fl_call *call, const struct fl_copy *copy, struct fl_error *err)
{
	struct fl_error ignored;

	if (fl_check_handle("copy", copy->handle, &ignored) < 0)
		return fl_call_broken(call, err, "the copy has no usable handle");
	if ((copy->done || copy->failure) != !copy->path)
		return fl_call_broken(call, err, "a copy has a path until it is done or failed");
	if (copy->path && copy->path[0] != '/')
		return fl_call_broken(call, err, "the target's path %s is not absolute",
				      copy->path);
	return 0;
}

int fl_copy_begin(struct fl_pool *pool, const struct fl_op *op, const struct fl_copy_target *target,
		  struct fl_copy *ret, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };
	struct fl_copy copy = { 0 };

	if (copy_call_begin(&call, pool, op, "copy_begin", target, err) < 0)
		return -1;
	if (fl_call_result(&call,
			   pool->backend->copies->begin(pool, op, target, &copy, &call.error),
			   err) < 0)
		return -1;
	if (check_begun(&call, &copy, err) < 0)
		return -1;
	*ret = copy;
	return 0;
}

int fl_copy_started(struct fl_pool *pool, const struct fl_op *op,
		    const struct fl_copy_target *target, const struct fl_copy *copy,
		    struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };

	if (copy->cut_ns <= 0)
		return fl_error_set(err, FL_INVALID, "a cut needs a time");
	if (check_copy(copy, err) < 0 ||
	    copy_call_begin(&call, pool, op, "copy_started", target, err) < 0)
		return -1;
	return fl_call_result(
		&call, pool->backend->copies->started(pool, op, target, copy, &call.error), err);
}

int fl_copy_failed(struct fl_pool *pool, const struct fl_op *op,
		   const struct fl_copy_target *target, const char *failure, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };

	if (copy_call_begin(&call, pool, op, "copy_failed", target, err) < 0)
		return -1;
	return fl_call_result(
		&call, pool->backend->copies->failed(pool, op, target, failure, &call.error), err);
}

int fl_copy_commit(struct fl_pool *pool, const struct fl_op *op,
		   const struct fl_copy_target *target, const struct fl_copy *copy,
		   struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };

	if (copy->cut_ns <= 0)
		return fl_error_set(err, FL_INVALID, "a cut needs a time");
	if (check_copy(copy, err) < 0 ||
	    copy_call_begin(&call, pool, op, "copy_commit", target, err) < 0)
		return -1;
	return fl_call_result(
		&call, pool->backend->copies->commit(pool, op, target, copy, &call.error), err);
}

int fl_copy_abort(struct fl_pool *pool, const struct fl_op *op, const struct fl_copy_target *target,
		  const struct fl_copy *copy, struct fl_error *err)
{
	fl_cleanup(fl_call_end) struct fl_call call = { 0 };

	/* A failed copy has no path any more, and can be forgotten. */
	if (copy_call_begin(&call, pool, op, "copy_abort", target, err) < 0)
		return -1;
	return fl_call_result(
		&call, pool->backend->copies->abort(pool, op, target, copy, &call.error), err);
}
