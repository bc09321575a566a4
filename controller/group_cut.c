/* SPDX-License-Identifier: Apache-2.0 */
#include "group_cut.h"

#include <string.h>

#include "base/clock.h"
#include "live.h"
#include "owner.h"

/* Copying takes as long as it takes; the short calls that settle what was copied get this much. */
#define GROUP_CUT_SETTLE_MS 60000

static struct copy_task group_cut_task(const struct group_cut *cut,
				       const struct group_cut_member *member)
{
	return (struct copy_task){ .c = cut->c,
				   .op = cut->op,
				   .source = &member->volume,
				   .target = { .snapshot = &member->spec },
				   .purpose = cut->purpose };
}

static bool group_cut_copies(const struct group_cut *cut)
{
	return (cut->pool->flags & FL_BACKEND_COPIES) != 0;
}

/* The kernel's proof is for files; of other sources the record is all there is. */
static int group_cut_watch(const struct group_cut *cut, struct group_cut_member *member,
			   struct fl_error *err)
{
	const struct fl_publish_spec spec = { .handle = member->volume.handle,
					      .node = cut->c->pools->settings->node.id,
					      .read_only = true };
	struct fl_source source;

	if (fl_volume_publish(cut->pool, cut->op, &spec, &source, err) < 0)
		return -1;
	if (source.kind != FL_SOURCE_FILE)
		return 0;
	return still_open(&member->volume, source.file.path, &member->still, err);
}

/* Attached to this node. */
static int group_cut_prepare_owned(const struct group_cut *cut, struct group_cut_member *member,
				   struct fl_error *err)
{
	const struct copy_task task = group_cut_task(cut, member);
	struct vmdisk_place place;

	member->owned = true;
	if (vmdisk_where(cut->c, cut->op, member->volume.id, &place, err) < 0)
		return -1;
	if (place.plugged) {
		member->vm = place.vm;
		return 0;
	}
	if (group_cut_copies(cut))
		return live_refuse(&task, &place, err);
	member->quiet = place.state == VMDISK_ABSENT || place.state == VMDISK_VM;
	return member->quiet ? group_cut_watch(cut, member, err) : 0;
}

static int group_cut_prepare_idle(const struct group_cut *cut, struct group_cut_member *member,
				  struct fl_error *err)
{
	const struct copy_task task = group_cut_task(cut, member);

	member->quiet = true;
	if (cut->pool->backend->records &&
	    keeper_take(&member->keeper, cut->op, &member->volume, cut->purpose, err) < 0)
		return -1;
	if (copy_check_absent(&task, err) < 0)
		return -1;
	return group_cut_watch(cut, member, err);
}

static int group_cut_prepare_member(const struct group_cut *cut, struct group_cut_member *member,
				    struct fl_error *err)
{
	const char *node = cut->c->pools->settings->node.id;
	struct fl_volume volume;
	struct owner owner;

	if (fl_volume_get(cut->pool, cut->op, member->volume.handle, &volume, err) < 0 ||
	    owner_read(cut->op, &member->volume, &owner, err) < 0)
		return -1;
	if (owner.state != OWNER_OWNED)
		return group_cut_prepare_idle(cut, member, err);
	if (owner.n_attachments != 1 || strcmp(owner.attachments[0].node, node) != 0)
		return owner_refuse(&member->volume, &owner, err);
	return group_cut_prepare_owned(cut, member, err);
}

int group_cut_prepare(struct group_cut *cut, struct fl_error *err)
{
	bool fills = false;

	for (size_t i = 0; i < cut->n; i++) {
		if (group_cut_prepare_member(cut, &cut->members[i], err) < 0)
			return -1;
		fills = fills || (group_cut_copies(cut) && cut->members[i].quiet);
	}
	return fills ? copy_enter(cut->c, &cut->place, err) : 0;
}

/* One volume of each VM. */
static struct group_hold group_cut_hold(const struct group_cut *cut, const char *name)
{
	struct fl_arena *arena = cut->op->arena;
	const char **vms = fl_arena_array(arena, cut->n, sizeof(*vms));
	struct group_hold hold = { .c = cut->c,
				   .op = cut->op,
				   .name = name,
				   .volumes = fl_arena_array(arena, cut->n, sizeof(char *)) };

	for (size_t i = 0; i < cut->n; i++) {
		const char *vm = cut->members[i].vm;
		size_t seen = 0;

		while (vm && seen < hold.n && strcmp(vms[seen], vm) != 0)
			seen++;
		if (!vm || seen < hold.n)
			continue;
		vms[hold.n] = vm;
		hold.volumes[hold.n++] = cut->members[i].volume.id;
	}
	return hold;
}

/* The moment of a copy is its start: that of QEMU's here, ours is filled when no guest waits. */
static int group_cut_member_now(const struct group_cut *cut, struct group_cut_member *member,
				struct fl_error *err)
{
	const struct copy_task task = group_cut_task(cut, member);
	struct fl_snapshot snapshot;

	if (!group_cut_copies(cut))
		return fl_snapshot_create(cut->pool, cut->op, &member->spec, &snapshot, err);
	if (fl_copy_begin(cut->pool, cut->op, &task.target, &member->copy, err) < 0)
		return -1;
	return member->vm ? live_start(&task, &member->copy, err) : 0;
}

/* A launcher may have taken a volume, or another one got it, before the VMs stood still. */
static int group_cut_check_places(const struct group_cut *cut, struct fl_error *err)
{
	for (size_t i = 0; i < cut->n; i++) {
		const struct group_cut_member *member = &cut->members[i];
		struct vmdisk_place place;
		const char *vm;

		if (!member->owned)
			continue;
		if (vmdisk_where(cut->c, cut->op, member->volume.id, &place, err) < 0)
			return -1;
		vm = place.plugged ? place.vm : NULL;
		if (vm ? !member->vm || strcmp(vm, member->vm) != 0 : member->vm != NULL)
			return fl_error_set(err, FL_BUSY,
					    "volume %s was plugged in or out while the group was "
					    "cut, so the snapshots are thrown away: ask again",
					    member->volume.id);
	}
	return 0;
}

static int group_cut_all(struct group_cut *cut, const char *name, int64_t *ret_ns,
			 struct fl_error *err)
{
	fl_cleanup(group_hold_release) struct group_hold hold = group_cut_hold(cut, name);

	if (group_hold_take(&hold, err) < 0)
		return -1;
	*ret_ns = fl_clock_wall_ns();
	for (size_t i = 0; i < cut->n; i++)
		if (group_cut_member_now(cut, &cut->members[i], err) < 0)
			return -1;
	if (group_cut_check_places(cut, err) < 0)
		return -1;
	return group_hold_end(&hold, err);
}

static int group_cut_fill(const struct group_cut *cut, int64_t cut_ns, struct fl_error *err)
{
	for (size_t i = 0; i < cut->n; i++) {
		struct group_cut_member *member = &cut->members[i];
		const struct copy_task task = group_cut_task(cut, member);

		if (!group_cut_copies(cut) || !member->quiet)
			continue;
		member->copy.cut_ns = cut_ns;
		if (copy_write(&task, member->copy.path, err) < 0)
			return -1;
	}
	return 0;
}

/* What nobody used has not been written since before the cut. */
static int group_cut_prove(const struct group_cut *cut, struct fl_error *err)
{
	for (size_t i = 0; i < cut->n; i++) {
		struct group_cut_member *member = &cut->members[i];

		if (still_prove(&member->still, &member->volume, err) < 0)
			return -1;
		if (member->keeper.volume && keeper_prove(&member->keeper, err) < 0)
			return -1;
	}
	return 0;
}

static int group_cut_commit(const struct group_cut *cut, struct fl_error *err)
{
	for (size_t i = 0; i < cut->n; i++) {
		struct group_cut_member *member = &cut->members[i];
		const struct copy_task task = group_cut_task(cut, member);

		if (group_cut_copies(cut) && member->quiet &&
		    copy_commit(&task, &member->copy, err) < 0)
			return -1;
	}
	return 0;
}

int group_cut_run(struct group_cut *cut, int64_t *ret_ns, struct fl_error *err)
{
	/* The snapshots' names are this attempt's alone. */
	if (group_cut_all(cut, cut->members[0].spec.name, ret_ns, err) < 0 ||
	    group_cut_fill(cut, *ret_ns, err) < 0)
		return -1;
	cut->op->deadline = fl_clock_after_ms(GROUP_CUT_SETTLE_MS);
	if (group_cut_prove(cut, err) < 0)
		return -1;
	return group_cut_commit(cut, err);
}

void group_cut_release(struct group_cut *cut)
{
	for (size_t i = 0; i < cut->n; i++) {
		still_release(&cut->members[i].still);
		keeper_release(&cut->members[i].keeper);
	}
	copy_leave(&cut->place);
}
