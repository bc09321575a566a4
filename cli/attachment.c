/* SPDX-License-Identifier: Apache-2.0 */
#include "attachment.h"

#include "attachment_steps.h"
#include "claim.h"
#include "csi/rpc/map.h"
#include "lookup.h"
#include "run.h"

#define ATTACHMENT_VM_MAX 40 /* bytes of a VM's name */

static void attachment_close(struct attachment *a)
{
	note_close(&a->note);
}

static int attachment_open(struct orchestrator *o, const char *volume, struct attachment *ret,
			   struct fl_error *err)
{
	struct fl_op op = { .id = "cli", .deadline = o->deadline, .arena = o->arena };

	ret->o = o;
	ret->volume = volume;
	ret->staging = run_path(o->arena, "staging/%s", note_key(o->arena, volume));
	if (orchestrator_open_node(o, err) < 0)
		return -1;
	return note_open(&op, volume, &ret->note, err);
}

const char *attachment_pass(struct fl_arena *arena, const char *vm, const char *volume)
{
	return run_path(arena, "vms/%s/disks/%s", vm, note_key(arena, volume));
}

bool attachment_can_publish(const struct orchestrator *o)
{
	return orchestrator_controller_can(
		o, CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__PUBLISH_UNPUBLISH_VOLUME);
}

bool attachment_can_stage(const struct orchestrator *o)
{
	return orchestrator_node_can(
		o, CSI__V1__NODE_SERVICE_CAPABILITY__RPC__TYPE__STAGE_UNSTAGE_VOLUME);
}

Csi__V1__VolumeCapability *attachment_capability(struct fl_arena *arena, const char *fs)
{
	Csi__V1__VolumeCapability *capability = fl_arena_alloc(arena, sizeof(*capability));
	Csi__V1__VolumeCapability__AccessMode *mode = fl_arena_alloc(arena, sizeof(*mode));

	csi__v1__volume_capability__init(capability);
	csi__v1__volume_capability__access_mode__init(mode);
	/* As an orchestrator does for ReadWriteOnce: one node, any number of paths. */
	mode->mode = CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__MODE__SINGLE_NODE_MULTI_WRITER;
	capability->access_mode = mode;
	if (fs) {
		capability->access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_MOUNT;
		capability->mount = fl_arena_alloc(arena, sizeof(*capability->mount));
		csi__v1__volume_capability__mount_volume__init(capability->mount);
		capability->mount->fs_type = fl_arena_strdup(arena, fs);
	} else {
		capability->access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK;
		capability->block = fl_arena_alloc(arena, sizeof(*capability->block));
		csi__v1__volume_capability__block_volume__init(capability->block);
	}
	return capability;
}

int attachment_find(struct orchestrator *o, const char *word, struct attachment_wish *wish,
		    struct fl_error *err)
{
	const Csi__V1__ListVolumesResponse__Entry *entry;
	struct fl_pair *context;

	if (wish->vm && !fl_text_is_safe_name(wish->vm, ATTACHMENT_VM_MAX))
		return fl_error_set(err, FL_INVALID, "\"%.80s\" cannot be the name of a VM",
				    wish->vm);
	if (lookup_volume(o, word, &entry, err) < 0 ||
	    rpc_map_pairs(o->arena, entry->volume->volume_context, entry->volume->n_volume_context,
			  &context, &wish->n_context, err) < 0)
		return -1;
	wish->volume = entry->volume->volume_id;
	wish->context = context;
	return 0;
}

static bool attachment_may_go_on(enum fl_error_code code)
{
	return code == FL_BUSY || code == FL_UNAVAILABLE || code == FL_TIMEOUT;
}

int attachment_publish(struct orchestrator *o, const struct attachment_wish *wish,
		       const char **ret_target, struct fl_error *err)
{
	fl_cleanup(attachment_close) struct attachment a = { .note.lock = -1 };
	const char *target = wish->mount    ? wish->mount
			     : wish->device ? wish->device
					    : attachment_pass(o->arena, wish->vm, wish->volume);
	struct attachment_end end = { .volume = wish->volume, .target = target };
	struct fl_error undo = { 0 };
	bool is_new;

	if (attachment_open(o, wish->volume, &a, err) < 0 ||
	    claim_add(&a.note, wish, o->node_id, target, &is_new, err) < 0 ||
	    note_save(o->arena, &a.note, err) < 0)
		return -1;
	*ret_target = target;
	if (attachment_up(&a, wish, target, err) == 0)
		return 0;
	if (is_new && !attachment_may_go_on(err->code) && attachment_down(&a, &end, &undo) < 0)
		fl_error_prefix(err,
				"%s (undoing it failed as well: repeat it with "
				"\"fairlead volume unpublish\")",
				undo.text);
	return -1;
}

int attachment_unpublish(struct orchestrator *o, const struct attachment_end *end,
			 struct fl_error *err)
{
	fl_cleanup(attachment_close) struct attachment a = { .note.lock = -1 };

	if (attachment_open(o, end->volume, &a, err) < 0)
		return -1;
	return attachment_down(&a, end, err);
}
