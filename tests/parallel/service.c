/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"

#define SERVICE_START_MS 60000

extern char **environ;

static void service_fail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static void service_path(char ret[512], const struct service *service, const char *name)
{
	if (snprintf(ret, 512, "%s/%s", service->directory, name) >= 512)
		service_fail(service->directory);
}

void service_init(struct service *service, const char *directory, bool shared)
{
	FILE *config;

	*service = (struct service){ .directory = directory, .shared = shared };
	service_path(service->pool, service, "volumes");
	service_path(service->run, service, "run");
	service_path(service->config, service, "fairlead.yaml");
	service_path(service->socket, service, "run/csi.sock");
	if (mkdir(service->run, 0700) < 0 && errno != EEXIST)
		service_fail(service->run);
	config = fopen(service->config, "we");
	if (!config)
		service_fail(service->config);
	fprintf(config,
		"node: { id: n1 }\nnodes: [ n2 ]\npools:\n"
		"  - { name: p, backend: file, directory: %s, shared: %s }\n",
		service->pool, shared ? "true" : "false");
	fclose(config);
}

static void service_spawn(struct service *service)
{
	char *words[] = { getenv("FAIRLEAD"), "serve",   "--config", service->config,
			  "--log-level",      "warning", NULL };
	posix_spawn_file_actions_t actions;
	char log[512];

	if (!words[0])
		service_fail("$FAIRLEAD");
	service_path(log, service, "serve.log");
	setenv("FAIRLEAD_RUN", service->run, 1);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	errno = posix_spawn(&service->pid, words[0], &actions, NULL, words, environ);
	if (errno)
		service_fail(words[0]);
	posix_spawn_file_actions_destroy(&actions);
}

static bool service_answers(struct rpc_client *client)
{
	Csi__V1__ProbeRequest probe = CSI__V1__PROBE_REQUEST__INIT;
	const struct rpc_request request = { &csi__v1__identity__descriptor, "Probe", &probe,
					     1000 };
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_error ignored;
	const void *answer;

	return rpc_client_call(client, arena, &request, &answer, &ignored) == 0;
}

void service_start(struct service *service)
{
	struct timespec until = fl_clock_after_ms(SERVICE_START_MS);
	fl_cleanup(rpc_client_release) struct rpc_client *client = NULL;
	struct fl_error err;

	service_spawn(service);
	if (rpc_client_new(service->socket, &client, &err) < 0)
		service_fail(err.text);
	while (!service_answers(client)) {
		if (waitpid(service->pid, NULL, WNOHANG) != 0 || fl_clock_passed(until))
			service_fail("fairlead serve does not answer");
		fl_clock_sleep_ms(5);
	}
}

void service_kill(struct service *service)
{
	if (kill(service->pid, SIGKILL) < 0 || waitpid(service->pid, NULL, 0) < 0)
		service_fail("killing the service");
}

int service_stop(struct service *service)
{
	int status = 0;

	if (kill(service->pid, SIGTERM) < 0 || waitpid(service->pid, &status, 0) < 0)
		service_fail("ending the service");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
