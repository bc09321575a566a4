/* SPDX-License-Identifier: Apache-2.0 */
#include "expansion.h"

#include "note.h"

static int expansion_controller(struct orchestrator *o, const char *volume,
				Csi__V1__CapacityRange *range,
				const Csi__V1__ControllerExpandVolumeResponse **ret,
				struct fl_error *err)
{
	Csi__V1__ControllerExpandVolumeRequest request =
		CSI__V1__CONTROLLER_EXPAND_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor,
					  "ControllerExpandVolume", &request, false };
	const void *reply;

	if (!orchestrator_controller_can(
		    o, CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__EXPAND_VOLUME))
		return fl_error_set(err, FL_UNSUPPORTED, "the service cannot expand volumes");
	request.volume_id = (char *)volume;
	request.capacity_range = range;
	if (orchestrator_call(o, &call, &reply, err) < 0)
		return -1;
	*ret = reply;
	return 0;
}

static int expansion_target(struct orchestrator *o, const char *volume, const char *target,
			    Csi__V1__CapacityRange *range, struct fl_error *err)
{
	Csi__V1__NodeExpandVolumeRequest request = CSI__V1__NODE_EXPAND_VOLUME_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__node__descriptor, "NodeExpandVolume", &request,
					  false };
	const void *reply;

	request.volume_id = (char *)volume;
	request.volume_path = (char *)target;
	request.capacity_range = range;
	return orchestrator_call(o, &call, &reply, err);
}

/* One target is enough: the others show the same device, file system or disk. */
static int expansion_node(struct orchestrator *o, const char *volume, Csi__V1__CapacityRange *range,
			  struct fl_error *err)
{
	struct fl_op op = { .id = "cli", .deadline = o->deadline, .arena = o->arena };
	fl_cleanup(note_close) struct note note = { .lock = -1 };
	const json_t *target;
	const char *path;

	if (note_open(&op, volume, &note, err) < 0)
		return -1;
	target = json_array_get(json_object_get(note.json, "targets"), 0);
	path = json_string_value(json_object_get(target, "path"));
	if (!path)
		return 0;
	if (orchestrator_open_node(o, err) < 0)
		return -1;
	if (!orchestrator_node_can(o, CSI__V1__NODE_SERVICE_CAPABILITY__RPC__TYPE__EXPAND_VOLUME))
		return 0;
	return expansion_target(o, volume, path, range, err);
}

int expansion_run(struct orchestrator *o, const char *volume, uint64_t size_bytes,
		  uint64_t limit_bytes, uint64_t *ret_bytes, struct fl_error *err)
{
	Csi__V1__CapacityRange range = CSI__V1__CAPACITY_RANGE__INIT;
	const Csi__V1__ControllerExpandVolumeResponse *answer = NULL;

	range.required_bytes = (int64_t)size_bytes;
	range.limit_bytes = (int64_t)limit_bytes;
	if (expansion_controller(o, volume, &range, &answer, err) < 0)
		return -1;
	*ret_bytes = (uint64_t)answer->capacity_bytes;
	if (!answer->node_expansion_required)
		return 0;
	range.required_bytes = answer->capacity_bytes;
	return expansion_node(o, volume, &range, err);
}
