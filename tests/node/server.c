/* SPDX-License-Identifier: Apache-2.0 */
/* server CONFIG SOCKET: the node service of a configuration on a socket, until SIGTERM.  Tests kill
 * it and start it again. */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "node/node.h"

static int server_fail(const char *what, const struct fl_error *err)
{
	fprintf(stderr, "server: %s: %s\n", what, err->text);
	return 1;
}

static int server_run(const char *config, const char *socket, struct fl_arena *arena)
{
	struct fl_op op = { .id = "start", .deadline = fl_clock_after_ms(30000), .arena = arena };
	struct fl_error err = { 0 };
	struct fl_settings settings;
	struct fl_pools *pools;
	struct node *node;
	struct rpc_server *server;
	sigset_t wanted;
	int got;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	if (fl_settings_load(arena, config, &settings, &err) < 0 ||
	    fl_pools_open(&settings, &op, &pools, &err) < 0 || node_new(pools, &node, &err) < 0)
		return server_fail("opening", &err);

	const struct rpc_service *services[] = { &node->service };
	struct rpc_server_options options = { .services = services, .n_services = 1 };

	if (rpc_server_new(&options, &server, &err) < 0 ||
	    rpc_server_listen(server, socket, 0600, &err) < 0)
		return server_fail("serving", &err);
	printf("serving\n");
	fflush(stdout);
	sigwait(&wanted, &got);
	if (rpc_server_stop(server, 10000, &err) < 0)
		return server_fail("stopping", &err);
	node_free(node);
	fl_pools_close(pools);
	return 0;
}

int main(int argc, char **argv)
{
	struct fl_arena *arena = fl_arena_new(0);
	int status;

	if (argc != 3)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	status = server_run(argv[1], argv[2], arena);
	fl_arena_free(arena);
	return status;
}
