/* SPDX-License-Identifier: Apache-2.0 */
/* Source: where a volume's bytes are and how to reach them.
 *
 * A backend's `publish` only describes; everything on the node (kernel device, file system, disk
 * of a guest) is written once per kind of source and never per backend.  A source travels from
 * controller to node as CSI's publish_context, so it holds no secrets: the node takes keys and
 * passwords from its own pool configuration or from the request's secrets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

enum fl_source_kind {
	FL_SOURCE_FILE,  /* a raw image in a file system that this node sees */
	FL_SOURCE_BLOCK, /* a block device that this node already has */
	FL_SOURCE_RBD,   /* a Ceph RBD image */
	FL_SOURCE_ISCSI, /* a logical unit behind one or more iSCSI portals */
	FL_SOURCE_NFS,   /* a raw image on an NFS export */
	FL_SOURCE_KIND_COUNT
};

struct fl_source_file {
	const char *path; /* absolute, a regular file */
};

struct fl_source_block {
	const char *path;     /* absolute, a block device or a link to one */
	const char *identity; /* what proves that it is the right device ("lvm:UUID"), or NULL */
};

struct fl_source_rbd {
	struct fl_strings_view {
		const char *const *items;
		size_t n;
	} monitors;
	const char *user; /* without "client." */
	const char *ceph_pool;
	const char *ceph_namespace; /* NULL: the default one */
	const char *image;
};

struct fl_source_iscsi {
	struct fl_strings_view portals; /* "address:port" */
	const char *target;             /* the target's IQN */
	const char *initiator;          /* the initiator's IQN to use for this attachment */
	uint32_t lun;
	const char *identity; /* VPD page 0x83 designator that the unit must show: "naa.6001…" */
};

struct fl_source_nfs {
	const char *server;
	const char *export;  /* the exported directory */
	const char *path;    /* of the image, relative to the export */
	const char *version; /* "3", "4.1", … */
	uint32_t uid;        /* the uid that may write in this epoch */
};

struct fl_source {
	enum fl_source_kind kind;
	uint64_t size_bytes; /* exact size that the device must have */
	bool read_only;
	union {
		struct fl_source_file file;
		struct fl_source_block block;
		struct fl_source_rbd rbd;
		struct fl_source_iscsi iscsi;
		struct fl_source_nfs nfs;
	};
};

/* "file", "block", "rbd", "iscsi", "nfs". */
const char *fl_source_kind_name(enum fl_source_kind kind);

/* The source as pairs (keys "source", "size", "readonly" and one per member), in the arena. */
void fl_source_to_pairs(struct fl_arena *arena, const struct fl_source *source,
			const struct fl_pair **ret, size_t *ret_n);
/* The other way.  Keys of others are passed over; FL_INVALID names what is missing or wrong. */
int fl_source_from_pairs(struct fl_arena *arena, const struct fl_pair *pairs, size_t n_pairs,
			 struct fl_source *ret, struct fl_error *err) fl_must_check;

/* FL_INVALID unless every member that the kind needs is there and well-formed (absolute paths
 * without "..", host:port, IQN, size above 0). */
int fl_source_check(const struct fl_source *source, struct fl_error *err) fl_must_check;
