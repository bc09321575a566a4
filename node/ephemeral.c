/* SPDX-License-Identifier: Apache-2.0 */
#include "node/ephemeral.h"

#include <string.h>

#include "base/json.h"
#include "csi/convert.h"
#include "csi/owner_record.h"
#include "node/device.h"
#include "node/mount.h"

#define EPHEMERAL_ID_MAX 100
#define EPHEMERAL_KEY ".ephemeral"
#define EPHEMERAL_NAME "ephemeral-"

bool ephemeral_is_id(const char *volume_id)
{
	return fl_text_is_safe_name(volume_id, EPHEMERAL_ID_MAX);
}

static const char *ephemeral_key(const struct fl_op *op, const char *id)
{
	return fl_arena_printf(op->arena, "%s" EPHEMERAL_KEY, id);
}

static int ephemeral_parse(struct fl_arena *arena, const char *text, struct ephemeral *ret,
			   struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	const char *handle;
	int64_t size;

	if (fl_json_parse(text, strlen(text), "the record", &json, err) < 0 ||
	    fl_json_text(json, "handle", "", &handle, err) < 0 ||
	    fl_json_number(json, "size", 0, &size, err) < 0 ||
	    fl_json_bool(json, "thin", true, &ret->thin, err) < 0)
		return -1;
	if (size <= 0)
		return fl_error_set(err, FL_INTERNAL, "the record has no size");
	ret->handle = *handle ? fl_arena_strdup(arena, handle) : NULL;
	ret->size_bytes = (uint64_t)size;
	return 0;
}

int ephemeral_find(const struct node *node, const struct fl_op *op, const char *id, bool *ret_found,
		   struct ephemeral *ret, struct fl_error *err)
{
	struct fl_record record = { 0, "" };

	*ret_found = false;
	for (size_t i = 0; i < node->pools->n; i++) {
		struct fl_pool *pool = node->pools->items[i];

		if (!pool->backend->pool_records)
			continue;
		if (fl_pool_record_get(pool, op, ephemeral_key(op, id), &record, err) < 0)
			return -1;
		if (record.version == 0)
			continue;
		if (ephemeral_parse(op->arena, record.value, ret, err) < 0)
			return fl_error_prefix(err, "ephemeral volume %s", id);
		ret->pool = pool;
		ret->version = record.version;
		*ret_found = true;
		return 0;
	}
	return 0;
}

int ephemeral_store(const struct fl_op *op, const char *id, struct ephemeral *ephemeral,
		    struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json =
		json_pack("{s:I, s:b, s:s*}", "size", (json_int_t)ephemeral->size_bytes, "thin",
			  (int)ephemeral->thin, "handle", ephemeral->handle);

	return fl_pool_record_set(ephemeral->pool, op, ephemeral_key(op, id), ephemeral->version,
				  fl_json_dump(op->arena, json), &ephemeral->version, err);
}

int ephemeral_forget(const struct fl_op *op, const char *id, const struct ephemeral *ephemeral,
		     struct fl_error *err)
{
	return fl_pool_record_remove(ephemeral->pool, op, ephemeral_key(op, id), ephemeral->version,
				     err);
}

/* Whether a volume of our name that is there, and not remembered yet, is one that an earlier
 * attempt made: then nobody has ever used it. */
static int ephemeral_check_new(const struct fl_op *op, const struct ephemeral *ephemeral,
			       const struct fl_volume *volume, struct fl_error *err)
{
	struct fl_record format;
	struct owner owner;

	if (owner_record_read(op, ephemeral->pool, volume->handle, volume->name, &owner, err) < 0 ||
	    fl_volume_record_get(ephemeral->pool, op, volume->handle, FL_RECORD_FORMAT, &format,
				 err) < 0)
		return -1;
	if (owner.version == 0 && strcmp(format.value, FL_FORMAT_NEVER) == 0)
		return 0;
	return fl_error_set(err, FL_EXISTS,
			    "there is a volume \"%s\" in pool %s already, and it is in use or was",
			    volume->name, ephemeral->pool->name);
}

int ephemeral_make(const struct fl_op *op, const char *id, struct ephemeral *ephemeral,
		   struct fl_error *err)
{
	const struct fl_backend *backend = ephemeral->pool->backend;
	struct fl_volume_spec spec = {
		.name = fl_arena_printf(op->arena, EPHEMERAL_NAME "%s", id),
		.min_bytes = ephemeral->size_bytes,
		.thin = ephemeral->thin,
	};
	struct fl_volume volume;
	void *parameters = fl_arena_alloc(op->arena, backend->parameters_size + 1);

	if (fl_config_fill_pairs(op->arena, NULL, 0, "parameters", backend->parameters,
				 backend->n_parameters, parameters, backend->parameters_size,
				 err) < 0)
		return -1;
	spec.parameters = parameters;
	fl_op_step(op, "making the volume", 0, 0);
	if (fl_volume_create(ephemeral->pool, op, &spec, &volume, err) < 0)
		return -1;
	if (ephemeral->handle && strcmp(ephemeral->handle, volume.handle) == 0)
		return 0;
	if (ephemeral_check_new(op, ephemeral, &volume, err) < 0)
		return -1;
	ephemeral->handle = volume.handle;
	return ephemeral_store(op, id, ephemeral, err);
}

static struct node_volume ephemeral_as_volume(const struct node *node, const struct fl_op *op,
					      const struct ephemeral *ephemeral)
{
	return (struct node_volume){
		.id = fl_object_id_format(op->arena, node->pools, ephemeral->pool,
					  ephemeral->handle),
		.pool = ephemeral->pool,
		.handle = ephemeral->handle,
	};
}

int ephemeral_volume(const struct node *node, const struct fl_op *op, const char *id,
		     struct node_volume *ret, struct fl_error *err)
{
	struct ephemeral ephemeral;
	bool found;

	if (ephemeral_find(node, op, id, &found, &ephemeral, err) < 0)
		return -1;
	if (!found || !ephemeral.handle)
		return fl_error_set(err, FL_NOT_FOUND, "there is no volume %s", id);
	*ret = ephemeral_as_volume(node, op, &ephemeral);
	return 0;
}

/* In a pool that several nodes share, the volume may be in use on another one. */
static int ephemeral_check_ours(const struct node *node, const struct fl_op *op, const char *id,
				const struct node_volume *volume, struct fl_error *err)
{
	const char *here = node->pools->settings->node.id;
	struct owner owner;

	if (!volume->pool->backend->records)
		return 0;
	if (owner_record_read(op, volume->pool, volume->handle, id, &owner, err) < 0)
		return err->code == FL_NOT_FOUND ? 0 : -1;
	for (size_t i = 0; i < owner.n_attachments; i++) {
		if (strcmp(owner.attachments[i].node, here) != 0)
			return fl_error_set(err, FL_IN_USE,
					    "ephemeral volume %s belongs to node %s; this is %s",
					    id, owner.attachments[i].node, here);
	}
	return 0;
}

/* From the target down to the device. */
static int ephemeral_disconnect(const struct node *node, const struct fl_op *op,
				const struct node_volume *volume, const char *target,
				struct fl_error *err)
{
	const struct fl_source *source;
	struct device_state state;

	if (node_volume_last_source(node, op, volume->id, &source, err) < 0 ||
	    device_look(op, volume->id, source, &state, err) < 0 ||
	    mount_remove(op->arena, target, state.connected ? &state.connection : NULL, err) < 0)
		return -1;
	return device_disconnect(op, volume->id, source, err);
}

/* All of it but the record. */
static int ephemeral_down(const struct node *node, const struct fl_op *op, const char *id,
			  struct ephemeral *ephemeral, const char *target, struct fl_error *err)
{
	struct node_volume volume;

	/* Whether a volume was made before a crash, only making it tells. */
	if (!ephemeral->handle && ephemeral_make(op, id, ephemeral, err) < 0)
		return err->code == FL_EXISTS ? 0 : -1;
	volume = ephemeral_as_volume(node, op, ephemeral);
	if (ephemeral_check_ours(node, op, id, &volume, err) < 0 ||
	    ephemeral_disconnect(node, op, &volume, target, err) < 0)
		return -1;
	fl_op_step(op, "deleting the volume", 0, 0);
	return fl_volume_delete(volume.pool, op, volume.handle, err);
}

/* There is no record, but perhaps what a cut writing of one left. */
static int ephemeral_tidy(const struct node *node, const struct fl_op *op, const char *id,
			  struct fl_error *err)
{
	for (size_t i = 0; i < node->pools->n; i++) {
		const struct ephemeral none = { .pool = node->pools->items[i] };

		if (none.pool->backend->pool_records && ephemeral_forget(op, id, &none, err) < 0)
			return -1;
	}
	return 0;
}

int ephemeral_remove(const struct node *node, const struct fl_op *op, const char *id,
		     const char *target, struct fl_error *err)
{
	struct ephemeral ephemeral;
	bool found;

	if (ephemeral_find(node, op, id, &found, &ephemeral, err) < 0)
		return -1;
	if (!found)
		return ephemeral_tidy(node, op, id, err);
	if (ephemeral_down(node, op, id, &ephemeral, target, err) < 0)
		return -1;
	return ephemeral_forget(op, id, &ephemeral, err);
}
