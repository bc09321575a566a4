/* SPDX-License-Identifier: Apache-2.0 */
/* A backend that is loaded and never run, built in the ways that a loader must tell apart. */
#include "backends/backend.h"

#ifndef VARIANT_ABI
#define VARIANT_ABI FL_BACKEND_ABI
#endif
#ifndef VARIANT_SIZE
#define VARIANT_SIZE sizeof(struct fl_backend)
#endif
#ifndef VARIANT_CREATE
#define VARIANT_CREATE variant_create
#endif
#ifndef VARIANT_FLAGS
#define VARIANT_FLAGS 0
#endif
#ifndef VARIANT_CHANGES
#define VARIANT_CHANGES NULL
#endif

static int variant_open(struct fl_pool **ret, const struct fl_op *op, const char *name,
			const void *options, struct fl_error *err)
{
	(void)ret, (void)op, (void)name, (void)options;
	return fl_error_set(err, FL_UNSUPPORTED, "for loading only");
}

static void variant_close(struct fl_pool *pool)
{
	(void)pool;
}

static int __attribute__((unused))
variant_create(struct fl_pool *pool, const struct fl_op *op, const struct fl_volume_spec *spec,
	       struct fl_volume *ret, struct fl_error *err)
{
	(void)pool, (void)op, (void)spec, (void)ret;
	return fl_error_set(err, FL_UNSUPPORTED, "for loading only");
}

static int variant_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			  struct fl_error *err)
{
	(void)pool, (void)op, (void)handle;
	return fl_error_set(err, FL_UNSUPPORTED, "for loading only");
}

static int variant_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       struct fl_volume *ret, struct fl_error *err)
{
	(void)pool, (void)op, (void)handle, (void)ret;
	return fl_error_set(err, FL_UNSUPPORTED, "for loading only");
}

static int variant_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			fl_volume_see *see, void *cookie, struct fl_error *err)
{
	(void)pool, (void)op, (void)after, (void)see, (void)cookie;
	return fl_error_set(err, FL_UNSUPPORTED, "for loading only");
}

static int variant_publish(struct fl_pool *pool, const struct fl_op *op,
			   const struct fl_publish_spec *spec, struct fl_source *ret,
			   struct fl_error *err)
{
	(void)pool, (void)op, (void)spec, (void)ret;
	return fl_error_set(err, FL_UNSUPPORTED, "for loading only");
}

static const struct fl_change_ops __attribute__((unused)) variant_changes;

const struct fl_backend fl_backend = {
	.abi = VARIANT_ABI,
	.size = VARIANT_SIZE,
	.name = "variant",
	.summary = "for loading only",
	.flags = VARIANT_FLAGS,
	.open = variant_open,
	.close = variant_close,
	.volume_create = VARIANT_CREATE,
	.volume_delete = variant_delete,
	.volume_get = variant_get,
	.volume_list = variant_list,
	.publish = variant_publish,
	.changes = VARIANT_CHANGES,
};
