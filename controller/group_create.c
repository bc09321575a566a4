/* SPDX-License-Identifier: Apache-2.0 */
/* CreateVolumeGroupSnapshot.  An attempt that was interrupted or failed is thrown away as a whole
 * before another one begins, and each attempt gives its snapshots names of its own: what was cut at
 * two moments never meets in one group. */
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "group.h"
#include "group_cut.h"
#include "parameters.h"
#include "verbs.h"

#define GROUP_MAKING_UNDO_MS 30000

struct group_making {
	struct controller *c;
	struct fl_op op;
	const char *name;
	struct object object; /* the group */
	struct object *volumes;
	size_t n;
	const void *parameters;
};

static int group_making_find_volumes(struct group_making *making, char *const *ids, size_t n,
				     struct fl_error *err)
{
	if (n == 0)
		return fl_error_set(err, FL_INVALID, "source_volume_ids is missing");
	if (n > GROUP_MEMBERS_MAX)
		return fl_error_set(err, FL_INVALID,
				    "%zu volumes are too many for one group snapshot: at most %d",
				    n, GROUP_MEMBERS_MAX);
	making->volumes = fl_arena_array(making->op.arena, n, sizeof(*making->volumes));
	for (size_t i = 0; i < n; i++) {
		struct object *volume = &making->volumes[i];

		if (object_find(making->c, &making->op, "volume", ids[i], volume, err) < 0)
			return -1;
		if (volume->pool != making->volumes[0].pool)
			return fl_error_set(err, FL_IN_USE,
					    "volumes %s and %s are of different pools: a group "
					    "snapshot is of one pool",
					    making->volumes[0].id, volume->id);
		for (size_t k = 0; k < i; k++)
			if (strcmp(making->volumes[k].handle, volume->handle) == 0)
				return fl_error_set(err, FL_INVALID, "volume %s is named twice",
						    volume->id);
	}
	making->n = n;
	return 0;
}

static int group_making_read(struct group_making *making,
			     const Csi__V1__CreateVolumeGroupSnapshotRequest *request,
			     struct fl_error *err)
{
	struct fl_arena *arena = making->op.arena;
	struct fl_pair *pairs;
	struct fl_pool *pool;
	size_t n;

	if (convert_name("group snapshot", request->name, err) < 0 ||
	    convert_pairs(arena, "parameters", request->parameters, request->n_parameters, &pairs,
			  &n, err) < 0 ||
	    group_making_find_volumes(making, request->source_volume_ids,
				      request->n_source_volume_ids, err) < 0)
		return -1;
	pool = making->volumes[0].pool;
	if (!group_is_offered(pool->backend))
		return fl_error_set(err, FL_UNSUPPORTED, "pool %s has no group snapshots",
				    pool->name);
	making->name = request->name;
	making->object = object_of(making->c, &making->op, pool, group_handle(arena, making->name));
	return parameters_read_snapshot(arena, pool, pairs, n, &making->parameters, err);
}

/* FL_EXISTS when the finished group is another one. */
static int group_making_check_same(const struct group_making *making, const struct group *group,
				   struct fl_error *err)
{
	size_t n = 0;

	if (strcmp(group->name, making->name) != 0)
		return fl_error_set(err, FL_EXISTS, "id %s belongs to group snapshot \"%s\"",
				    making->object.id, group->name);
	for (size_t i = 0; i < making->n; i++)
		for (size_t k = 0; k < group->n_members; k++)
			n += strcmp(making->volumes[i].handle, group->members[k].volume) == 0;
	if (n != making->n || n != group->n_members)
		return fl_error_set(err, FL_EXISTS,
				    "group snapshot \"%s\" exists, of other volumes: use another "
				    "name",
				    making->name);
	return 0;
}

/* Safe, and short enough for every storage to be the snapshot's handle as well. */
static const char *group_making_member_name(struct fl_arena *arena, const struct object *group,
					    const char *volume, uint64_t attempt)
{
	const char *text = fl_arena_printf(arena, "%s\n%s\n%016llx", group->handle, volume,
					   (unsigned long long)attempt);
	char digest[65];

	fl_text_sha256(text, strlen(text), digest);
	return fl_arena_printf(arena, "group-%.24s", digest);
}

static struct group_cut group_making_cut(struct group_making *making)
{
	struct fl_arena *arena = making->op.arena;
	struct group_cut cut = {
		.c = making->c,
		.op = &making->op,
		.pool = making->object.pool,
		.purpose = fl_arena_printf(arena, "CreateVolumeGroupSnapshot %s", making->name),
		.members = fl_arena_array(arena, making->n, sizeof(*cut.members)),
		.n = making->n,
	};
	uint64_t attempt = 0;

	while (getrandom(&attempt, sizeof(attempt), 0) != sizeof(attempt))
		continue;
	for (size_t i = 0; i < cut.n; i++) {
		struct group_cut_member *member = &cut.members[i];
		const char *volume = making->volumes[i].handle;

		member->volume = making->volumes[i];
		member->still = (struct still)STILL_NONE;
		member->spec = (struct fl_snapshot_spec){
			.name = group_making_member_name(arena, &making->object, volume, attempt),
			.volume_handle = volume,
			.group = making->object.handle,
			.parameters = making->parameters,
		};
	}
	return cut;
}

/* Cuts for a group whose record says "cutting", and says "done". */
static int group_making_finish(const struct group_making *making, struct group_cut *cut,
			       struct group *group, struct fl_error *err)
{
	if (group_cut_run(cut, &group->created_ns, err) < 0)
		return -1;
	/* Whoever repeats this call after a crash finds the group done and releases nothing. */
	group_cut_release(cut);
	group->state = GROUP_DONE;
	if (group_write(&making->op, making->object.pool, making->object.handle, group, err) == 0)
		return 0;
	/* Whether it is done is not known: the record will tell who asks again. */
	return err->code == FL_BUSY ? -1 : fl_error_set(err, FL_UNAVAILABLE, "%s", err->text);
}

/* What a failed attempt made is removed now, or by the next call, and until then this one has not
 * failed for good. */
static void group_making_undo(struct group_making *making, struct group *group,
			      struct fl_error *err)
{
	struct fl_error why;

	if (group->state == GROUP_DONE && err->code != FL_BUSY)
		return;
	making->op.deadline = fl_clock_after_ms(GROUP_MAKING_UNDO_MS);
	if (group->state == GROUP_CUTTING &&
	    group_discard(making->c, &making->op, &making->object, group, &why) == 0)
		return;
	/* Somebody has taken the attempt for dead and removed what there was; what came later is
	 * ours. */
	for (size_t i = 0; i < group->n_members; i++)
		if (group_remove_member(making->c, &making->op, making->object.pool,
					&group->members[i], &why) < 0)
			fl_log(FL_LOG_WARNING, "group", "snapshot %s is left: %s",
			       group->members[i].snapshot, why.text);
	if (err->code != FL_BUSY && err->code != FL_TIMEOUT)
		err->code = FL_UNAVAILABLE;
}

static int group_making_attempt(struct group_making *making, struct group *ret,
				struct fl_error *err)
{
	fl_cleanup(group_cut_release) struct group_cut cut = group_making_cut(making);
	struct fl_arena *arena = making->op.arena;
	struct group group = {
		.state = GROUP_CUTTING,
		.name = making->name,
		.members = fl_arena_array(arena, cut.n, sizeof(*group.members)),
		.n_members = cut.n,
	};

	for (size_t i = 0; i < cut.n; i++)
		group.members[i] = (struct group_member){ cut.members[i].volume.handle,
							  cut.members[i].spec.name };
	if (group_cut_prepare(&cut, err) < 0 ||
	    group_write(&making->op, making->object.pool, making->object.handle, &group, err) < 0)
		return -1;
	if (group_making_finish(making, &cut, &group, err) < 0) {
		group_making_undo(making, &group, err);
		return -1;
	}
	*ret = group;
	return 0;
}

static void group_making_unmark(struct fl_busy_mark **marks)
{
	for (size_t i = 0; i < GROUP_MEMBERS_MAX; i++)
		fl_busy_release(&(*marks)[i]);
}

static int group_making_make(struct group_making *making, struct group *ret, struct fl_error *err)
{
	fl_cleanup(group_making_unmark) struct fl_busy_mark *marks =
		fl_arena_array(making->op.arena, GROUP_MEMBERS_MAX, sizeof(*marks));
	struct fl_progress *progress = making->op.progress;
	struct group group;

	for (size_t i = 0; i < making->n; i++)
		if (object_mark_volume(making->c, &making->op, &making->volumes[i],
				       "CreateVolumeGroupSnapshot", &marks[i], err) < 0)
			return -1;
	/* Who repeats this call meets the mark of the group, so that one shows how far it is. */
	making->op.progress = progress;
	if (group_read(&making->op, making->object.pool, making->object.handle, &group, err) < 0)
		return -1;
	if (group.version != 0 &&
	    group_discard(making->c, &making->op, &making->object, &group, err) < 0)
		return -1;
	return group_making_attempt(making, ret, err);
}

int create_group_snapshot(struct rpc_call *call, const void *request, void *response,
			  struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	struct group_making making = { .c = rpc_call_cookie(call), .op = rpc_call_op(call) };
	Csi__V1__CreateVolumeGroupSnapshotResponse *answer = response;
	struct group group;

	if (group_making_read(&making, request, err) < 0 ||
	    object_mark_group(making.c, &making.op, &making.object, "CreateVolumeGroupSnapshot",
			      &mark, err) < 0 ||
	    group_read(&making.op, making.object.pool, making.object.handle, &group, err) < 0)
		return -1;
	if (group.version != 0 && group.state == GROUP_DONE) {
		if (group_making_check_same(&making, &group, err) < 0)
			return -1;
	} else if (group_making_make(&making, &group, err) < 0) {
		return -1;
	}
	return group_reply(making.c, &making.op, &making.object, &group,
			   "CreateVolumeGroupSnapshot", &answer->group_snapshot, err);
}
