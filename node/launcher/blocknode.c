/* SPDX-License-Identifier: Apache-2.0 */
#include "blocknode.h"

#include <inttypes.h>
#include <string.h>

/* The number of the set that is called `label`, or -1. */
static int blocknode_find_set(const struct fl_op *op, struct qmp *qmp, const char *label,
			      json_int_t *ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *sets = NULL;
	json_t *set, *fd;
	size_t i, k;

	if (qmp_call(op, qmp, "query-fdsets", NULL, &sets, err) < 0)
		return -1;
	*ret = -1;
	json_array_foreach(sets, i, set)
	{
		json_array_foreach(json_object_get(set, "fds"), k, fd)
		{
			const char *opaque = json_string_value(json_object_get(fd, "opaque"));

			if (opaque && strcmp(opaque, label) == 0)
				*ret = json_integer_value(json_object_get(set, "fdset-id"));
		}
	}
	return 0;
}

static int blocknode_add_fds(const struct fl_op *op, struct qmp *qmp, const char *label,
			     const int *fds, size_t n_fds, json_int_t *ret_set,
			     struct fl_error *err)
{
	json_int_t set = -1;

	for (size_t i = 0; i < n_fds; i++) {
		fl_cleanup(fl_json_release) json_t *answer = NULL;
		json_t *arguments = json_pack("{s:s}", "opaque", label);

		if (set >= 0)
			json_object_set_new(arguments, "fdset-id", json_integer(set));
		if (qmp_call_fd(op, qmp, "add-fd", arguments, fds[i], &answer, err) < 0)
			return -1;
		set = json_integer_value(json_object_get(answer, "fdset-id"));
	}
	*ret_set = set;
	return 0;
}

static json_t *blocknode_cache(const struct blocknode *blocknode)
{
	return json_pack("{s:b, s:b}", "direct", (int)blocknode->direct, "no-flush", 0);
}

/* auto-read-only lets QEMU change between the set's two descriptors: it opens for reading until a
 * device wants to write.  Its own locks would conflict between the two, so they are off. */
static json_t *blocknode_options(const struct blocknode *b, json_int_t set, int both)
{
	/* Linux's asynchronous I/O without io_uring wants O_DIRECT; threads always work. */
	const char *aio = b->io_uring ? "io_uring" : "threads";
	json_t *file =
		json_pack("{s:s, s:s, s:o, s:s, s:s, s:b, s:b, s:s, s:o}", "driver",
			  b->block ? "host_device" : "file", "node-name", b->protocol, "filename",
			  json_sprintf("/dev/fdset/%" JSON_INTEGER_FORMAT, set), "aio", aio,
			  "locking", "off", "read-only", (int)b->readonly, "auto-read-only", both,
			  "discard", "unmap", "cache", blocknode_cache(b));

	json_t *size = b->size_bytes ? json_integer((json_int_t)b->size_bytes) : NULL;

	return json_pack("{s:s, s:s, s:b, s:b, s:s, s:s, s:o, s:o*, s:o}", "driver", "raw",
			 "node-name", b->node, "read-only", (int)b->readonly, "auto-read-only",
			 both, "discard", "unmap", "detect-zeroes", b->sparse ? "unmap" : "off",
			 "cache", blocknode_cache(b), "size", size, "file", file);
}

int blocknode_open(const struct fl_op *op, struct qmp *qmp, const char *label,
		   const struct blocknode *blocknode, const int *fds, size_t n_fds,
		   struct fl_error *err)
{
	json_int_t set;

	if (blocknode_add_fds(op, qmp, label, fds, n_fds, &set, err) < 0)
		return -1;
	return qmp_call(op, qmp, "blockdev-add", blocknode_options(blocknode, set, n_fds == 2),
			NULL, err);
}

/* blockdev-del while it is used is refused in words only; whether the node is there decides. */
static int blocknode_delete(const struct fl_op *op, struct qmp *qmp, const char *node,
			    struct fl_error *err)
{
	struct fl_error why;
	uint64_t size;

	if (blocknode_size(op, qmp, node, &size, err) < 0)
		return -1;
	if (size == 0)
		return 0;
	if (qmp_call(op, qmp, "blockdev-del", json_pack("{s:s}", "node-name", node), NULL, &why) ==
	    0)
		return 0;
	*err = why;
	if (err->code == FL_INTERNAL)
		err->code = FL_IN_USE;
	return -1;
}

int blocknode_close(const struct fl_op *op, struct qmp *qmp, const char *label, const char *node,
		    struct fl_error *err)
{
	json_int_t set;

	if (blocknode_delete(op, qmp, node, err) < 0 ||
	    blocknode_find_set(op, qmp, label, &set, err) < 0)
		return -1;
	if (set < 0)
		return 0;
	if (qmp_call(op, qmp, "remove-fd", json_pack("{s:I}", "fdset-id", set), NULL, err) < 0 ||
	    blocknode_find_set(op, qmp, label, &set, err) < 0)
		return -1;
	if (set >= 0)
		return fl_error_set(err, FL_IN_USE, "QEMU still has the image of %s open", label);
	return 0;
}

int blocknode_size(const struct fl_op *op, struct qmp *qmp, const char *node, uint64_t *ret_size,
		   struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *nodes = NULL;
	json_t *entry;
	size_t i;

	if (qmp_call(op, qmp, "query-named-block-nodes", json_pack("{s:b}", "flat", 1), &nodes,
		     err) < 0)
		return -1;
	*ret_size = 0;
	json_array_foreach(nodes, i, entry)
	{
		const char *name = json_string_value(json_object_get(entry, "node-name"));
		json_t *image = json_object_get(entry, "image");

		if (name && strcmp(name, node) == 0)
			*ret_size = (uint64_t)json_integer_value(
				json_object_get(image, "virtual-size"));
	}
	return 0;
}
