/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "attachment_steps.h"
#include "base/file.h"
#include "csi/convert.h"
#include "csi/rpc/map.h"

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

int attachment_up(struct attachment *a, const struct attachment_wish *wish, const char *target,
		  struct fl_error *err)
{
	struct attachment_up up = { .a = a, .wish = wish, .target = target };

	up.capability = attachment_capability(a->o->arena, wish->mount ? wish->fs : NULL);
	attachment_context(&up);
	if (attachment_controller_publish(&up, err) < 0 || attachment_stage(&up, err) < 0)
		return -1;
	return attachment_node_publish(&up, err);
}
