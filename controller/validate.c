/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "access.h"
#include "birth.h"
#include "csi/reply.h"
#include "csi/rpc/map.h"
#include "object.h"
#include "verbs.h"

struct validate {
	const struct controller *c;
	struct fl_op op;
	const Csi__V1__ValidateVolumeCapabilitiesRequest *request;
	struct object volume;
	struct fl_volume is;
	struct capability *capabilities;
};

/* A file system that is not ours to make is none that the volume can have: no fault of the
 * request. */
static int validate_file_systems(const struct validate *validate, struct fl_error *err)
{
	const Csi__V1__ValidateVolumeCapabilitiesRequest *request = validate->request;

	for (size_t i = 0; i < request->n_volume_capabilities; i++) {
		const Csi__V1__VolumeCapability *capability = request->volume_capabilities[i];

		if (capability->access_type_case == CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_MOUNT &&
		    capability_check_fs_type(capability->mount->fs_type, err) < 0)
			return -1;
	}
	return 0;
}

static int validate_context(const struct validate *validate, struct fl_error *err)
{
	const Csi__V1__ValidateVolumeCapabilitiesRequest *request = validate->request;
	struct fl_pair *pairs;
	size_t n;

	if (convert_pairs(validate->op.arena, "volume_context", request->volume_context,
			  request->n_volume_context, &pairs, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(pairs[i].key, CONTEXT_MKFS_OPTIONS) != 0 &&
		    strcmp(pairs[i].key, CONTEXT_VM) != 0 &&
		    !fl_text_starts_with(pairs[i].key, CONTEXT_ORCHESTRATOR) &&
		    !fl_text_starts_with(pairs[i].key, "storage.kubernetes.io/"))
			return fl_error_set(err, FL_INVALID,
					    "volume_context has key \"%s\", which is none of ours",
					    pairs[i].key);
	return 0;
}

/* Those that are named: a volume that another driver made may have been made with anything. */
static int validate_made(const struct validate *validate, const struct parameters *parameters,
			 const struct fl_pair *pairs, size_t n, struct fl_error *err)
{
	const struct object *volume = &validate->volume;

	if (fl_pair_get(pairs, n, "thin") && parameters->thin != validate->is.thin)
		return fl_error_set(err, FL_INVALID, "volume %s is %s", volume->id,
				    validate->is.thin ? "thin" : "not thin");
	return parameters->mkfs_options
		       ? birth_compare_mkfs(&validate->op, volume, parameters->mkfs_options, err)
		       : 0;
}

static int validate_parameters(const struct validate *validate, struct fl_error *err)
{
	const Csi__V1__ValidateVolumeCapabilitiesRequest *request = validate->request;
	struct parameters parameters;
	struct fl_pair *pairs;
	const char *pool;
	size_t n;

	if (convert_pairs(validate->op.arena, "parameters", request->parameters,
			  request->n_parameters, &pairs, &n, err) < 0)
		return -1;
	pool = fl_pair_get(pairs, n, "pool");
	if (pool && strcmp(pool, validate->volume.pool->name) != 0)
		return fl_error_set(err, FL_INVALID, "volume %s is in pool %s, not in %s",
				    validate->volume.id, validate->volume.pool->name, pool);
	if (parameters_read(validate->c, validate->op.arena, validate->volume.pool, pairs, n,
			    &parameters, err) < 0)
		return -1;
	return validate_made(validate, &parameters, pairs, n, err);
}

/* Confirmed are those that hold now. */
static int validate_mutable(const struct validate *validate, struct fl_error *err)
{
	const Csi__V1__ValidateVolumeCapabilitiesRequest *request = validate->request;
	struct modify modify;
	struct limits alone;

	if (modify_read(validate->op.arena, request->mutable_parameters,
			request->n_mutable_parameters, &modify, err) < 0 ||
	    modify_check(validate->volume.pool, &modify, &alone, err) < 0)
		return -1;
	return modify_compare(&validate->op, &validate->volume, &modify, err);
}

static void validate_confirm(struct validate *validate,
			     Csi__V1__ValidateVolumeCapabilitiesResponse *answer)
{
	const Csi__V1__ValidateVolumeCapabilitiesRequest *request = validate->request;
	Csi__V1__ValidateVolumeCapabilitiesResponse__Confirmed *confirmed =
		reply_new(validate->op.arena,
			  &csi__v1__validate_volume_capabilities_response__confirmed__descriptor);

	confirmed->n_volume_capabilities = request->n_volume_capabilities;
	confirmed->volume_capabilities = request->volume_capabilities;
	answer->confirmed = confirmed;
}

/* The maps are confirmed as they came; entry messages of another type, hence the copy. */
static int validate_confirm_maps(struct validate *validate,
				 Csi__V1__ValidateVolumeCapabilitiesResponse__Confirmed *confirmed,
				 struct fl_error *err)
{
	const Csi__V1__ValidateVolumeCapabilitiesRequest *request = validate->request;
	struct fl_arena *arena = validate->op.arena;
	struct fl_pair *pairs;

	if (rpc_map_pairs(arena, request->volume_context, request->n_volume_context, &pairs,
			  &confirmed->n_volume_context, err) < 0)
		return -1;
	confirmed->volume_context = rpc_map_entries(
		arena,
		&csi__v1__validate_volume_capabilities_response__confirmed__volume_context_entry__descriptor,
		pairs, confirmed->n_volume_context);
	if (rpc_map_pairs(arena, request->parameters, request->n_parameters, &pairs,
			  &confirmed->n_parameters, err) < 0)
		return -1;
	confirmed->parameters = rpc_map_entries(
		arena,
		&csi__v1__validate_volume_capabilities_response__confirmed__parameters_entry__descriptor,
		pairs, confirmed->n_parameters);
	if (rpc_map_pairs(arena, request->mutable_parameters, request->n_mutable_parameters, &pairs,
			  &confirmed->n_mutable_parameters, err) < 0)
		return -1;
	confirmed->mutable_parameters = rpc_map_entries(
		arena,
		&csi__v1__validate_volume_capabilities_response__confirmed__mutable_parameters_entry__descriptor,
		pairs, confirmed->n_mutable_parameters);
	return 0;
}

/* Faults of the request first; *ret_why says what is no fault, but cannot be confirmed. */
static int validate_read(struct validate *validate, bool *ret_known, struct fl_error *ret_why,
			 struct fl_error *err)
{
	const Csi__V1__ValidateVolumeCapabilitiesRequest *request = validate->request;

	*ret_known = validate_file_systems(validate, ret_why) == 0;
	if (convert_required("volume_id", request->volume_id, err) < 0)
		return -1;
	if (!*ret_known)
		return 0;
	return capability_read_list(validate->op.arena, request->volume_capabilities,
				    request->n_volume_capabilities, &validate->capabilities, err);
}

static int validate_find(struct validate *validate, struct fl_error *err)
{
	struct object *volume = &validate->volume;

	if (object_find(validate->c, &validate->op, "volume", validate->request->volume_id, volume,
			err) < 0)
		return -1;
	return fl_volume_get(volume->pool, &validate->op, volume->handle, &validate->is, err);
}

static int validate_claims(struct validate *validate, struct fl_error *err)
{
	if (access_check(validate->c, validate->volume.pool, validate->capabilities,
			 validate->request->n_volume_capabilities, err) < 0 ||
	    validate_context(validate, err) < 0 || validate_parameters(validate, err) < 0)
		return -1;
	return validate_mutable(validate, err);
}

int validate_capabilities(struct rpc_call *call, const void *request, void *response,
			  struct fl_error *err)
{
	struct validate validate = { .c = rpc_call_cookie(call),
				     .op = rpc_call_op(call),
				     .request = request };
	Csi__V1__ValidateVolumeCapabilitiesResponse *answer = response;
	struct fl_error why;
	bool known;

	if (validate_read(&validate, &known, &why, err) < 0 || validate_find(&validate, err) < 0)
		return -1;
	if (!known || validate_claims(&validate, &why) < 0) {
		/* A storage that does not answer has said nothing of the volume. */
		if (why.code != FL_INVALID && why.code != FL_EXISTS) {
			*err = why;
			return -1;
		}
		answer->message = fl_arena_strdup(validate.op.arena, why.text);
		return 0;
	}
	validate_confirm(&validate, answer);
	return validate_confirm_maps(&validate, answer->confirmed, err);
}
