/* SPDX-License-Identifier: Apache-2.0 */
/* NodeGetVolumeHealth and NodeGetStorageHealth. */
#include "node/health.h"

#include <string.h>

#include "csi/convert.h"
#include "csi/reply.h"
#include "node/calls.h"
#include "node/failure.h"
#include "node/mount.h"
#include "node/path.h"
#include "node/volume.h"

struct health_scene {
	const struct node *node;
	const struct fl_op *op;
	const char *asked; /* the id that the caller knows: it may be an ephemeral volume's */
	struct node_volume volume;
	bool exists; /* the storage knows the volume */
	struct device_state device;
	bool passed; /* published for a VM, by … */
	struct pass pass;
	struct fl_health health;
};

static void health_say(struct health_scene *scene, enum fl_health_status status, const char *reason,
		       const char *text)
{
	const struct fl_health_entry entry = { status, reason, text };
	const struct fl_health one = { &entry, 1 };

	health_merge(scene->op->arena, &scene->health, &one);
}

static int health_ask_storage(struct health_scene *scene, struct fl_health *ret,
			      struct fl_error *err)
{
	const struct node_volume *volume = &scene->volume;
	struct fl_volume ignored;

	if (volume->pool->backend->health)
		return fl_volume_health(volume->pool, scene->op, volume->handle, ret, err);
	return fl_volume_get(volume->pool, scene->op, volume->handle, &ignored, err);
}

static int health_add_storage(struct health_scene *scene, struct fl_error *err)
{
	struct fl_health said = { 0 };
	struct fl_error why;

	if (health_ask_storage(scene, &said, &why) == 0) {
		health_merge(scene->op->arena, &scene->health, &said);
	} else if (why.code == FL_NOT_FOUND) {
		scene->exists = false;
	} else if (why.code == FL_BUSY) {
		*err = why;
		return -1;
	} else {
		health_say(scene, FL_HEALTH_INACCESSIBLE,
			   why.code == FL_UNAVAILABLE || why.code == FL_TIMEOUT
				   ? "StorageUnreachable"
				   : "VolumeDamaged",
			   why.text);
	}
	return 0;
}

/* The kernel knows a device of ours by the volume's id, also when nobody can say any more where its
 * bytes are. */
static void health_add_kernel(struct health_scene *scene)
{
	const struct node_volume *volume = &scene->volume;
	struct device_state *device = &scene->device;
	struct fl_source source, *known = &source;
	struct fl_health seen = { 0 };
	struct fl_error why;

	if (node_volume_source(scene->node, scene->op, volume, NULL, 0, &source, &why) < 0)
		known = NULL;
	if (device_look(scene->op, volume->id, known, device, &why) < 0) {
		memset(device, 0, sizeof(*device));
		health_say(scene, FL_HEALTH_INACCESSIBLE, "DeviceUnusable", why.text);
		return;
	}
	if (device->connected)
		node_health_add_device(scene->op, &device->connection, &seen);
	/* Whatever the storage has told is the better explanation. */
	else if (known && scene->health.n == 0 && connect_check(scene->op, known, &why) < 0)
		health_say(scene, FL_HEALTH_INACCESSIBLE, "SourceUnreachable", why.text);
	if (device->filesystem)
		node_health_add_filesystem(scene->op, &device->connection, device->filesystem,
					   &seen);
	health_merge(scene->op->arena, &scene->health, &seen);
}

static void health_add_vm(struct health_scene *scene)
{
	const struct node *node = scene->node;
	struct fl_health seen = { 0 };
	struct fl_error why;

	if (pass_load(scene->op->arena, node->state_fd, scene->volume.id, &scene->passed,
		      &scene->pass, &why) < 0) {
		health_say(scene, FL_HEALTH_INACCESSIBLE, "RecordDamaged", why.text);
		return;
	}
	if (!scene->passed)
		return;
	node_health_add_vm(node, scene->op, &scene->pass, &seen);
	health_merge(scene->op->arena, &scene->health, &seen);
}

static void health_add_failures(struct health_scene *scene)
{
	static const struct {
		enum failure_call call;
		const char *reason;
	} calls[] = {
		{ FAILURE_STAGE, "StageFailed" },
		{ FAILURE_PUBLISH, "PublishFailed" },
	};

	for (size_t i = 0; i < FL_COUNT(calls); i++) {
		const char *text =
			failure_read(scene->node, scene->op, scene->asked, calls[i].call);
		if (text)
			health_say(scene, FL_HEALTH_INACCESSIBLE, calls[i].reason, text);
	}
}

/* The orchestrator believes that the volume is at `target`: is it? */
static int health_add_target(struct health_scene *scene, const char *target, struct fl_error *err)
{
	const struct fl_op *op = scene->op;
	const struct mountinfo_entry *entry;

	if (path_check("volume_publish_path", target, err) < 0 ||
	    mountinfo_at(op->arena, target, &entry, err) < 0)
		return -1;
	if ((scene->passed && pass_has_target(&scene->pass, target)) ||
	    (entry && scene->device.connected && mount_shows(entry, &scene->device.connection)))
		return 0;
	health_say(scene, FL_HEALTH_INACCESSIBLE, "NotPublished",
		   fl_arena_printf(op->arena, "nothing of the volume is at %s: publish it again",
				   target));
	return 0;
}

int node_health_read(const struct node *node, const struct fl_op *op, const char *volume_id,
		     const char *target, struct fl_health *ret, struct fl_error *err)
{
	struct health_scene scene = { .node = node, .op = op, .asked = volume_id, .exists = true };

	if (node_volume_find(node, op, volume_id, &scene.volume, err) < 0 ||
	    health_add_storage(&scene, err) < 0)
		return -1;
	health_add_kernel(&scene);
	if (!scene.exists && !scene.device.connected)
		return fl_error_set(err, FL_NOT_FOUND, "there is no volume %s", volume_id);
	if (!scene.exists)
		health_say(&scene, FL_HEALTH_DEGRADED, "VolumeDeleted",
			   fl_arena_printf(op->arena,
					   "the volume was deleted and %s still has it: copy away "
					   "what is needed, then unstage it",
					   scene.device.connection.path));
	health_add_vm(&scene);
	health_add_failures(&scene);
	if (target[0] && health_add_target(&scene, target, err) < 0)
		return -1;
	*ret = scene.health;
	return 0;
}

int node_volume_health(struct rpc_call *call, const void *message, void *response,
		       struct fl_error *err)
{
	const Csi__V1__NodeGetVolumeHealthRequest *request = message;
	Csi__V1__NodeGetVolumeHealthResponse *answer = response;
	const struct node *node = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	struct fl_health health;

	if (convert_required("volume_id", request->volume_id, err) < 0 ||
	    node_health_read(node, &op, request->volume_id, request->volume_publish_path, &health,
			     err) < 0)
		return -1;
	answer->volume_health = health_reply(op.arena, request->volume_id, &health);
	return 0;
}

/* A pool that does not answer is what the question is about. */
static void health_ask_pool(struct fl_pool *pool, const struct fl_op *op, struct fl_health *ret)
{
	struct fl_error why;

	*ret = (struct fl_health){ 0 };
	if (fl_pool_health(pool, op, ret, &why) < 0)
		fl_health_add(op->arena, ret, FL_HEALTH_INACCESSIBLE, "StorageUnreachable", "%s",
			      why.text);
}

int node_storage_health(struct rpc_call *call, const void *message, void *response,
			struct fl_error *err)
{
	Csi__V1__NodeGetStorageHealthResponse *answer = response;
	const struct node *node = rpc_call_cookie(call);
	struct fl_op op = rpc_call_op(call);
	size_t n = 0, capacity = 0;

	(void)message;
	(void)err;
	for (size_t i = 0; i < node->pools->n; i++) {
		struct fl_pool *pool = node->pools->items[i];
		struct fl_health health;

		if (!pool->backend->health)
			continue;
		health_ask_pool(pool, &op, &health);
		for (size_t k = 0; k < health.n; k++) {
			answer->backend_health =
				fl_arena_grow(op.arena, answer->backend_health, n, &capacity,
					      sizeof(*answer->backend_health));
			answer->backend_health[n++] =
				health_reply_storage(op.arena, pool->name, &health.entries[k]);
		}
	}
	answer->n_backend_health = n;
	return 0;
}
