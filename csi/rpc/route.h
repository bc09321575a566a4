/* SPDX-License-Identifier: Apache-2.0 */
/* Route: which function serves "/csi.v1.Controller/CreateVolume". */
#pragma once

#include "rpc.h"

struct rpc_route {
	char *path;
	const struct rpc_service *service;
	const ProtobufCMethodDescriptor *types;
	const struct rpc_method *method;
};

struct rpc_routes;

/* FL_INTERNAL when a table does not list exactly the methods of its descriptor, in order. */
int rpc_routes_new(const struct rpc_service *const *services, size_t n_services,
		   struct rpc_routes **ret, struct fl_error *err) fl_must_check;
/* NULL when nobody serves `path` (`length` bytes, no NUL needed). */
const struct rpc_route *rpc_routes_find(const struct rpc_routes *routes, const char *path,
					size_t length);
void rpc_routes_free(struct rpc_routes *routes);
