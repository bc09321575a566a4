/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a stream of blocks: collected, checked, sent. */
#include <string.h>

#include "base/clock.h"
#include "csi/csi.pb-c.h"
#include "csi/reply.h"
#include "metadata.h"

/* A look at the storage lasts this long, and ends where it has got to: meanwhile the snapshots
 * cannot be deleted, and a serial pool does nothing else. */
#define METADATA_LOOK_US 1000000
#define METADATA_PATIENCE_MS 3000
#define METADATA_PAUSE_MS 50

static uint64_t metadata_end(const struct fl_extent *extent)
{
	return extent->offset + extent->bytes;
}

/* False: there is no room for it. */
static bool metadata_add(struct metadata *m, struct fl_extent extent)
{
	struct fl_extent *last = m->n ? &m->blocks[m->n - 1] : NULL;

	/* The look begins at a multiple of 512 at or before the offset that was asked for. */
	if (extent.offset < m->offset) {
		extent.bytes -= m->offset - extent.offset;
		extent.offset = m->offset;
	}
	if (last && metadata_end(last) == extent.offset)
		last->bytes += extent.bytes;
	else if (m->n < METADATA_BLOCKS)
		m->blocks[m->n++] = extent;
	else
		return false;
	return true;
}

static int metadata_see(void *cookie, const struct fl_extent *extent)
{
	struct metadata *m = cookie;

	if (metadata_end(extent) > m->offset) {
		m->more = extent->bytes > 0 && !metadata_add(m, *extent);
		m->reached = m->more ? extent->offset : metadata_end(extent);
		if (m->more)
			return 1;
	}
	/* A look that has got nowhere would be repeated for ever. */
	m->more = rpc_call_cancelled(m->call) ||
		  (m->reached > m->offset && fl_clock_us() - m->since_us >= METADATA_LOOK_US);
	return m->more;
}

/* The snapshot is the one that the stream began with, not another one that got its name since. */
static int metadata_check_same(const struct metadata *m, const struct metadata_snapshot *snapshot,
			       struct fl_error *err)
{
	const struct object *object = &snapshot->object;
	struct fl_snapshot now;

	if (!object->pool)
		return 0;
	if (fl_snapshot_get(object->pool, &m->op, object->handle, &now, err) < 0)
		return -1;
	if (now.created_ns == snapshot->is.created_ns &&
	    now.size_bytes == snapshot->is.size_bytes &&
	    strcmp(now.volume_handle, snapshot->is.volume_handle) == 0)
		return 0;
	return fl_error_set(err, FL_NOT_FOUND,
			    "snapshot %s was deleted meanwhile, and another one has its name now",
			    object->id);
}

static int metadata_look(struct metadata *m, struct fl_error *err)
{
	const struct object *base = &m->base.object, *target = &m->target.object;
	uint64_t from = m->offset - m->offset % 512;
	int result;

	m->n = 0;
	m->reached = m->offset;
	m->more = false;
	m->since_us = fl_clock_us();
	if (base->pool)
		result = fl_snapshot_delta(target->pool, &m->op, base->handle, target->handle, from,
					   metadata_see, m, err);
	else
		result = fl_snapshot_allocated(target->pool, &m->op, target->handle, from,
					       metadata_see, m, err);
	if (result < 0 || metadata_check_same(m, &m->base, err) < 0 ||
	    metadata_check_same(m, &m->target, err) < 0)
		return -1;
	if (!m->more)
		m->reached = m->target.is.size_bytes;
	return 0;
}

/* Work on the same snapshot that is over in a moment (a repeated CreateSnapshot) is no reason to
 * end a stream. */
static int metadata_look_patiently(struct metadata *m, struct fl_error *err)
{
	struct timespec patience = fl_clock_after_ms(METADATA_PATIENCE_MS);
	struct fl_error failure = { 0 };

	while (metadata_look(m, &failure) < 0) {
		if (failure.code != FL_BUSY || fl_clock_passed(patience) ||
		    rpc_call_cancelled(m->call)) {
			*err = failure;
			return -1;
		}
		fl_clock_sleep_ms(METADATA_PAUSE_MS);
	}
	return 0;
}

static Csi__V1__BlockMetadata **metadata_blocks(const struct metadata *m, size_t first, size_t n)
{
	Csi__V1__BlockMetadata **list = fl_arena_array(m->op.arena, n, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		list[i] = reply_new(m->op.arena, &csi__v1__block_metadata__descriptor);
		list[i]->byte_offset = (int64_t)m->blocks[first + i].offset;
		list[i]->size_bytes = (int64_t)m->blocks[first + i].bytes;
	}
	return list;
}

static int metadata_send(struct metadata *m, size_t first, size_t n, struct fl_error *err)
{
	Csi__V1__GetMetadataAllocatedResponse allocated =
		CSI__V1__GET_METADATA_ALLOCATED_RESPONSE__INIT;
	Csi__V1__GetMetadataDeltaResponse delta = CSI__V1__GET_METADATA_DELTA_RESPONSE__INIT;

	allocated.block_metadata_type = delta.block_metadata_type =
		CSI__V1__BLOCK_METADATA_TYPE__VARIABLE_LENGTH;
	allocated.volume_capacity_bytes = delta.volume_capacity_bytes =
		reply_size(m->target.is.size_bytes);
	allocated.n_block_metadata = delta.n_block_metadata = n;
	allocated.block_metadata = delta.block_metadata = metadata_blocks(m, first, n);
	m->has_sent = true;
	return rpc_send(m->call, m->base.object.pool ? &delta.base : &allocated.base, err);
}

static int metadata_send_all(struct metadata *m, struct fl_error *err)
{
	for (size_t first = 0; first < m->n; first += m->max) {
		size_t left = m->n - first;

		if (metadata_send(m, first, left < m->max ? left : m->max, err) < 0)
			return -1;
	}
	/* Also where there is nothing to tell, the caller learns the size. */
	return m->has_sent || m->more ? 0 : metadata_send(m, 0, 0, err);
}

/* Waits of one look have the time that any operation has.  The stream as a whole has what its
 * caller gives it: a deadline of the caller's that passes shows as the caller's leaving. */
static int metadata_step(struct metadata *m, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);

	m->op.arena = arena;
	m->op.deadline = fl_clock_after_ms(m->c->pools->settings->operation_timeout_ms);
	if (metadata_look_patiently(m, err) < 0)
		return -1;
	if (rpc_call_cancelled(m->call))
		return fl_error_set(err, FL_TIMEOUT,
				    "the caller left; the next part begins at %llu",
				    (unsigned long long)m->offset);
	if (metadata_send_all(m, err) < 0)
		return -1;
	m->offset = m->reached;
	return 0;
}

int metadata_stream(struct metadata *m, struct fl_error *err)
{
	m->blocks = fl_arena_array(rpc_call_arena(m->call), METADATA_BLOCKS, sizeof(*m->blocks));
	do {
		if (metadata_step(m, err) < 0)
			return -1;
	} while (m->more);
	return 0;
}
