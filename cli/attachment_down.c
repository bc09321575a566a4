/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attachment_steps.h"
#include "claim.h"
#include "run.h"

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

/* The directories that were made for a disk pass, unless something else is in them. */
static void attachment_tidy(struct fl_arena *arena, const char *target)
{
	char *path = fl_arena_strdup(arena, target);

	if (!fl_text_starts_with(path, run_path(arena, "vms/")))
		return;
	for (int i = 0; i < 2; i++) {
		*strrchr(path, '/') = '\0';
		if (rmdir(path) < 0)
			return;
	}
}

static int attachment_take_down(struct attachment *a, const char *target, struct fl_error *err)
{
	if (attachment_node_unpublish(a, target, err) < 0)
		return -1;
	attachment_tidy(a->o->arena, target);
	claim_drop(&a->note, target);
	return a->note.json ? note_save(a->o->arena, &a->note, err) : 0;
}

/* Whether the node may lose the right to the volume: not while somebody else (kubelet) uses it
 * here, and without a note of ours only when the node says that nobody does. */
static int attachment_may_release(struct attachment *a, const struct attachment_end *end, bool *ret,
				  struct fl_error *err)
{
	struct fl_error why = { 0 };
	const char *state = claim_state(a->o, a->volume, &why);
	bool is_absent = state && strcmp(state, "absent") == 0;

	*ret = is_absent || end->force || (a->note.json && !state);
	if (*ret || a->note.json)
		return 0;
	return fl_error_set(err, FL_IN_USE,
			    "volume %s was not published by this command line, and %s%s: --force "
			    "releases it all the same",
			    a->volume,
			    state ? "this machine uses it as "
				  : "nothing shows that it "
				    "is unused here: ",
			    state ? state : why.text);
}

int attachment_down(struct attachment *a, const struct attachment_end *end, struct fl_error *err)
{
	const char *target;
	bool may_release;

	while ((target = claim_next(&a->note, end->target))) {
		if (attachment_take_down(a, target, err) < 0)
			return -1;
	}
	if (!a->note.json && end->target && attachment_take_down(a, end->target, err) < 0)
		return -1;
	if (claim_next(&a->note, NULL))
		return 0;
	if (attachment_unstage(a, err) < 0 || attachment_may_release(a, end, &may_release, err) < 0)
		return -1;
	if (may_release && attachment_controller_unpublish(a, err) < 0)
		return -1;
	return note_remove(&a->note, err);
}
