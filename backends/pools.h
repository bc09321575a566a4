/* SPDX-License-Identifier: Apache-2.0 */
/* Pools: the configuration's pools, checked whole and opened, and the ids of what is in them.
 *
 * The configuration file is the same for controller and node (docs/configuration.md).  Without one
 * there is the pool `default` of backend `file` in /var/lib/fairlead/volumes. */
#pragma once

#include "backend.h"

/* The section `node:`, and what the command line sets over it. */
struct fl_node_settings {
	const char *id;       /* default: the host name */
	const char *zone;     /* or NULL */
	const char *disks;    /* socket of the disk service; default disks.sock in $FAIRLEAD_RUN, or
			    * in /run/fairlead */
	const char *state;    /* directory for what the node keeps until the next boot; default
			    * node in the same directory */
	uint64_t max_volumes; /* per node; 0: no limit */
};

/* A node as the controller knows it. */
struct fl_peer {
	const char *id;
	const char *zone;     /* NULL: not known */
	uint64_t max_volumes; /* 0: no limit */
};

/* The most that max_volumes may be: what the record of a node's volumes has room for. */
#define FL_MAX_VOLUMES 400

/* What the core itself reads from a pool's map, beside the backend's own options. */
struct fl_pool_settings {
	const char *name;
	const char *backend;
	bool multi_attach_trust;      /* multi_attach: trust */
	struct fl_strings zones;      /* `zones:`; none: it is reached from everywhere */
	uint64_t ephemeral_max_bytes; /* of a volume that a pod asks for inline; 0: none may */
};

struct fl_settings {
	struct fl_node_settings node;
	const struct fl_peer *nodes; /* `nodes:`: those beside our own, by id */
	size_t n_nodes;
	uint64_t operation_timeout_ms; /* `operation_timeout:`; default 5m */
	size_t n_pools;
	const struct fl_pool_settings *pools;
	/* For each pool its backend and its filled options, same index. */
	const struct fl_backend *const *backends;
	const void *const *options;
};

/* Loads one backend by name from the directory $FAIRLEAD_BACKENDS, else `backends/` beside the
 * program when there is one, else the installed one; or from a path that contains a slash.  Checks
 * ABI version, size and required members; a smaller struct of an older author is completed with
 * absent members.  The object stays loaded for the life of the process; loading twice gives the
 * same pointer. */
int fl_backend_load(const char *name, const struct fl_backend **ret, struct fl_error *err)
	fl_must_check;
/* The names that can be loaded, sorted, in the arena. */
int fl_backend_names(struct fl_arena *arena, struct fl_strings *ret, struct fl_error *err)
	fl_must_check;

/* Reads and checks the whole configuration, loading the backends that it names but opening
 * nothing; path NULL: the embedded default.  A file without `pools` has the pool `default` as well.
 * Everything lives in the arena. */
int fl_settings_load(struct fl_arena *arena, const char *path, struct fl_settings *ret,
		     struct fl_error *err) fl_must_check;

/* The node of that id, our own or one under `nodes:`; false: there is none. */
bool fl_settings_peer(const struct fl_settings *settings, const char *id, struct fl_peer *ret);
/* 1 to 63 letters, digits, dots, dashes and underscores, a letter or digit at both ends. */
bool fl_node_id_is_good(const char *id);

/* The opened pools, and the marks of the operations that run on their volumes. */
struct fl_pools {
	const struct fl_settings *settings; /* borrowed: outlives the pools */
	struct fl_pool **items;             /* settings->n_pools of them, same order */
	size_t n;
	struct fl_busy *busy; /* keys: volume ids, "snapshot ID", "create:POOL/NAME" */
};

/* Opens every pool of the settings (borrowed); all or nothing.  FL_INVALID when a node-local
 * pool's ids could pass the 128 bytes that CSI allows, and when it has zones. */
int fl_pools_open(const struct fl_settings *settings, const struct fl_op *op, struct fl_pools **ret,
		  struct fl_error *err) fl_must_check;
void fl_pools_close(struct fl_pools *pools);
/* By name; NULL: there is none. */
struct fl_pool *fl_pools_get(const struct fl_pools *pools, const char *name);
const struct fl_pool_settings *fl_pools_settings(const struct fl_pools *pools,
						 const struct fl_pool *pool);

/* A volume's or snapshot's id in CSI: "POOL/HANDLE", or "POOL/NODE/HANDLE" where the pool is
 * FL_BACKEND_NODE_LOCAL. */
struct fl_object_id {
	struct fl_pool *pool;
	const char *node; /* NULL unless node-local; which node: the caller must look */
	const char *handle;
};

const char *fl_object_id_format(struct fl_arena *arena, const struct fl_pools *pools,
				const struct fl_pool *pool, const char *handle);
/* FL_NOT_FOUND for whatever cannot be an id of ours (unknown pool, wrong shape, unsafe handle,
 * path tricks); never FL_INVALID.  `what` is "volume" or "snapshot". */
int fl_object_id_parse(struct fl_arena *arena, const struct fl_pools *pools, const char *id,
		       const char *what, struct fl_object_id *ret, struct fl_error *err)
	fl_must_check;
/* For who is going to say that `id`, which was not found, is gone.  0: it is, or never was ours.
 * FL_IN_USE when it has the shape of an id of ours, but this configuration lacks its pool or node,
 * so that its data may well be there: names the way out. */
int fl_object_id_check_gone(struct fl_arena *arena, const struct fl_pools *pools, const char *id,
			    const char *what, struct fl_error *err) fl_must_check;
