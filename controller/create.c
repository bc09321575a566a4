/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "access.h"
#include "base/clock.h"
#include "birth.h"
#include "copy.h"
#include "csi/mkfs.h"
#include "csi/reply.h"
#include "group.h"
#include "modify.h"
#include "object.h"
#include "parameters.h"
#include "place.h"
#include "size.h"
#include "verbs.h"

/* How long a call waits for a copy that QEMU makes before it answers that it goes on. */
#define CREATE_WAIT_MS 10000
#define CREATE_POLL_MS 250
/* Stands in for the size of content that is gone: no volume is smaller. */
#define CREATE_LEAST_BYTES 512

struct create {
	struct controller *c;
	struct fl_op op;
	const Csi__V1__CreateVolumeRequest *request;
	struct parameters parameters;
	struct modify modify;
	struct limits limits;
	struct capacity_range range;
	struct content_source content;
	struct topology_requirement required;
	struct object source; /* the content's */
	struct fl_volume_spec spec;
};

/* Only the backend knows what handle a name has, so this one is tried, and the name compared. */
static int create_find_made(const struct create *create, struct fl_pool *pool, struct fl_error *err)
{
	const char *name = create->request->name;
	const char *handle = fl_text_handle(create->op.arena, name, FL_HANDLE_BYTES);
	struct fl_volume volume;

	if (fl_volume_get(pool, &create->op, handle, &volume, err) < 0)
		return -1;
	if (strcmp(volume.name, name) == 0)
		return 0;
	return fl_error_set(err, FL_NOT_FOUND, "there is no volume \"%s\"", name);
}

/* A volume that was made before stays where it is, whatever is required and preferred now.  *ret is
 * left alone when there is none. */
static int create_find_pool(const struct create *create, struct fl_pool **ret, struct fl_error *err)
{
	const struct fl_pools *pools = create->c->pools;
	struct fl_error why;

	for (size_t i = 0; i < pools->n; i++) {
		if (create_find_made(create, pools->items[i], &why) == 0) {
			*ret = pools->items[i];
			return 0;
		}
		if (why.code != FL_NOT_FOUND) {
			*err = why;
			return fl_error_prefix(err, "pool %s", pools->items[i]->name);
		}
	}
	return 0;
}

/* The pool that the parameters do not name, where there are several: that of the content, or the
 * one that is where the volume is required.  NULL: nobody knows. */
static int create_choose_pool(const struct create *create, struct fl_pool **ret,
			      struct fl_error *err)
{
	bool is_snapshot = create->content.kind == CONTENT_SNAPSHOT;
	const struct topology_requirement *required = &create->required;
	struct object source;

	*ret = NULL;
	if (create->content.kind != CONTENT_NONE) {
		if (object_find(create->c, &create->op, is_snapshot ? "snapshot" : "volume",
				create->content.id, &source, err) < 0)
			return -1;
		*ret = source.pool;
	} else if (required->requisite.n || required->preferred.n) {
		if (create_find_pool(create, ret, err) < 0)
			return -1;
		if (!*ret)
			return place_choose(create->c, create->op.arena, required, ret, err);
	}
	return 0;
}

static int create_read_parameters(struct create *create, struct fl_error *err)
{
	const Csi__V1__CreateVolumeRequest *request = create->request;
	struct fl_arena *arena = create->op.arena;
	struct fl_pool *pool = NULL;
	struct fl_pair *pairs;
	size_t n;

	if (modify_read(arena, request->mutable_parameters, request->n_mutable_parameters,
			&create->modify, err) < 0 ||
	    convert_pairs(arena, "parameters", request->parameters, request->n_parameters, &pairs,
			  &n, err) < 0)
		return -1;
	if (create->c->pools->n > 1 && !fl_pair_get(pairs, n, "pool") &&
	    create_choose_pool(create, &pool, err) < 0)
		return -1;
	if (parameters_read(create->c, arena, pool, pairs, n, &create->parameters, err) < 0)
		return -1;
	return modify_check(create->parameters.pool, &create->modify, &create->limits, err);
}

/* A volume that no node could ever format is not made. */
static int create_check_mkfs(const struct create *create, const struct capability *capabilities,
			     struct fl_error *err)
{
	const char *options = create->parameters.mkfs_options;
	const char *const *words;

	for (size_t i = 0; options && i < create->request->n_volume_capabilities; i++)
		if (!capabilities[i].block &&
		    mkfs_words(create->op.arena, capabilities[i].fs_type, options, &words, err) < 0)
			return fl_error_prefix(err, "parameter \"mkfs_options\"");
	return 0;
}

static int create_read(struct create *create, struct fl_error *err)
{
	const Csi__V1__CreateVolumeRequest *request = create->request;
	struct capability *capabilities;

	if (convert_name("volume", request->name, err) < 0 ||
	    capability_read_list(create->op.arena, request->volume_capabilities,
				 request->n_volume_capabilities, &capabilities, err) < 0 ||
	    convert_range(request->capacity_range, &create->range, err) < 0 ||
	    convert_content(request->volume_content_source, &create->content, err) < 0 ||
	    topology_read_requirement(create->op.arena, request->accessibility_requirements,
				      &create->required, err) < 0 ||
	    create_read_parameters(create, err) < 0 ||
	    create_check_mkfs(create, capabilities, err) < 0)
		return -1;
	return access_check(create->c, create->parameters.pool, capabilities,
			    request->n_volume_capabilities, err);
}

/* A volume that is there already, and not where it is required, is another one than was asked
 * for. */
static int create_check_place(const struct create *create, struct fl_error *err)
{
	struct fl_pool *pool = create->parameters.pool;
	struct fl_error why, not_there;

	if (place_check(create->c, pool, &create->required, &why) == 0)
		return 0;
	*err = why;
	if (create_find_made(create, pool, &not_there) == 0)
		return fl_error_set(err, FL_EXISTS, "volume \"%s\" exists, and %s",
				    create->spec.name, why.text);
	return -1;
}

/* The content is gone.  The volume may have been made from it before, and then this is a repeat;
 * the backend finds out, or says FL_NOT_FOUND as well. */
static int create_without_content(uint64_t *ret_bytes, const struct fl_error *err)
{
	if (err->code != FL_NOT_FOUND)
		return -1;
	*ret_bytes = CREATE_LEAST_BYTES;
	return 0;
}

static int create_content_snapshot(struct create *create, uint64_t *ret_bytes, struct fl_error *err)
{
	const struct object *source = &create->source;
	enum group_standing standing;
	struct fl_snapshot snapshot;

	if (!source->pool->backend->snapshots)
		return fl_error_set(err, FL_INVALID,
				    "pool %s has no snapshots, and makes no volume from one",
				    source->pool->name);
	create->spec.content.kind = FL_CONTENT_SNAPSHOT;
	if (fl_snapshot_get(source->pool, &create->op, source->handle, &snapshot, err) < 0 ||
	    group_settle(&create->op, source->pool, &snapshot, &standing, err) < 0)
		return create_without_content(ret_bytes, err);
	if (snapshot.failure)
		return fl_error_set(err, FL_INVALID, "snapshot %s is of no use: %s; delete it",
				    source->id, snapshot.failure);
	if (!snapshot.ready)
		return fl_error_set(err, FL_UNAVAILABLE,
				    "snapshot %s is not complete yet: ask again", source->id);
	*ret_bytes = snapshot.size_bytes;
	return 0;
}

static int create_content_volume(struct create *create, uint64_t *ret_bytes, struct fl_error *err)
{
	const struct object *source = &create->source;
	struct fl_volume volume;

	if (!(source->pool->flags & (FL_BACKEND_CLONES | FL_BACKEND_COPIES)))
		return fl_error_set(err, FL_INVALID,
				    "pool %s cannot make a volume from volume %s: take a snapshot "
				    "where it can, or copy the data in a VM",
				    source->pool->name, source->id);
	create->spec.content.kind = FL_CONTENT_VOLUME;
	if (fl_volume_get(source->pool, &create->op, source->handle, &volume, err) < 0)
		return create_without_content(ret_bytes, err);
	*ret_bytes = volume.size_bytes;
	return 0;
}

/* Looks the content's source up; *ret_bytes is its size, 0 for nothing. */
static int create_find_content(struct create *create, uint64_t *ret_bytes, struct fl_error *err)
{
	bool is_snapshot = create->content.kind == CONTENT_SNAPSHOT;
	const char *what = is_snapshot ? "snapshot" : "volume";
	const struct fl_pool *pool = create->parameters.pool;
	const struct object *source = &create->source;

	*ret_bytes = 0;
	if (create->content.kind == CONTENT_NONE)
		return 0;
	if (object_find(create->c, &create->op, what, create->content.id, &create->source, err) < 0)
		return -1;
	if (source->pool != pool)
		return fl_error_set(err, FL_INVALID,
				    "%s %s is in pool %s, and a volume of pool %s cannot be made "
				    "from it: use a StorageClass of pool %s",
				    what, source->id, source->pool->name, pool->name,
				    source->pool->name);
	create->spec.content.handle = source->handle;
	return is_snapshot ? create_content_snapshot(create, ret_bytes, err)
			   : create_content_volume(create, ret_bytes, err);
}

static int create_still_copying(const struct create *create, struct fl_error *err)
{
	const struct fl_progress *progress = create->op.progress;
	struct fl_arena *arena = create->op.arena;

	return fl_error_set(err, FL_BUSY,
			    "volume %s is being copied to \"%s\" (%s of %s done): ask again",
			    create->source.id, create->spec.name,
			    fl_text_format_size(arena, atomic_load(&progress->done)),
			    fl_text_format_size(arena, atomic_load(&progress->total)));
}

/* A clone in a pool that can only copy. */
static int create_copy(struct create *create, struct fl_volume *ret, struct fl_error *err)
{
	struct fl_op *op = &create->op;
	const struct copy_task task = {
		.c = create->c,
		.op = op,
		.source = &create->source,
		.target = { .volume = &create->spec },
		.purpose = fl_arena_printf(op->arena, "CreateVolume %s", create->spec.name),
	};
	struct timespec until = fl_clock_earlier(op->deadline, fl_clock_after_ms(CREATE_WAIT_MS));
	struct fl_copy copy;

	if (copy_run(&task, &copy, err) < 0)
		return -1;
	while (!copy.done) {
		if (fl_clock_passed(until))
			return create_still_copying(create, err);
		fl_clock_sleep_ms(CREATE_POLL_MS);
		if (copy_run(&task, &copy, err) < 0)
			return -1;
	}
	if (fl_volume_get(create->source.pool, op, copy.handle, ret, err) < 0)
		return copy_explain_absent(create->spec.name, err);
	return 0;
}

static int create_make(struct create *create, struct fl_volume *ret, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	const struct fl_pool *pool = create->parameters.pool;
	struct fl_progress *progress = create->op.progress;

	if (create->spec.content.kind == FL_CONTENT_VOLUME &&
	    object_mark_volume(create->c, &create->op, &create->source, "CreateVolume from it",
			       &mark, err) < 0)
		return -1;
	/* Who repeats this call meets the mark of the name, so that one shows how far it is. */
	create->op.progress = progress;
	if (create->spec.content.kind == FL_CONTENT_VOLUME && (pool->flags & FL_BACKEND_COPIES))
		return create_copy(create, ret, err);
	return fl_volume_create(create->parameters.pool, &create->op, &create->spec, ret, err);
}

static struct birth create_birth(const struct create *create)
{
	return (struct birth){ &create->parameters, &create->modify, &create->limits };
}

/* Whether it was made now or before, it has to be what was asked for. */
static int create_compare(const struct create *create, const struct fl_volume *made,
			  struct fl_error *err)
{
	const struct birth birth = create_birth(create);
	const struct object volume =
		object_of(create->c, &create->op, create->parameters.pool, made->handle);

	if (birth_compare(&create->op, &volume, &birth, err) < 0)
		return copy_explain_absent(create->spec.name, err);
	return 0;
}

static Csi__V1__Volume *create_reply(const struct create *create, const struct fl_volume *volume)
{
	const struct parameters *parameters = &create->parameters;
	const struct reply_volume reply = {
		.id = fl_object_id_format(create->op.arena, create->c->pools, parameters->pool,
					  volume->handle),
		.size_bytes = volume->size_bytes,
		.content = create->content,
		.topology = place_of(create->c, create->op.arena, parameters->pool),
	};

	return reply_volume(create->op.arena, &reply);
}

static int create_run(struct create *create, struct fl_volume *ret, struct fl_error *err)
{
	const struct birth birth = create_birth(create);
	struct fl_volume_spec *spec = &create->spec;
	uint64_t content_bytes;

	if (birth_write(create->op.arena, &birth, spec, err) < 0 ||
	    create_check_place(create, err) < 0 ||
	    create_find_content(create, &content_bytes, err) < 0 ||
	    size_choose(&create->range, content_bytes, &spec->min_bytes, &spec->max_bytes, err) <
		    0 ||
	    create_make(create, ret, err) < 0)
		return -1;
	return create_compare(create, ret, err);
}

int create_volume(struct rpc_call *call, const void *request, void *response, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { 0 };
	struct create create = {
		.c = rpc_call_cookie(call),
		.op = rpc_call_op(call),
		.request = request,
	};
	Csi__V1__CreateVolumeResponse *answer = response;
	struct fl_volume volume;

	if (create_read(&create, err) < 0)
		return -1;
	create.spec.name = create.request->name;
	create.spec.thin = create.parameters.thin;
	create.spec.parameters = create.parameters.backend;
	if (object_mark_name(create.c, &create.op, create.parameters.pool, create.spec.name, &mark,
			     err) < 0 ||
	    create_run(&create, &volume, err) < 0)
		return -1;
	answer->volume = create_reply(&create, &volume);
	return 0;
}
