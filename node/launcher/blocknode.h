/* SPDX-License-Identifier: Apache-2.0 */
/* Blocknode: descriptors and block nodes inside QEMU.  See hotplug.h for what errors mean. */
#pragma once

#include "medium.h"
#include "qmp.h"

struct blocknode {
	const char *node;     /* of the format, on top */
	const char *protocol; /* of the file below it */
	bool readonly, block, direct;
	bool io_uring;
	bool sparse;         /* zeros that are written to it become holes */
	uint64_t size_bytes; /* only so much of it is shown; 0: all */
};

/* Gives QEMU the descriptors as one set that is called `label`, and opens them as a raw image.  fds
 * are one descriptor (read-only or read-write) or two (read-only and read-write: QEMU opens the
 * image for writing only while something writes), the caller's.  Neither the set nor the node is
 * there: the caller knows by its record, which it drops after blocknode_close only.  QEMU refuses a
 * second node of the same name. */
int blocknode_open(const struct fl_op *op, struct qmp *qmp, const char *label,
		   const struct blocknode *blocknode, const int *fds, size_t n_fds,
		   struct fl_error *err) fl_must_check;

/* Deletes the node and closes the set `label`, and asks whether both are gone.  FL_IN_USE when
 * something in QEMU uses the node.  May be repeated. */
int blocknode_close(const struct fl_op *op, struct qmp *qmp, const char *label, const char *node,
		    struct fl_error *err) fl_must_check;

/* *ret_size is 0 when there is no such node. */
int blocknode_size(const struct fl_op *op, struct qmp *qmp, const char *node, uint64_t *ret_size,
		   struct fl_error *err) fl_must_check;
