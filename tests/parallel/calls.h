/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: the service as one client sees it, for programs that make very many calls.
 *
 * Each call returns 0, or -1 with calls->error.  Answers live until calls_forget.  One `struct
 * calls` belongs to one thread and is one connection.  Volumes are block volumes with a single
 * writer. */
#pragma once

#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"

struct calls {
	struct rpc_client *client;
	struct fl_arena *arena;
	struct fl_error error; /* of the last call; FL_OK after success */
	uint64_t took_us;      /* the last call, from request to answer */
};

/* Ends the program when `socket` cannot be an endpoint; does not connect yet. */
void calls_open(struct calls *calls, const char *socket);
void calls_close(struct calls *calls);
/* Releases the answers so far. */
void calls_forget(struct calls *calls);

struct calls_create {
	const char *name;
	int64_t bytes;        /* required_bytes … */
	int64_t limit;        /* … and limit_bytes; 0: none */
	const char *volume;   /* id of the content's source, or … */
	const char *snapshot; /* … that of a snapshot; both NULL: blank */
};
int calls_create(struct calls *calls, const struct calls_create *wish, const Csi__V1__Volume **ret);
int calls_delete(struct calls *calls, const char *id);
int calls_get(struct calls *calls, const char *id,
	      const Csi__V1__ControllerGetVolumeResponse **ret);
int calls_publish(struct calls *calls, const char *id, const char *node,
		  const Csi__V1__ControllerPublishVolumeResponse **ret);
int calls_unpublish(struct calls *calls, const char *id, const char *node);
int calls_expand(struct calls *calls, const char *id, int64_t bytes, int64_t *ret_bytes);
int calls_snapshot(struct calls *calls, const char *name, const char *id,
		   const Csi__V1__Snapshot **ret);
int calls_delete_snapshot(struct calls *calls, const char *id);
int calls_volumes(struct calls *calls, int32_t max, const char *token,
		  const Csi__V1__ListVolumesResponse **ret);
int calls_snapshots(struct calls *calls, int32_t max, const char *token,
		    const Csi__V1__ListSnapshotsResponse **ret);

int calls_modify(struct calls *calls, const char *id, const char *iops);

/* A group snapshot; `ids` are of volumes for calls_group, else of its snapshots. */
struct calls_group {
	const char *name_or_id;
	char **ids;
	size_t n;
};
int calls_group(struct calls *calls, const struct calls_group *group,
		const Csi__V1__VolumeGroupSnapshot **ret);
int calls_get_group(struct calls *calls, const struct calls_group *group);
int calls_delete_group(struct calls *calls, const struct calls_group *group);

/* The node's side: `path` is the staging directory, or the target. */
int calls_stage(struct calls *calls, const char *id, const char *path,
		const Csi__V1__ControllerPublishVolumeResponse *granted);
int calls_node_publish(struct calls *calls, const char *id, const char *staging, const char *path,
		       const Csi__V1__ControllerPublishVolumeResponse *granted);
int calls_node_unpublish(struct calls *calls, const char *id, const char *path);
int calls_unstage(struct calls *calls, const char *id, const char *path);
