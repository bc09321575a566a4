/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "node/mountinfo.h"

struct fl_op rig_op(struct rig *rig)
{
	return (struct fl_op){ .id = "rig",
			       .deadline = fl_clock_after_ms(60000),
			       .arena = rig->arena };
}

void rig_must(int rc, const char *what, const struct fl_error *err)
{
	if (rc == 0)
		return;
	printf("Bail out! %s: %s\n", what, err->text);
	fflush(stdout);
	abort();
}

static int rig_spawn(const char *const argv[], bool quiet)
{
	char *const environment[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }, NULL };
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	for (int fd = 1; quiet && fd <= 2; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environment) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int rig_run(const char *const argv[])
{
	return rig_spawn(argv, true);
}

static const char *rig_path(struct rig *rig, const char *name)
{
	return fl_arena_printf(rig->arena, "%s/%s", rig->root, name);
}

void rig_start_server(struct rig *rig)
{
	char self[4096] = "";
	int pipe_fds[2];
	char byte;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 ||
	    pipe2(pipe_fds, O_CLOEXEC) < 0)
		abort();
	const char *program = fl_arena_printf(rig->arena, "%s/node_server", dirname(self));

	rig->server = fork();
	if (rig->server == 0) {
		int log =
			open(rig_path(rig, "log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

		dup2(pipe_fds[1], 1);
		dup2(log, 2);
		execl(program, program, rig_path(rig, "config.yaml"), rig_path(rig, "csi.sock"),
		      (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	if (read(pipe_fds[0], &byte, 1) != 1) {
		printf("Bail out! the service does not start: see %s/log\n", rig->root);
		abort();
	}
	close(pipe_fds[0]);
}

void rig_kill_server(struct rig *rig)
{
	if (rig->server <= 0)
		return;
	kill(rig->server, SIGKILL);
	waitpid(rig->server, NULL, 0);
	rig->server = 0;
}

bool rig_start(struct rig *rig)
{
	struct fl_error err = { 0 };
	const char *config;

	memset(rig, 0, sizeof(*rig));
	if (geteuid() != 0 || access("/dev/loop-control", R_OK | W_OK) < 0) {
		printf("# no loop devices: needs root and /dev/loop-control\n");
		return false;
	}
	snprintf(rig->root, sizeof(rig->root), "/tmp/fairlead-node.XXXXXX");
	if (!mkdtemp(rig->root))
		return false;
	snprintf(rig->staging, sizeof(rig->staging), "%s/staging", rig->root);
	snprintf(rig->target, sizeof(rig->target), "%s/target", rig->root);
	snprintf(rig->other_target, sizeof(rig->other_target), "%s/other", rig->root);
	rig->arena = fl_arena_new(0);
	config = fl_arena_printf(
		rig->arena,
		"node: { id: n1, disks: %s/disks.sock, state: %s/state }\n"
		"pools:\n  - { name: default, backend: file, directory: %s/pool }\n",
		rig->root, rig->root, rig->root);
	rig_must(mkdir(rig_path(rig, "pool"), 0700), "the pool's directory", &err);
	rig_must(fl_file_replace(AT_FDCWD, rig_path(rig, "config.yaml"), config, strlen(config),
				 0600, &err),
		 "the configuration", &err);
	struct fl_op op = rig_op(rig);

	rig_must(fl_settings_load(rig->arena, rig_path(rig, "config.yaml"), &rig->settings, &err),
		 "the configuration", &err);
	rig_must(fl_pools_open(&rig->settings, &op, &rig->pools, &err), "the pool", &err);
	rig_start_server(rig);
	return true;
}

/* Loop devices whose image is in the rig: calls `see` with their paths. */
static size_t rig_each_loop(struct rig *rig, const char *image,
			    void (*see)(struct rig *, const char *))
{
	fl_cleanup(fl_closedir) DIR *dir = opendir("/sys/block");
	const struct dirent *entry;
	size_t n = 0;

	while (dir && (entry = readdir(dir))) {
		const char *backing = fl_arena_printf(rig->arena, "/sys/block/%s/loop/backing_file",
						      entry->d_name);
		char text[4096] = "";
		fl_cleanup(fl_close) int fd = open(backing, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 ||
		    strncmp(text, image, strlen(image)) != 0)
			continue;
		n++;
		if (see)
			see(rig, fl_arena_printf(rig->arena, "/dev/%s", entry->d_name));
	}
	return n;
}

static void rig_detach(struct rig *rig, const char *device)
{
	(void)rig;
	rig_run((const char *[]){ "losetup", "--detach", device, NULL });
}

void rig_detach_all(struct rig *rig)
{
	rig_each_loop(rig, rig->root, rig_detach);
}

/* Asks the service to end, and looks how it does. */
static int rig_stop_server(struct rig *rig)
{
	int status = -1;

	kill(rig->server, SIGTERM);
	waitpid(rig->server, &status, 0);
	rig->server = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	printf("# the service ended with status %d\n", status);
	rig_spawn((const char *[]){ "tail", "-n", "40", rig_path(rig, "log"), NULL }, false);
	return 1;
}

int rig_end(struct rig *rig)
{
	int rc = rig_stop_server(rig);
	struct mountinfo table;
	struct fl_error err;

	fl_pools_close(rig->pools);
	if (mountinfo_read(rig->arena, &table, &err) == 0) {
		for (size_t i = table.n; i-- > 0;) {
			if (strncmp(table.entries[i].point, rig->root, strlen(rig->root)) == 0)
				umount2(table.entries[i].point, MNT_DETACH);
		}
	}
	rig_detach_all(rig);
	rig_run((const char *[]){ "rm", "-rf", rig->root, NULL });
	fl_arena_free(rig->arena);
	memset(rig, 0, sizeof(*rig));
	return rc;
}

const char *rig_loop(struct rig *rig, const char *volume_id)
{
	static const char *found;
	const char *image = rig_image(rig, volume_id);
	char text[64] = "";

	found = NULL;
	if (rig_each_loop(rig, image, NULL) != 1)
		return NULL;
	for (unsigned i = 0; i < 1024 && !found; i++) {
		const char *path =
			fl_arena_printf(rig->arena, "/sys/block/loop%u/loop/backing_file", i);
		char backing[4096] = "";
		fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && read(fd, backing, sizeof(backing) - 1) > 0 &&
		    strncmp(backing, image, strlen(image)) == 0) {
			snprintf(text, sizeof(text), "/dev/loop%u", i);
			found = fl_arena_strdup(rig->arena, text);
		}
	}
	return found;
}

/* But for hidden files, and names among `except` with a blank around each. */
static bool rig_directory_is_empty(const char *path, const char *except)
{
	fl_cleanup(fl_closedir) DIR *dir = opendir(path);
	const struct dirent *entry;
	bool empty = true;

	while (dir && (entry = readdir(dir))) {
		char word[300];

		snprintf(word, sizeof(word), " %s ", entry->d_name);
		if (entry->d_name[0] == '.' || strstr(except, word))
			continue;
		printf("# left over: %s/%s\n", path, entry->d_name);
		empty = false;
	}
	return empty;
}

static void rig_print_loop(struct rig *rig, const char *device)
{
	(void)rig;
	printf("# left over: %s\n", device);
}

bool rig_is_clean(struct rig *rig)
{
	struct mountinfo table;
	struct fl_error err = { 0 };
	bool clean = rig_each_loop(rig, rig->root, rig_print_loop) == 0;

	rig_must(mountinfo_read(rig->arena, &table, &err), "mountinfo", &err);
	for (size_t i = 0; i < table.n; i++) {
		if (strncmp(table.entries[i].point, rig->root, strlen(rig->root)) == 0) {
			printf("# left over: a mount at %s\n", table.entries[i].point);
			clean = false;
		}
	}
	if (access(rig->target, F_OK) == 0 || access(rig->other_target, F_OK) == 0) {
		printf("# left over: a target path\n");
		clean = false;
	}
	return rig_directory_is_empty(rig->staging, "") &&
	       rig_directory_is_empty(rig_path(rig, "state"), " lock failures ") && clean;
}

int rig_launcher(struct rig *rig, const char *vm)
{
	struct fl_error err = { 0 };
	struct fl_channel_message answer = { 0 };
	int fd = -1;

	/* The queue of the socket may be full for a moment. */
	for (int i = 0; i < 100 && fd < 0; i++) {
		if (fl_channel_connect(rig_path(rig, "disks.sock"), &fd, &err) < 0)
			fl_clock_sleep_ms(20);
	}
	rig_must(fd < 0 ? -1 : 0, "connecting", &err);
	if (vm)
		rig_must(rig_ask(rig, fd, "hello", json_pack("{s:s}", "vm", vm), &answer, &err),
			 "hello", &err);
	fl_channel_message_release(&answer);
	return fd;
}

int rig_ask(struct rig *rig, int fd, const char *method, json_t *params,
	    struct fl_channel_message *ret, struct fl_error *err)
{
	struct fl_op op = rig_op(rig);
	int rc = fl_channel_call(&op, fd, method, params, NULL, 0, ret, err);

	json_decref(params);
	return rc;
}

const char *rig_token(struct rig *rig, const char *target)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	struct fl_error err = { 0 };
	const char *text;
	size_t size;

	rig_must(fl_file_read(rig->arena, AT_FDCWD, target, 4096, &text, &size, &err), "the pass",
		 &err);
	rig_must(fl_json_parse(text, size, "pass", &json, &err), "the pass", &err);
	return fl_arena_strdup(rig->arena, json_string_value(json_object_get(json, "token")));
}
