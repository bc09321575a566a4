/* SPDX-License-Identifier: Apache-2.0 */
/* GetMetadataAllocated and GetMetadataDelta: what is asked. */
#include "metadata.h"

#include <string.h>

#include "csi/convert.h"
#include "csi/csi.pb-c.h"
#include "group.h"
#include "verbs.h"

/* A stream keeps a worker as long as its caller reads: the others must stay free for short
 * calls. */
#define METADATA_STREAMS 2

/* One of METADATA_STREAMS places; released by the counterpart below. */
static int metadata_enter(struct controller *c, struct controller **ret, struct fl_error *err)
{
	if (atomic_fetch_add(&c->streams, 1) >= METADATA_STREAMS) {
		atomic_fetch_sub(&c->streams, 1);
		return fl_error_set(err, FL_UNAVAILABLE,
				    "%d streams of changed blocks are running already: ask again",
				    METADATA_STREAMS);
	}
	*ret = c;
	return 0;
}

static void metadata_leave(struct controller **c)
{
	if (*c)
		atomic_fetch_sub(&(*c)->streams, 1);
}

static int metadata_read(struct metadata *m, int64_t starting_offset, int32_t max_results,
			 struct fl_error *err)
{
	if (starting_offset < 0)
		return fl_error_set(err, FL_INVALID, "starting_offset is negative");
	if (max_results < 0)
		return fl_error_set(err, FL_INVALID, "max_results is negative");
	m->offset = (uint64_t)starting_offset;
	m->max = max_results == 0 || max_results > METADATA_BLOCKS ? METADATA_BLOCKS
								   : (size_t)max_results;
	return 0;
}

static int metadata_find(const struct metadata *m, const char *field, const char *id,
			 struct metadata_snapshot *ret, struct fl_error *err)
{
	struct object *object = &ret->object;
	enum group_standing standing;

	if (convert_required(field, id, err) < 0 ||
	    object_find(m->c, &m->op, "snapshot", id, object, err) < 0)
		return -1;
	if (!object->pool->backend->changes)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "pool %s cannot tell which blocks a snapshot holds",
				    object->pool->name);
	if (fl_snapshot_get(object->pool, &m->op, object->handle, &ret->is, err) < 0 ||
	    group_settle(&m->op, object->pool, &ret->is, &standing, err) < 0)
		return -1;
	if (ret->is.failure)
		return fl_error_set(err, FL_IN_USE, "snapshot %s is of no use: %s; delete it", id,
				    ret->is.failure);
	if (!ret->is.ready)
		return fl_error_set(err, FL_BUSY, "snapshot %s is still being copied: ask again",
				    id);
	return 0;
}

static int metadata_run(struct metadata *m, struct fl_error *err)
{
	fl_cleanup(metadata_leave) struct controller *place = NULL;

	if (m->offset > m->target.is.size_bytes)
		return fl_error_set(
			err, FL_OUT_OF_RANGE,
			"starting_offset %llu lies behind the end of snapshot %s, which "
			"has %llu bytes",
			(unsigned long long)m->offset, m->target.object.id,
			(unsigned long long)m->target.is.size_bytes);
	if (metadata_enter(m->c, &place, err) < 0)
		return -1;
	return metadata_stream(m, err);
}

int get_metadata_allocated(struct rpc_call *call, const void *request, void *response,
			   struct fl_error *err)
{
	const Csi__V1__GetMetadataAllocatedRequest *asked = request;
	struct metadata m = { .c = rpc_call_cookie(call), .call = call, .op = rpc_call_op(call) };

	(void)response;
	if (metadata_read(&m, asked->starting_offset, asked->max_results, err) < 0 ||
	    metadata_find(&m, "snapshot_id", asked->snapshot_id, &m.target, err) < 0)
		return -1;
	return metadata_run(&m, err);
}

/* Within one pool, the pool's call compares the volumes. */
static int metadata_check_pair(const struct metadata *m, struct fl_error *err)
{
	if (m->base.object.pool == m->target.object.pool)
		return 0;
	return fl_error_set(
		err, FL_INVALID,
		"snapshots %s and %s are in different pools: only snapshots of one volume "
		"are compared",
		m->base.object.id, m->target.object.id);
}

int get_metadata_delta(struct rpc_call *call, const void *request, void *response,
		       struct fl_error *err)
{
	const Csi__V1__GetMetadataDeltaRequest *asked = request;
	struct metadata m = { .c = rpc_call_cookie(call), .call = call, .op = rpc_call_op(call) };

	(void)response;
	if (metadata_read(&m, asked->starting_offset, asked->max_results, err) < 0 ||
	    metadata_find(&m, "base_snapshot_id", asked->base_snapshot_id, &m.base, err) < 0 ||
	    metadata_find(&m, "target_snapshot_id", asked->target_snapshot_id, &m.target, err) <
		    0 ||
	    metadata_check_pair(&m, err) < 0)
		return -1;
	return metadata_run(&m, err);
}
