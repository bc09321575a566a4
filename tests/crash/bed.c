/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/record.h"
#include "base/text.h"
#include "csi/rpc/client.h"
#include "picture.h"
#include "tests/badinput/request.h"

#define BED_PATIENCE_MS 20000
#define BED_PAUSE_MS 3

static struct {
	const char *root;
	const char *program;
	const char *node;
	struct fl_arena *arena;
	struct fl_arena *brief; /* bed_arena */
	const char *endpoint;
	struct rpc_client *client;
	pid_t service;
} bed;

static void bed_must(bool holds, const char *what)
{
	if (holds)
		return;
	printf("Bail out! %s (%s): see %s/log\n", what, strerror(errno), bed.root);
	fflush(stdout);
	abort();
}

static const char *bed_path(const char *name)
{
	return fl_arena_printf(bed.arena, "%s/%s", bed.root, name);
}

const char *bed_root(void)
{
	return bed.root;
}

struct fl_arena *bed_arena(void)
{
	return bed.brief;
}

void bed_forget(void)
{
	fl_arena_free(bed.brief);
	bed.brief = fl_arena_new(0);
}

static void bed_write_config(void)
{
	struct fl_error err = { 0 };
	const char *text = fl_arena_printf(
		bed.arena,
		"node: { id: %s, disks: %s/run/disks.sock, state: %s/state, max_volumes: 2 }\n"
		"pools:\n  - { name: default, backend: file, directory: %s/pool }\n",
		bed.node, bed.root, bed.root, bed.root);

	/* The staging path is the orchestrator's to make. */
	bed_must(mkdir(bed_path("run"), 0700) == 0 && mkdir(bed_path("staging"), 0700) == 0,
		 "making a directory");
	bed_must(fl_file_replace(AT_FDCWD, bed_path("fairlead.yaml"), text, strlen(text), 0600,
				 &err) == 0,
		 err.text);
	setenv("FAIRLEAD_RUN", bed_path("run"), 1);
}

bool bed_open(const char *directory)
{
	const char *program = getenv("FAIRLEAD");

	if (geteuid() != 0 || access("/dev/loop-control", R_OK | W_OK) < 0 || !program) {
		printf("# needs root, /dev/loop-control, and the program's path in FAIRLEAD\n");
		return false;
	}
	bed.root = directory;
	bed.program = program;
	bed.arena = fl_arena_new(0);
	bed.brief = fl_arena_new(0);
	bed.node = fl_arena_printf(bed.arena, "crash-%d", getpid());
	bed.endpoint = fl_arena_printf(bed.arena, "unix://%s/run/csi.sock", directory);
	bed_write_config();
	return trap_open(directory);
}

bool bed_is_dead(void)
{
	int status;

	if (bed.service > 0 && waitpid(bed.service, &status, WNOHANG) == bed.service) {
		bed_must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
			 "the service ended by itself");
		bed.service = 0;
	}
	return bed.service == 0;
}

void bed_kill(void)
{
	rpc_client_free(bed.client);
	bed.client = NULL;
	if (bed.service <= 0)
		return;
	kill(bed.service, SIGKILL);
	waitpid(bed.service, NULL, 0);
	bed.service = 0;
}

/* Whether somebody listens at the socket. */
static bool bed_listens(void)
{
	fl_cleanup(fl_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/csi.sock", bed.root);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

bool bed_start(const struct trap_plan *plan)
{
	const char *argv[] = { bed.program,  "serve",    "--endpoint",
			       bed.endpoint, "--config", bed_path("fairlead.yaml"),
			       NULL };
	struct timespec patience = fl_clock_after_ms(BED_PATIENCE_MS);
	struct fl_error err = { 0 };

	bed_kill();
	trap_arm(plan);
	bed.service = trap_spawn(argv, bed_path("log"));
	bed_must(bed.service > 0, "starting the service");
	while (!bed_listens()) {
		if (bed_is_dead())
			return false;
		bed_must(!fl_clock_passed(patience), "the service does not listen");
		usleep(500);
	}
	bed_must(rpc_client_new(bed.endpoint, &bed.client, &err) == 0, err.text);
	/* The connection is there before any plan for a call is. */
	return bed_call("Identity.Probe", &err) == 0 || !bed_is_dead();
}

/* The snapshots of group g, by its record, as an orchestrator remembers them. */
static const char *bed_members(void)
{
	static const char key[] = "\"snapshot\":\"";
	const char *record = "", *words = "";
	struct fl_error none;

	(void)!fl_file_read(bed.brief, AT_FDCWD, bed_path("pool/records/g.group"), 65536, &record,
			    NULL, &none);
	while ((record = strstr(record, key))) {
		record += strlen(key);
		words = fl_arena_printf(bed.brief, "%s snapshot_ids=default/~/%.*s", words,
					(int)strcspn(record, "\""), record);
	}
	return words;
}

static const char *bed_expand(const char *line)
{
	const char *text = line;

	for (const char *at; (at = strpbrk(text, "@~*"));)
		text = fl_arena_printf(bed.brief, "%.*s%s%s", (int)(at - text), text,
				       *at == '@'   ? bed.root
				       : *at == '~' ? bed.node
						    : bed_members(),
				       at + 1);
	return text;
}

int bed_call(const char *line, struct fl_error *err)
{
	struct rpc_request request;
	const void *answer;

	memset(err, 0, sizeof(*err));
	if (request_read_line(bed.brief, bed_expand(line), &request, err) < 0) {
		printf("Bail out! %s: %s\n", line, err->text);
		abort();
	}
	return rpc_client_call(bed.client, bed.brief, &request, &answer, err);
}

void bed_let_holds_expire(void)
{
	static const char *const volumes[] = { "a", "b", "c" };

	for (size_t i = 0; i < FL_COUNT(volumes); i++) {
		const char *path =
			fl_arena_printf(bed.brief, "%s/pool/volumes/%s", bed.root, volumes[i]);
		fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct fl_record record;
		struct fl_error err;
		const char *time;

		if (fd < 0 || fl_record_get(bed.brief, fd, "owner", &record, &err) < 0)
			continue;
		time = strstr(record.value, "\"expires_ns\":");
		if (!time)
			continue;
		time += strlen("\"expires_ns\":");
		(void)!fl_record_compare_and_set(
			bed.brief, fd, "owner", record.version,
			fl_arena_printf(bed.brief, "%.*s1%s", (int)(time - record.value),
					record.value, time + strspn(time, " 0123456789")),
			&record.version, &err);
	}
}

static bool bed_may_go_on(enum fl_error_code code)
{
	return code == FL_BUSY || code == FL_UNAVAILABLE || code == FL_TIMEOUT;
}

int bed_insist(const char *line, struct fl_error *err)
{
	struct timespec patience = fl_clock_after_ms(BED_PATIENCE_MS);

	for (;;) {
		if (bed_call(line, err) == 0)
			return 0;
		if (!bed_may_go_on(err->code) || fl_clock_passed(patience))
			return -1;
		if (strstr(err->text, "is held for"))
			bed_let_holds_expire();
		else
			fl_clock_sleep_ms(BED_PAUSE_MS);
	}
}

/* SIGTERM, as an init system does it. */
static int bed_stop(void)
{
	int status = -1;

	rpc_client_free(bed.client);
	bed.client = NULL;
	if (bed.service <= 0)
		return 0;
	kill(bed.service, SIGTERM);
	waitpid(bed.service, &status, 0);
	bed.service = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	printf("# the service ended with status %d\n", status);
	return 1;
}

int bed_close(void)
{
	int result = bed_stop();

	picture_remove(bed.root);
	trap_close();
	fl_arena_free(bed.brief);
	fl_arena_free(bed.arena);
	return result;
}
