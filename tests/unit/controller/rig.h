/* SPDX-License-Identifier: Apache-2.0 */
/* Rig: a controller over real `file` pools in a folder of its own, served on a socket, and a
 * client.
 *
 * Pools: "near" (on node n1 only) and "far" (every node sees it, several may attach).  Nodes: n1,
 * which is this one, and n2.  Calls fill test_error. */
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "controller/controller.h"
#include "controller/object.h"
#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"
#include "csi/rpc/map.h"
#include "tests/test.h"

#define RIG_MIB ((uint64_t)1 << 20)

struct rig {
	char folder[128];
	char disks[160];      /* where the node's disk service would listen */
	unsigned max_volumes; /* of the node */
	struct fl_arena *arena;
	struct fl_op op;
	struct fl_settings settings;
	struct fl_pools *pools;
	struct controller *controller;
	struct rpc_server *server;
	struct rpc_client *client;
};

static void rig_must(int result)
{
	if (result == 0)
		return;
	printf("Bail out! %s: %s\n", fl_error_name(test_error.code), test_error.text);
	fflush(stdout);
	abort();
}

static const char *rig_write_config(struct rig *rig)
{
	char *path = fl_arena_printf(rig->arena, "%s/fairlead.yaml", rig->folder);
	FILE *file = fopen(path, "we");

	if (!file)
		abort();
	fprintf(file,
		"node: { id: n1, disks: %s, state: %s/node, max_volumes: %u }\n"
		"nodes: [ n2 ]\n"
		"pools:\n"
		"  - { name: near, backend: file, directory: %s/near }\n"
		"  - { name: far, backend: file, directory: %s/far, shared: true, "
		"multi_attach: trust }\n",
		rig->disks, rig->folder, rig->max_volumes, rig->folder, rig->folder);
	fclose(file);
	return path;
}

/* Pools and controller: also again over the same folder, as after a restart. */
static void rig_start(struct rig *rig)
{
	static const struct rpc_service *services[CONTROLLER_SERVICES];
	struct rpc_server_options options = { .services = services,
					      .n_services = CONTROLLER_SERVICES };
	const char *socket = fl_arena_printf(rig->arena, "%s/csi.sock", rig->folder);

	rig_must(fl_settings_load(rig->arena, rig_write_config(rig), &rig->settings, &test_error));
	rig_must(fl_pools_open(&rig->settings, &rig->op, &rig->pools, &test_error));
	rig->controller = controller_new(rig->pools);
	for (size_t i = 0; i < CONTROLLER_SERVICES; i++)
		services[i] = &rig->controller->services[i];
	rig_must(rpc_server_new(&options, &rig->server, &test_error));
	rig_must(rpc_server_listen(rig->server, socket, 0600, &test_error));
	rig_must(rpc_client_new(socket, &rig->client, &test_error));
}

static void rig_stop(struct rig *rig)
{
	rpc_client_free(rig->client);
	rig_must(rpc_server_stop(rig->server, 20000, &test_error));
	controller_free(rig->controller);
	fl_pools_close(rig->pools);
}

/* With its folder in `directory`. */
static void rig_open_in(struct rig *rig, const char *directory)
{
	memset(rig, 0, sizeof(*rig));
	snprintf(rig->folder, sizeof(rig->folder), "%s/fl-controller-XXXXXX", directory);
	if (!mkdtemp(rig->folder))
		abort();
	snprintf(rig->disks, sizeof(rig->disks), "%s/disks.sock", rig->folder);
	rig->arena = fl_arena_new(0);
	rig->op = (struct fl_op){ "test", fl_clock_after_ms(60000), rig->arena, NULL };
	rig_start(rig);
}

static void __attribute__((unused)) rig_open(struct rig *rig)
{
	rig_open_in(rig, "/tmp");
}

static void rig_close(struct rig *rig)
{
	char *name = strrchr(rig->folder, '/');

	rig_stop(rig);
	*name++ = '\0';
	fl_cleanup(fl_close) int fd = open(rig->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rig_must(fl_file_remove_tree(fd, name, &test_error));
	fl_arena_free(rig->arena);
}

static int rig_ask(struct rig *rig, const ProtobufCServiceDescriptor *service, const char *method,
		   const void *message, const void **ret)
{
	const struct rpc_request request = { service, method, message, 30000 };
	const void *answer;
	int result;

	memset(&test_error, 0, sizeof(test_error));
	result = rpc_client_call(rig->client, rig->arena, &request, &answer, &test_error);
	if (result == 0 && ret)
		*ret = answer;
	return result;
}

static int __attribute__((unused))
rig_call(struct rig *rig, const char *method, const void *message, const void **ret)
{
	return rig_ask(rig, &csi__v1__controller__descriptor, method, message, ret);
}

/* The pool's object that a volume id names. */
static struct object __attribute__((unused)) rig_object(struct rig *rig, const char *id)
{
	struct object object;

	rig_must(object_find(rig->controller, &rig->op, "volume", id, &object, &test_error));
	return object;
}
