/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rpc_routes {
	size_t n;
	struct rpc_route routes[]; /* sorted by path */
};

static int route_compare(const void *a, const void *b)
{
	const struct rpc_route *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static int route_check(const struct rpc_service *service, struct fl_error *err)
{
	const ProtobufCServiceDescriptor *descriptor = service->descriptor;

	if (service->n_methods != descriptor->n_methods)
		return fl_error_set(err, FL_INTERNAL,
				    "service %s: %zu methods in the table, %u in "
				    "the .proto",
				    descriptor->name, service->n_methods, descriptor->n_methods);
	for (size_t i = 0; i < service->n_methods; i++) {
		const struct rpc_method *method = &service->methods[i];
		const char *wanted = descriptor->methods[i].name;
		if (!method->name || strcmp(method->name, wanted) != 0)
			return fl_error_set(err, FL_INTERNAL,
					    "service %s: method %zu is %s in the "
					    "table, %s in the .proto",
					    descriptor->name, i,
					    method->name ? method->name : "missing", wanted);
		if ((method->flags & RPC_QUICK) && (method->flags & RPC_STREAM))
			return fl_error_set(err, FL_INTERNAL,
					    "method %s: a stream waits, so it cannot be quick",
					    wanted);
	}
	return 0;
}

static void route_fill(struct rpc_route *route, const struct rpc_service *service, size_t i)
{
	route->service = service;
	route->types = &service->descriptor->methods[i];
	route->method = &service->methods[i];
	if (asprintf(&route->path, "/%s/%s", service->descriptor->name, route->types->name) < 0)
		abort();
}

int rpc_routes_new(const struct rpc_service *const *services, size_t n_services,
		   struct rpc_routes **ret, struct fl_error *err)
{
	size_t n = 0;

	for (size_t s = 0; s < n_services; s++) {
		if (route_check(services[s], err) < 0)
			return -1;
		n += services[s]->n_methods;
	}

	struct rpc_routes *routes = calloc(1, sizeof(*routes) + n * sizeof(routes->routes[0]));
	if (!routes)
		abort();
	for (size_t s = 0; s < n_services; s++) {
		for (size_t i = 0; i < services[s]->n_methods; i++)
			route_fill(&routes->routes[routes->n++], services[s], i);
	}
	if (n > 1)
		qsort(routes->routes, n, sizeof(routes->routes[0]), route_compare);
	*ret = routes;
	return 0;
}

const struct rpc_route *rpc_routes_find(const struct rpc_routes *routes, const char *path,
					size_t length)
{
	size_t low = 0, high = routes->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rpc_route *route = &routes->routes[middle];
		int order = strncmp(path, route->path, length);
		if (order == 0 && route->path[length] != '\0')
			order = -1;
		if (order == 0)
			return route;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void rpc_routes_free(struct rpc_routes *routes)
{
	if (!routes)
		return;
	for (size_t i = 0; i < routes->n; i++)
		free(routes->routes[i].path);
	free(routes);
}
