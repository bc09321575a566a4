/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of every method, answered by a whole service over a pool with volume a and snapshot s:
 * whatever is asked, nothing falls over, and no answer is INTERNAL, which is for faults of our own.
 *
 * The first byte of an input picks the method, the rest is its message.  The service may do nothing
 * to the machine: its pool is on a file system of its own, and it has no rights. */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "backends/pools.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "controller/controller.h"
#include "csi/csi.pb-c.h"
#include "csi/identity.h"
#include "csi/rpc/client.h"
#include "csi/rpc/server.h"
#include "fuzz.h"
#include "message.h"
#include "node/node.h"
#include "place.h"
#include "tests/badinput/request.h"

#define SERVICE_BUDGET (16 * 1024 * 1024)
#define SERVICE_LINES 128
#define SERVICE_TIMEOUT_MS 20000
#define SERVICE_ROUNDS 2000 /* after which the pool is emptied */
#define NOBODY 65534

/* Everything of the service; of root, a file system of its own there, seen by this process
 * alone. */
static const char mount_point[] = "/mnt";
static const char *folder;
static struct {
	struct fl_arena *arena;
	struct fl_settings settings;
	struct fl_pools *pools;
	struct controller *controller;
	struct node *node;
	struct identity identity;
	struct rpc_server *server;
	struct rpc_client *client;
	size_t n_asked;
} service;

/* The good requests, read before there is a service. */
static const char *lines[SERVICE_LINES];
static size_t n_lines;

static void must(bool holds, const char *what, const struct fl_error *err)
{
	if (holds)
		return;
	printf("# %s: %s: %s\n", what, fl_error_name(err->code), err->text);
	fflush(stdout);
	abort();
}

/* A file system that a request can fill without harm, then no rights at all. */
static void give_up_rights(void)
{
	struct fl_error err = { .text = "the machine does not let us" };

	must(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		     mount("tmpfs", mount_point, "tmpfs", 0, "size=256m,mode=0700,uid=65534") == 0,
	     "a file system of its own", &err);
	/* Other people's loop devices could not be looked at, and that would end every call. */
	must(mount("tmpfs", "/sys/devices/virtual/block", "tmpfs", MS_RDONLY, NULL) == 0,
	     "hiding devices", &err);
	must(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		     setresuid(NOBODY, NOBODY, NOBODY) == 0,
	     "giving up rights", &err);
}

static void read_lines(void)
{
	static struct fl_arena *arena;
	const char *text = NULL;
	struct fl_error err;

	arena = fl_arena_new(0);
	must(fl_file_read(arena, AT_FDCWD, FUZZ_CORPUS "/requests.txt", FUZZ_MAX_BYTES, &text, NULL,
			  &err) == 0,
	     "the corpus", &err);
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (*at != '#' && *at != '\n' && n_lines < SERVICE_LINES)
			lines[n_lines++] = fl_arena_strndup(arena, at, strcspn(at, "\n"));
}

/* Also loads the backend, which somebody without rights might not be allowed to. */
static void load_config(const char *path)
{
	struct fl_error err = { 0 };
	const char *text = fl_arena_printf(
		service.arena,
		"node: { id: n1, disks: %s/disks.sock, state: %s/state }\n"
		"pools:\n  - { name: default, backend: file, directory: %s/pool }\n",
		folder, folder, folder);

	must(fl_file_replace(AT_FDCWD, path, text, strlen(text), 0600, &err) == 0 &&
		     fl_settings_load(service.arena, path, &service.settings, &err) == 0,
	     "the configuration", &err);
}

static struct fl_op service_op(struct fl_arena *arena)
{
	return (struct fl_op){ .id = "fuzz",
			       .deadline = fl_clock_after_ms(SERVICE_TIMEOUT_MS),
			       .arena = arena };
}

static void serve(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const struct rpc_service *served[CONTROLLER_SERVICES + 2];
	struct rpc_server_options options = { .services = served };
	const char *endpoint = fl_arena_printf(arena, "unix://%s/csi.sock", folder);
	static struct rpc_service of_identity;
	struct fl_op op = service_op(arena);
	struct fl_error err = { 0 };

	must(fl_pools_open(&service.settings, &op, &service.pools, &err) == 0, "the pool", &err);
	service.controller = controller_new(service.pools);
	must(node_new(service.pools, &service.node, &err) == 0, "the node", &err);
	service.identity = (struct identity){ .can_expand = true, .ready = true };
	of_identity = identity_service(&service.identity);
	served[options.n_services++] = &of_identity;
	served[options.n_services++] = &service.node->service;
	for (size_t i = 0; i < CONTROLLER_SERVICES; i++)
		served[options.n_services++] = &service.controller->services[i];
	must(rpc_server_new(&options, &service.server, &err) == 0 &&
		     rpc_server_listen(service.server, endpoint, 0600, &err) == 0 &&
		     rpc_client_new(endpoint, &service.client, &err) == 0,
	     "serving", &err);
}

static void stop(void)
{
	struct fl_error err = { 0 };

	rpc_client_free(service.client);
	must(rpc_server_stop(service.server, SERVICE_TIMEOUT_MS, &err) == 0, "the end", &err);
	node_free(service.node);
	controller_free(service.controller);
	fl_pools_close(service.pools);
}

/* What is not released here is a leak. */
static void tear_down(void)
{
	stop();
	fl_arena_free(service.arena);
	if (folder != mount_point)
		place_remove(folder);
}

/* Begins with an empty pool, so that lists stay short and there is room. */
static void begin_anew(struct fl_arena *arena)
{
	const char *pool = fl_arena_printf(arena, "%s/pool", folder);

	stop();
	place_remove(pool);
	serve();
}

static void set_up(void)
{
	const char *place = place_make();
	bool is_root = geteuid() == 0;

	fl_log_set_level(FL_LOG_ERROR);
	service.arena = fl_arena_new(0);
	folder = is_root ? mount_point : place;
	load_config(fl_arena_printf(service.arena, "%s/fairlead.yaml", place));
	if (is_root) {
		place_remove(place);
		give_up_rights();
	}
	serve();
	atexit(tear_down);
}

static int ignore(void *cookie, const void *message, struct fl_error *err)
{
	(void)cookie;
	(void)message;
	(void)err;
	return 0;
}

static int ask(struct fl_arena *arena, const struct rpc_request *request, struct fl_error *err)
{
	const void *answer;

	if (request->service == &csi__v1__snapshot_metadata__descriptor)
		return rpc_client_stream(service.client, request, ignore, NULL, err);
	return rpc_client_call(service.client, arena, request, &answer, err);
}

static void ask_line(struct fl_arena *arena, const char *line)
{
	struct rpc_request request;
	struct fl_error err;

	must(request_read_line(arena, line, &request, &err) == 0, line, &err);
	(void)!ask(arena, &request, &err);
}

static void prepare(struct fl_arena *arena)
{
	if (!service.arena)
		set_up();
	if (service.n_asked % SERVICE_ROUNDS == SERVICE_ROUNDS - 1)
		begin_anew(arena);
	if (service.n_asked++ % 8 == 0) {
		ask_line(arena,
			 "Controller.CreateVolume name=a capacity_range.required_bytes=1048576 "
			 "volume_capabilities={block={},access_mode.mode=1}");
		ask_line(arena, "Controller.CreateSnapshot name=s source_volume_id=default/n1/a");
	}
}

static void *arena_take(void *arena, size_t size)
{
	return fl_arena_try(arena, size);
}

static void arena_leave(void *arena, void *data)
{
	(void)arena;
	(void)data;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(SERVICE_BUDGET);
	ProtobufCAllocator allocator = { arena_take, arena_leave, arena };
	struct message_method is = message_method(size ? data[0] : 0);
	struct rpc_request request = { .service = is.service,
				       .method = is.method->name,
				       .timeout_ms = SERVICE_TIMEOUT_MS };
	struct fl_error err = { 0 };

	if (size == 0)
		return 0;
	prepare(arena);
	request.message =
		protobuf_c_message_unpack(is.method->input, &allocator, size - 1, data + 1);
	if (!request.message || ask(arena, &request, &err) == 0)
		return 0;
	must(err.code != FL_INTERNAL && err.code != FL_OK && err.text[0], is.method->name, &err);
	return 0;
}

size_t fuzz_seed(size_t i, uint8_t *ret)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const ProtobufCMessage *message;
	struct rpc_request request;
	struct fl_error err;

	if (!n_lines)
		read_lines();
	if (i % 8 == 0) {
		ret[0] = (uint8_t)(i / 8 % message_n_methods());
		message = message_make(arena, message_method(ret[0]).method->input);
	} else {
		const char *line = lines[i % n_lines];

		must(request_read_line(arena, line, &request, &err) == 0, line, &err);
		ret[0] = (uint8_t)message_number(request.service, request.method);
		message = request.message;
	}
	if (protobuf_c_message_get_packed_size(message) >= FUZZ_MAX_BYTES)
		abort();
	return 1 + protobuf_c_message_pack(message, ret + 1);
}
