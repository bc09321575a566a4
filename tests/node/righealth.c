/* SPDX-License-Identifier: Apache-2.0 */
/* The part of rig.h that asks how things are. */
#include "csi/csi.pb-c.h"
#include "rig.h"

int rig_health(struct rig *rig, const char *id, const char *target, const char **ret,
	       struct fl_error *err)
{
	Csi__V1__NodeGetVolumeHealthRequest message = CSI__V1__NODE_GET_VOLUME_HEALTH_REQUEST__INIT;
	const Csi__V1__VolumeHealth *health;
	const char *text = "";
	const void *got;

	message.volume_id = (char *)id;
	message.volume_publish_path = (char *)(target ? target : "");
	if (rig_call(rig, "NodeGetVolumeHealth", &message, &got, err) < 0)
		return -1;
	health = ((const Csi__V1__NodeGetVolumeHealthResponse *)got)->volume_health;
	for (size_t i = 0; i < health->n_health_statuses; i++)
		text = fl_arena_printf(rig->arena, "%s%s%d %s", text, i ? ", " : "",
				       (int)health->health_statuses[i]->status,
				       health->health_statuses[i]->reason);
	*ret = text;
	return 0;
}

int rig_storage_health(struct rig *rig, const char **ret, struct fl_error *err)
{
	Csi__V1__NodeGetStorageHealthRequest message =
		CSI__V1__NODE_GET_STORAGE_HEALTH_REQUEST__INIT;
	const Csi__V1__NodeGetStorageHealthResponse *answer;
	const char *text = "";
	const void *got;

	if (rig_call(rig, "NodeGetStorageHealth", &message, &got, err) < 0)
		return -1;
	answer = got;
	for (size_t i = 0; i < answer->n_backend_health; i++)
		text = fl_arena_printf(rig->arena, "%s%s%d %s", text, i ? ", " : "",
				       (int)answer->backend_health[i]->status,
				       answer->backend_health[i]->reason);
	*ret = text;
	return 0;
}

int rig_condition(struct rig *rig, const char *id, const char *path, const char **ret,
		  struct fl_error *err)
{
	Csi__V1__NodeGetVolumeStatsRequest message = CSI__V1__NODE_GET_VOLUME_STATS_REQUEST__INIT;
	const Csi__V1__VolumeCondition *condition;
	const void *got;

	message.volume_id = (char *)id;
	message.volume_path = (char *)path;
	if (rig_call(rig, "NodeGetVolumeStats", &message, &got, err) < 0)
		return -1;
	condition = ((const Csi__V1__NodeGetVolumeStatsResponse *)got)->volume_condition;
	*ret = !condition ? "none" : condition->abnormal ? condition->message : "";
	return 0;
}
