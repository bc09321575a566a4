/* SPDX-License-Identifier: Apache-2.0 */
/* Describe: what the services say about volumes and snapshots, as JSON objects for output.h. */
#pragma once

#include "base/json.h"
#include "csi/csi.pb-c.h"
#include "output.h"

/* {"id", "size", "nodes", "source", "context", "topology"}; `nodes` may be empty. */
json_t *describe_volume(const Csi__V1__Volume *volume, char *const *nodes, size_t n_nodes);
/* The same of an entry of ListVolumes, and "condition" when the service tells it. */
json_t *describe_entry(const Csi__V1__ListVolumesResponse__Entry *entry);
/* {"id", "volume", "size", "created", "ready", "group"}; "group" only for a part of one. */
json_t *describe_snapshot(const Csi__V1__Snapshot *snapshot);
/* {"id", "created", "ready", "snapshots": [as above]} */
json_t *describe_group(const Csi__V1__VolumeGroupSnapshot *group);

extern const struct output_column describe_volume_columns[];
extern const size_t describe_n_volume_columns;
extern const struct output_column describe_snapshot_columns[];
extern const size_t describe_n_snapshot_columns;
extern const struct output_column describe_group_columns[];
extern const size_t describe_n_group_columns;
