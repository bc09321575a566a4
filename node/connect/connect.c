/* SPDX-License-Identifier: Apache-2.0 */
#include "node/connect/connect.h"

static const struct connect_way *const connect_ways[] = { &connect_loop, &connect_block };

static const struct connect_way *connect_way_for(enum fl_source_kind kind, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(connect_ways); i++) {
		if (connect_ways[i]->kind == kind)
			return connect_ways[i];
	}
	fl_error_set(err, FL_UNSUPPORTED, "this node cannot connect a source of kind \"%s\"",
		     fl_source_kind_name(kind));
	return NULL;
}

int connect_check(const struct fl_op *op, const struct fl_source *source, struct fl_error *err)
{
	const struct connect_way *way = connect_way_for(source->kind, err);

	return way ? way->check(op, source, err) : -1;
}

int connect_find(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		 bool *ret_found, struct connection *ret, struct fl_error *err)
{
	const struct connect_way *way;

	if (source) {
		way = connect_way_for(source->kind, err);
		return way ? way->find(op, volume_id, source, ret_found, ret, err) : -1;
	}
	*ret_found = false;
	for (size_t i = 0; i < FL_COUNT(connect_ways) && !*ret_found; i++) {
		if (connect_ways[i]->find(op, volume_id, NULL, ret_found, ret, err) < 0)
			return -1;
	}
	return 0;
}

static int connect_check_have(const char *volume_id, bool read_only, const struct connection *have,
			      struct fl_error *err)
{
	if (have->stale)
		return fl_error_set(err, FL_IN_USE,
				    "%s still has an image of volume %s that is no longer at its "
				    "place: unstage the volume first",
				    have->path, volume_id);
	if (have->read_only != read_only)
		return fl_error_set(err, FL_IN_USE, "volume %s is connected as %s, %s", volume_id,
				    have->path, have->read_only ? "read-only" : "writable");
	return 0;
}

int connect_make(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		 bool read_only, const struct connection *have, struct connection *ret,
		 struct fl_error *err)
{
	const struct connect_way *way = connect_way_for(source->kind, err);
	struct connection c;

	if (!way || way->check(op, source, err) < 0)
		return -1;
	if (have && connect_check_have(volume_id, read_only, have, err) < 0)
		return -1;
	if (have)
		c = *have;
	else if (way->make(op, volume_id, source, read_only, &c, err) < 0)
		return -1;
	if (c.size_bytes < source->size_bytes && way->refresh(op, &c, err) < 0)
		return -1;
	if (c.size_bytes < source->size_bytes)
		return fl_error_set(err, FL_IN_USE,
				    "%s has %ju bytes, but volume %s has %ju: it is another device "
				    "or was not grown",
				    c.path, (uintmax_t)c.size_bytes, volume_id,
				    (uintmax_t)source->size_bytes);
	*ret = c;
	return 0;
}

int connect_refresh(const struct fl_op *op, const struct fl_source *source,
		    struct connection *connection, struct fl_error *err)
{
	const struct connect_way *way = connect_way_for(source->kind, err);

	return way ? way->refresh(op, connection, err) : -1;
}

int connect_remove(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		   struct fl_error *err)
{
	const struct connect_way *way;

	if (source) {
		way = connect_way_for(source->kind, err);
		return way ? way->remove(op, volume_id, source, err) : -1;
	}
	for (size_t i = 0; i < FL_COUNT(connect_ways); i++) {
		if (connect_ways[i]->remove(op, volume_id, NULL, err) < 0)
			return -1;
	}
	return 0;
}
