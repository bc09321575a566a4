/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs: the handlers of csi.v1.Controller and its sisters, as in csi/rpc/rpc.h; the cookie is the
 * controller. */
#pragma once

#include "csi/rpc/rpc.h"

typedef int verb(struct rpc_call *call, const void *request, void *response, struct fl_error *err);

verb create_volume, delete_volume;
verb publish_volume, unpublish_volume;
verb validate_capabilities, get_capabilities;
verb list_volumes, list_snapshots;
verb get_capacity, expand_volume, modify_volume;
verb create_snapshot, delete_snapshot;
verb get_volume, get_snapshot;
verb get_metadata_allocated, get_metadata_delta;
verb get_volume_health, list_volume_health;
verb create_group_snapshot, delete_group_snapshot, get_group_snapshot, get_group_capabilities;
