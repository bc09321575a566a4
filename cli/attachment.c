/* SPDX-License-Identifier: Apache-2.0 */
#include "attachment.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "claim.h"
#include "csi/convert.h"
#include "csi/rpc/map.h"
#include "lookup.h"
#include "note.h"
#include "run.h"

#define ATTACHMENT_VM_MAX 40 /* bytes of a VM's name */

/* One publish or unpublish under way. */
struct attachment {
	struct orchestrator *o;
	const char *volume;
	struct note note;
	const char *staging;
};

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

Csi__V1__VolumeCapability *attachment_capability(struct fl_arena *arena, const char *fs)
{
	Csi__V1__VolumeCapability *capability = fl_arena_alloc(arena, sizeof(*capability));
	Csi__V1__VolumeCapability__AccessMode *mode = fl_arena_alloc(arena, sizeof(*mode));

	csi__v1__volume_capability__init(capability);
	csi__v1__volume_capability__access_mode__init(mode);
	mode->mode = CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__MODE__SINGLE_NODE_WRITER;
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

/* What the requests of a publish have in common. */
struct attachment_up {
	struct attachment *a;
	const struct attachment_wish *wish;
	const char *target;
	Csi__V1__VolumeCapability *capability;
	struct fl_pair *context;
	size_t n_context;
	struct fl_pair *published;
	size_t n_published;
};

static bool attachment_can_publish(const struct orchestrator *o)
{
	return orchestrator_controller_can(
		o, CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__PUBLISH_UNPUBLISH_VOLUME);
}

static bool attachment_can_stage(const struct orchestrator *o)
{
	return orchestrator_node_can(
		o, CSI__V1__NODE_SERVICE_CAPABILITY__RPC__TYPE__STAGE_UNSTAGE_VOLUME);
}

static int attachment_controller_publish(struct attachment_up *up, struct fl_error *err)
{
	Csi__V1__ControllerPublishVolumeRequest request =
		CSI__V1__CONTROLLER_PUBLISH_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor,
					  "ControllerPublishVolume", &request, false };
	struct orchestrator *o = up->a->o;
	const Csi__V1__ControllerPublishVolumeResponse *answer;
	const void *reply;

	if (!attachment_can_publish(o))
		return 0;
	request.volume_id = (char *)up->a->volume;
	request.node_id = (char *)o->node_id;
	request.volume_capability = up->capability;
	request.readonly = up->wish->readonly;
	request.n_volume_context = up->wish->n_context;
	request.volume_context = rpc_map_entries(
		o->arena,
		&csi__v1__controller_publish_volume_request__volume_context_entry__descriptor,
		up->wish->context, up->wish->n_context);
	if (orchestrator_call(o, &call, &reply, err) < 0)
		return -1;
	answer = reply;
	return rpc_map_pairs(o->arena, answer->publish_context, answer->n_publish_context,
			     &up->published, &up->n_published, err);
}

static int attachment_stage(struct attachment_up *up, struct fl_error *err)
{
	Csi__V1__NodeStageVolumeRequest request = CSI__V1__NODE_STAGE_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__node__descriptor, "NodeStageVolume", &request,
					  false };
	struct orchestrator *o = up->a->o;
	const void *reply;

	if (!attachment_can_stage(o))
		return 0;
	if (fl_file_make_dirs(up->a->staging, 0700, err) < 0)
		return -1;
	request.volume_id = (char *)up->a->volume;
	request.staging_target_path = (char *)up->a->staging;
	request.volume_capability = up->capability;
	request.n_publish_context = up->n_published;
	request.publish_context = rpc_map_entries(
		o->arena, &csi__v1__node_stage_volume_request__publish_context_entry__descriptor,
		up->published, up->n_published);
	request.n_volume_context = up->n_context;
	request.volume_context = rpc_map_entries(
		o->arena, &csi__v1__node_stage_volume_request__volume_context_entry__descriptor,
		up->context, up->n_context);
	return orchestrator_call(o, &call, &reply, err);
}

static int attachment_node_publish(struct attachment_up *up, struct fl_error *err)
{
	Csi__V1__NodePublishVolumeRequest request = CSI__V1__NODE_PUBLISH_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__node__descriptor, "NodePublishVolume", &request,
					  false };
	struct orchestrator *o = up->a->o;
	const char *slash = strrchr(up->target, '/');
	const char *parent =
		fl_arena_strndup(o->arena, up->target, (size_t)(slash - up->target) + 1);
	const void *reply;

	if (fl_file_make_dirs(parent, up->wish->vm ? 0700 : 0755, err) < 0)
		return -1;
	request.volume_id = (char *)up->a->volume;
	request.staging_target_path = (char *)(attachment_can_stage(o) ? up->a->staging : "");
	request.target_path = (char *)up->target;
	request.volume_capability = up->capability;
	request.readonly = up->wish->readonly;
	request.n_publish_context = up->n_published;
	request.publish_context = rpc_map_entries(
		o->arena, &csi__v1__node_publish_volume_request__publish_context_entry__descriptor,
		up->published, up->n_published);
	request.n_volume_context = up->n_context;
	request.volume_context = rpc_map_entries(
		o->arena, &csi__v1__node_publish_volume_request__volume_context_entry__descriptor,
		up->context, up->n_context);
	return orchestrator_call(o, &call, &reply, err);
}

/* The volume context, with the VM's name added for a disk pass. */
static void attachment_context(struct attachment_up *up)
{
	const struct attachment_wish *wish = up->wish;

	up->context = fl_arena_array(up->a->o->arena, wish->n_context + 1, sizeof(*up->context));
	for (size_t i = 0; i < wish->n_context; i++)
		up->context[i] = wish->context[i];
	up->n_context = wish->n_context;
	if (wish->vm) {
		up->context[up->n_context].key = CONTEXT_VM;
		up->context[up->n_context++].value = wish->vm;
	}
}

static int attachment_down(struct attachment *a, const struct attachment_end *end,
			   struct fl_error *err);

static int attachment_up(struct attachment *a, const struct attachment_wish *wish,
			 const char *target, struct fl_error *err)
{
	struct attachment_up up = { .a = a, .wish = wish, .target = target };

	up.capability = attachment_capability(a->o->arena, wish->mount ? wish->fs : NULL);
	attachment_context(&up);
	if (attachment_controller_publish(&up, err) < 0 || attachment_stage(&up, err) < 0)
		return -1;
	return attachment_node_publish(&up, err);
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

static int attachment_node_unpublish(struct attachment *a, const char *target, struct fl_error *err)
{
	Csi__V1__NodeUnpublishVolumeRequest request = CSI__V1__NODE_UNPUBLISH_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__node__descriptor, "NodeUnpublishVolume",
					  &request, false };
	const void *reply;

	request.volume_id = (char *)a->volume;
	request.target_path = (char *)target;
	return orchestrator_call(a->o, &call, &reply, err);
}

static int attachment_unstage(struct attachment *a, struct fl_error *err)
{
	Csi__V1__NodeUnstageVolumeRequest request = CSI__V1__NODE_UNSTAGE_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__node__descriptor, "NodeUnstageVolume", &request,
					  false };
	const void *reply;

	if (!attachment_can_stage(a->o))
		return 0;
	request.volume_id = (char *)a->volume;
	request.staging_target_path = (char *)a->staging;
	if (orchestrator_call(a->o, &call, &reply, err) < 0)
		return -1;
	if (rmdir(a->staging) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing %s", a->staging);
	return 0;
}

static int attachment_controller_unpublish(struct attachment *a, struct fl_error *err)
{
	Csi__V1__ControllerUnpublishVolumeRequest request =
		CSI__V1__CONTROLLER_UNPUBLISH_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor,
					  "ControllerUnpublishVolume", &request, false };
	const char *node = json_string_value(json_object_get(a->note.json, "node"));
	const void *reply;

	if (!attachment_can_publish(a->o))
		return 0;
	request.volume_id = (char *)a->volume;
	request.node_id = (char *)(node ? node : a->o->node_id);
	return orchestrator_call(a->o, &call, &reply, err);
}

/* Takes down the targets that are meant; the note shrinks with each. */
static int attachment_down(struct attachment *a, const struct attachment_end *end,
			   struct fl_error *err)
{
	const char *target;

	while ((target = claim_next(&a->note, end->target))) {
		if (attachment_node_unpublish(a, target, err) < 0)
			return -1;
		claim_drop(&a->note, target);
		if (note_save(a->o->arena, &a->note, err) < 0)
			return -1;
	}
	if (!a->note.json && end->target && attachment_node_unpublish(a, end->target, err) < 0)
		return -1;
	if (claim_next(&a->note, NULL))
		return 0;
	if (attachment_unstage(a, err) < 0)
		return -1;
	if (!a->note.json && !end->force && claim_check_unused(a->o, a->volume, err) < 0)
		return -1;
	if (attachment_controller_unpublish(a, err) < 0)
		return -1;
	return note_remove(&a->note, err);
}

int attachment_unpublish(struct orchestrator *o, const struct attachment_end *end,
			 struct fl_error *err)
{
	fl_cleanup(attachment_close) struct attachment a = { .note.lock = -1 };

	if (attachment_open(o, end->volume, &a, err) < 0)
		return -1;
	return attachment_down(&a, end, err);
}
