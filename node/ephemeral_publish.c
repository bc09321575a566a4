/* SPDX-License-Identifier: Apache-2.0 */
/* The part of ephemeral.h that makes and mounts them. */
#include <string.h>
#include <sys/mount.h>

#include "base/log.h"
#include "csi/convert.h"
#include "csi/owner_record.h"
#include "node/device.h"
#include "node/ephemeral.h"
#include "node/hold.h"
#include "node/path.h"
#include "node/stage.h"

#define EPHEMERAL_BLOCK 4096
/* Beyond it, rounding up would leave the signed numbers of the wire. */
#define EPHEMERAL_SIZE_MOST ((uint64_t)INT64_MAX - EPHEMERAL_BLOCK)

/* volume_context, which is what the pod says as volumeAttributes. */
struct ephemeral_attributes {
	const char *pool;
	uint64_t size_bytes;
	bool thin;
	const char *mkfs_options;
};

static const struct fl_option ephemeral_options[] = {
	{ .key = "pool",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct ephemeral_attributes, pool),
	  .help = "the pool of the configuration; required when there are several" },
	{ .key = "size",
	  .kind = FL_OPTION_SIZE,
	  .offset = offsetof(struct ephemeral_attributes, size_bytes),
	  .otherwise = "1Gi",
	  .help = "at most the pool's ephemeral_max" },
	{ .key = "thin",
	  .kind = FL_OPTION_BOOL,
	  .offset = offsetof(struct ephemeral_attributes, thin),
	  .otherwise = "true",
	  .help = "take space as it is written" },
	{ .key = "mkfs_options",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct ephemeral_attributes, mkfs_options),
	  .help = "further words for mkfs, separated by spaces" },
};

struct ephemeral_call {
	const struct node *node;
	const struct fl_op *op;
	const char *id;
	struct ephemeral wish;
	struct stage stage; /* mounted at the target itself */
	bool is_unused;     /* nothing shows the volume: that is proven */
	bool conflict;      /* it is published at another path */
};

static bool ephemeral_says_so(const struct fl_pair *pairs, size_t n)
{
	const char *word = fl_pair_get(pairs, n, CONTEXT_EPHEMERAL);

	return word && strcmp(word, "true") == 0;
}

bool ephemeral_is_asked_for(const Csi__V1__NodePublishVolumeRequest *request)
{
	for (size_t i = 0; i < request->n_volume_context; i++) {
		const struct fl_pair pair = { request->volume_context[i]->key,
					      request->volume_context[i]->value };

		if (ephemeral_says_so(&pair, 1))
			return true;
	}
	return false;
}

/* What is left of the context without the orchestrator's own keys. */
static int ephemeral_read_context(const struct fl_op *op,
				  const Csi__V1__NodePublishVolumeRequest *request,
				  struct ephemeral_attributes *ret, struct fl_error *err)
{
	struct fl_pair *pairs;
	size_t n, kept = 0;

	if (convert_pairs(op->arena, "volume_context", request->volume_context,
			  request->n_volume_context, &pairs, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!fl_text_starts_with(pairs[i].key, CONTEXT_ORCHESTRATOR))
			pairs[kept++] = pairs[i];
	}
	return fl_config_fill_pairs(op->arena, pairs, kept, "volumeAttributes", ephemeral_options,
				    FL_COUNT(ephemeral_options), ret, sizeof(*ret), err);
}

static int ephemeral_choose_pool(const struct node *node, const char *name, struct fl_pool **ret,
				 struct fl_error *err)
{
	struct fl_pool *pool = name ? fl_pools_get(node->pools, name) : node->pools->items[0];

	if (!name && node->pools->n != 1)
		return fl_error_set(err, FL_INVALID,
				    "volume attribute \"pool\" is missing: there are %zu pools",
				    node->pools->n);
	if (!pool)
		return fl_error_set(err, FL_INVALID, "there is no pool \"%s\"", name);
	if (!pool->backend->pool_records || !pool->backend->records)
		return fl_error_set(err, FL_INVALID,
				    "pool %s cannot have ephemeral volumes: its backend keeps no "
				    "records",
				    pool->name);
	*ret = pool;
	return 0;
}

static int ephemeral_choose_size(const struct node *node, const struct fl_pool *pool,
				 uint64_t asked, uint64_t *ret, struct fl_error *err)
{
	uint64_t most = fl_pools_settings(node->pools, pool)->ephemeral_max_bytes;

	if (most == 0)
		return fl_error_set(err, FL_INVALID,
				    "pool %s has no ephemeral volumes (ephemeral_max: 0)",
				    pool->name);
	if (asked == 0 || asked > most || asked > EPHEMERAL_SIZE_MOST)
		return fl_error_set(err, FL_INVALID,
				    "an ephemeral volume of pool %s has 1 to %ju bytes "
				    "(ephemeral_max), not %ju",
				    pool->name, (uintmax_t)most, (uintmax_t)asked);
	*ret = (asked + EPHEMERAL_BLOCK - 1) / EPHEMERAL_BLOCK * EPHEMERAL_BLOCK;
	return 0;
}

static int ephemeral_check_use(const struct ephemeral_call *call, struct fl_error *err)
{
	const struct capability *capability = &call->stage.capability;

	if (!ephemeral_is_id(call->id))
		return fl_error_set(err, FL_INVALID,
				    "that is no id of an ephemeral volume: A-Z a-z 0-9 . _ -");
	if (capability->block)
		return fl_error_set(err, FL_INVALID, "an ephemeral volume has a file system");
	if (access_mode_is_multi_node(capability->mode) || access_mode_is_reader(capability->mode))
		return fl_error_set(err, FL_INVALID,
				    "an ephemeral volume is of one node, which writes it: access "
				    "mode %s does not fit",
				    access_mode_name(capability->mode));
	return 0;
}

/* Arguments only. */
static int ephemeral_read(const Csi__V1__NodePublishVolumeRequest *request,
			  struct ephemeral_call *call, struct fl_error *err)
{
	struct ephemeral_attributes attributes;
	struct stage *stage = &call->stage;

	if (convert_required("volume_id", call->id, err) < 0 ||
	    path_check("target_path", request->target_path, err) < 0 ||
	    capability_read(request->volume_capability, &stage->capability, err) < 0 ||
	    ephemeral_check_use(call, err) < 0 ||
	    ephemeral_read_context(call->op, request, &attributes, err) < 0 ||
	    stage_read_mount(call->op, attributes.mkfs_options, stage, err) < 0 ||
	    ephemeral_choose_pool(call->node, attributes.pool, &call->wish.pool, err) < 0 ||
	    ephemeral_choose_size(call->node, call->wish.pool, attributes.size_bytes,
				  &call->wish.size_bytes, err) < 0)
		return -1;
	call->wish.thin = attributes.thin;
	stage->path = request->target_path;
	/* The mount alone: the volume is made for writing, or it would hold nothing at all. */
	if (request->readonly)
		stage->options.flags |= MS_RDONLY;
	return 0;
}

/* The record: as it stands, or new. */
static int ephemeral_begin(struct ephemeral_call *call, struct fl_error *err)
{
	const struct ephemeral wish = call->wish;
	bool found;

	if (ephemeral_find(call->node, call->op, call->id, &found, &call->wish, err) < 0)
		return -1;
	if (found && (wish.pool != call->wish.pool || wish.size_bytes != call->wish.size_bytes ||
		      wish.thin != call->wish.thin))
		return fl_error_set(err, FL_EXISTS,
				    "ephemeral volume %s is there already, with other attributes",
				    call->id);
	if (found)
		return 0;
	call->wish = wish;
	call->is_unused = true;
	return ephemeral_store(call->op, call->id, &call->wish, err);
}

/* What the controller does for other volumes: from now on it is this node's. */
static int ephemeral_own(const struct ephemeral_call *call, struct fl_error *err)
{
	const struct node_volume *volume = &call->stage.volume;
	struct owner_attachment attachment = {
		.node = call->node->pools->settings->node.id,
		.mode = call->stage.capability.mode,
	};
	struct owner owner;

	if (owner_record_read(call->op, volume->pool, volume->handle, volume->id, &owner, err) < 0)
		return -1;
	if (owner.state != OWNER_IDLE)
		return 0;
	owner.state = OWNER_OWNED;
	owner.epoch++;
	owner.attachments = &attachment;
	owner.n_attachments = 1;
	return fl_volume_record_set(volume->pool, call->op, volume->handle, FL_RECORD_OWNER,
				    owner.version, owner_format(call->op->arena, &owner),
				    &owner.version, err);
}

/* One pod has it, at one path. */
static int ephemeral_check_path(struct ephemeral_call *call, struct fl_error *err)
{
	const struct stage *stage = &call->stage;
	const struct mountinfo_entry *own;
	struct device_state state;

	if (mountinfo_at(call->op->arena, stage->path, &own, err) < 0 ||
	    device_look(call->op, stage->volume.id, &stage->source, &state, err) < 0)
		return -1;
	call->is_unused = state.uses.n == 0;
	for (size_t i = 0; i < state.uses.n; i++) {
		call->conflict = !own || !mountinfo_is_same_place(own, &state.uses.entries[i]);
		if (call->conflict)
			return fl_error_set(err, FL_IN_USE,
					    "ephemeral volume %s is published at %s already",
					    call->id, state.uses.entries[i].point);
	}
	return 0;
}

static int ephemeral_up(struct ephemeral_call *call, struct fl_error *err)
{
	struct stage *stage = &call->stage;

	if (ephemeral_make(call->op, call->id, &call->wish, err) < 0 ||
	    node_volume_find(call->node, call->op, call->id, &stage->volume, err) < 0 ||
	    ephemeral_own(call, err) < 0 ||
	    stage_check_owner(call->node, call->op, stage, err) < 0 ||
	    node_volume_source(call->node, call->op, &stage->volume, NULL, 0, &stage->source, err) <
		    0 ||
	    ephemeral_check_path(call, err) < 0 || path_make_parents(stage->path, err) < 0)
		return -1;
	return stage_mount(call->node, call->op, stage, err);
}

/* After an error that may go away the orchestrator asks again; after another one it may never, not
 * even to unpublish. */
static bool ephemeral_comes_again(enum fl_error_code code)
{
	return code == FL_BUSY || code == FL_UNAVAILABLE || code == FL_TIMEOUT ||
	       code == FL_NO_SPACE;
}

/* A publication that was there before this call is not its business. */
static int ephemeral_give_up(const struct ephemeral_call *call, struct fl_error *err)
{
	struct fl_error why;

	if (!call->is_unused || ephemeral_comes_again(err->code) ||
	    ephemeral_remove(call->node, call->op, call->id, call->stage.path, &why) == 0)
		return -1;
	fl_log(FL_LOG_WARNING, "ephemeral", "%s: %s", call->id, why.text);
	/* Then the orchestrator has to come again. */
	err->code = FL_UNAVAILABLE;
	return -1;
}

int ephemeral_publish(const struct node *node, const struct fl_op *op,
		      const Csi__V1__NodePublishVolumeRequest *request, bool *ret_conflict,
		      struct fl_error *err)
{
	fl_cleanup(hold_release) struct hold hold = HOLD_NONE;
	struct fl_op own = *op;
	struct ephemeral_call call = { .node = node, .op = &own, .id = request->volume_id };

	if (ephemeral_read(request, &call, err) < 0 ||
	    hold_take(node->busy, node->state_fd, call.id, "NodePublishVolume", &hold, err) < 0)
		return -1;
	own.progress = &hold.mark.progress;
	if (ephemeral_begin(&call, err) < 0)
		return -1;
	if (ephemeral_up(&call, err) == 0)
		return 0;
	*ret_conflict = call.conflict;
	return ephemeral_give_up(&call, err);
}
