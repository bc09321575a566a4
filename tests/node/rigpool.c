/* SPDX-License-Identifier: Apache-2.0 */
/* The part of rig.h that works on the pool, as the controller does. */
#include <fcntl.h>

#include "rig.h"

static struct fl_object_id rig_object(struct rig *rig, const char *volume_id)
{
	struct fl_object_id object;
	struct fl_error err = { 0 };

	rig_must(fl_object_id_parse(rig->arena, rig->pools, volume_id, "volume", &object, &err),
		 "the volume's id", &err);
	return object;
}

const char *rig_volume(struct rig *rig, const char *name, uint64_t size)
{
	struct fl_volume_spec spec = { .name = name, .min_bytes = size, .thin = true };
	struct fl_pool *pool = fl_pools_get(rig->pools, "default");
	struct fl_op op = rig_op(rig);
	struct fl_error err = { 0 };
	struct fl_volume volume;
	const char *id;

	rig_must(fl_volume_create(pool, &op, &spec, &volume, &err), "making a volume", &err);
	id = fl_object_id_format(rig->arena, rig->pools, pool, volume.handle);
	rig_own(rig, id, "n1", false);
	return id;
}

/* In a pool that can only copy. */
static int rig_copy(struct rig *rig, struct fl_pool *pool, const struct fl_volume_spec *spec,
		    const char *from, struct fl_error *err)
{
	const struct fl_copy_target target = { .volume = spec };
	struct fl_op op = rig_op(rig);
	struct fl_copy copy;

	if (fl_copy_begin(pool, &op, &target, &copy, err) < 0)
		return -1;
	copy.cut_ns = 1;
	if (rig_run((const char *[]){ "cp", "--sparse=always", from, copy.path, NULL }) != 0)
		return fl_error_set(err, FL_INTERNAL, "cp");
	return fl_copy_commit(pool, &op, &target, &copy, err);
}

const char *rig_clone(struct rig *rig, const char *name, const char *of)
{
	struct fl_object_id object = rig_object(rig, of);
	struct fl_source source = rig_source(rig, of);
	struct fl_volume_spec spec = { .name = name,
				       .min_bytes = source.size_bytes,
				       .thin = true,
				       .content = { FL_CONTENT_VOLUME, object.handle } };
	struct fl_op op = rig_op(rig);
	struct fl_error err = { 0 };
	struct fl_volume volume;
	const char *id;

	if (object.pool->flags & FL_BACKEND_COPIES)
		rig_must(rig_copy(rig, object.pool, &spec, source.file.path, &err), "a copy", &err);
	rig_must(fl_volume_create(object.pool, &op, &spec, &volume, &err), "a clone", &err);
	id = fl_object_id_format(rig->arena, rig->pools, object.pool, volume.handle);
	rig_own(rig, id, "n1", false);
	return id;
}

struct fl_source rig_source(struct rig *rig, const char *volume_id)
{
	struct fl_object_id object = rig_object(rig, volume_id);
	struct fl_publish_spec spec = { .handle = object.handle, .node = "n1" };
	struct fl_op op = rig_op(rig);
	struct fl_error err = { 0 };
	struct fl_source source;

	rig_must(fl_volume_publish(object.pool, &op, &spec, &source, &err), "the source", &err);
	return source;
}

const char *rig_image(struct rig *rig, const char *volume_id)
{
	return rig_source(rig, volume_id).file.path;
}

void rig_grow(struct rig *rig, const char *volume_id, uint64_t size)
{
	struct fl_object_id object = rig_object(rig, volume_id);
	struct fl_op op = rig_op(rig);
	struct fl_error err = { 0 };
	uint64_t got;

	rig_must(fl_volume_resize(object.pool, &op, object.handle, size, 0, &got, &err), "growing",
		 &err);
}

const char *rig_record(struct rig *rig, const char *volume_id, const char *key)
{
	struct fl_object_id object = rig_object(rig, volume_id);
	struct fl_op op = rig_op(rig);
	struct fl_error err = { 0 };
	struct fl_record record;

	rig_must(fl_volume_record_get(object.pool, &op, object.handle, key, &record, &err),
		 "the record", &err);
	return record.value;
}

const char *rig_format(struct rig *rig, const char *volume_id)
{
	return rig_record(rig, volume_id, FL_RECORD_FORMAT);
}

void rig_set_record(struct rig *rig, const char *volume_id, const char *key, const char *value)
{
	struct fl_object_id object = rig_object(rig, volume_id);
	struct fl_op op = rig_op(rig);
	struct fl_error err = { 0 };
	struct fl_record record;
	uint64_t version;

	rig_must(fl_volume_record_get(object.pool, &op, object.handle, key, &record, &err),
		 "the record", &err);
	rig_must(fl_volume_record_set(object.pool, &op, object.handle, key, record.version, value,
				      &version, &err),
		 "the record", &err);
}
