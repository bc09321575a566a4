/* SPDX-License-Identifier: Apache-2.0 */
#include "offer.h"

#include "reply.h"

Csi__V1__ControllerServiceCapability **offer_controller(struct fl_arena *arena,
							const enum controller_offer *offers,
							size_t n)
{
	Csi__V1__ControllerServiceCapability **list = fl_arena_array(arena, n, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		list[i] = reply_new(arena, &csi__v1__controller_service_capability__descriptor);
		list[i]->type_case = CSI__V1__CONTROLLER_SERVICE_CAPABILITY__TYPE_RPC;
		list[i]->rpc =
			reply_new(arena, &csi__v1__controller_service_capability__rpc__descriptor);
		list[i]->rpc->type = (Csi__V1__ControllerServiceCapability__RPC__Type)offers[i];
	}
	return list;
}

Csi__V1__NodeServiceCapability **offer_node(struct fl_arena *arena, const enum node_offer *offers,
					    size_t n)
{
	Csi__V1__NodeServiceCapability **list = fl_arena_array(arena, n, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		list[i] = reply_new(arena, &csi__v1__node_service_capability__descriptor);
		list[i]->type_case = CSI__V1__NODE_SERVICE_CAPABILITY__TYPE_RPC;
		list[i]->rpc = reply_new(arena, &csi__v1__node_service_capability__rpc__descriptor);
		list[i]->rpc->type = (Csi__V1__NodeServiceCapability__RPC__Type)offers[i];
	}
	return list;
}

Csi__V1__GroupControllerServiceCapability **offer_groups(struct fl_arena *arena)
{
	Csi__V1__GroupControllerServiceCapability **list = fl_arena_array(arena, 1, sizeof(*list));

	list[0] = reply_new(arena, &csi__v1__group_controller_service_capability__descriptor);
	list[0]->type_case = CSI__V1__GROUP_CONTROLLER_SERVICE_CAPABILITY__TYPE_RPC;
	list[0]->rpc =
		reply_new(arena, &csi__v1__group_controller_service_capability__rpc__descriptor);
	list[0]->rpc->type =
		CSI__V1__GROUP_CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT;
	return list;
}
