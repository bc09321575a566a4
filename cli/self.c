/* SPDX-License-Identifier: Apache-2.0 */
#include "self.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF_PROGRAM "/proc/self/exe"
#define SELF_OUTPUT_MAX 65536

extern char **environ;

static char **self_arguments(struct fl_arena *arena, const char *const *words)
{
	size_t n = 0;
	char **arguments;

	while (words[n])
		n++;
	arguments = fl_arena_array(arena, n + 2, sizeof(*arguments));
	arguments[0] = fl_arena_strdup(arena, "fairlead");
	for (size_t i = 0; i < n; i++)
		arguments[i + 1] = fl_arena_strdup(arena, words[i]);
	return arguments;
}

/* Reads until the end; more than the limit is not kept. */
static const char *self_read(struct fl_arena *arena, int fd)
{
	char *text = fl_arena_alloc(arena, SELF_OUTPUT_MAX + 1);
	char rest[512];
	size_t used = 0;
	ssize_t n;

	do {
		bool is_full = used == SELF_OUTPUT_MAX;

		n = read(fd, is_full ? rest : text + used,
			 is_full ? sizeof(rest) : SELF_OUTPUT_MAX - used);
		if (n > 0 && !is_full)
			used += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	while (used && text[used - 1] == '\n')
		used--;
	text[used] = '\0';
	return text;
}

static int self_wait(pid_t pid, int *ret_status, struct fl_error *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return fl_error_sys(err, errno, "waiting for fairlead");
	}
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}

int self_run(struct fl_arena *arena, const char *const *words, int *ret_status,
	     const char **ret_output, struct fl_error *err)
{
	char **arguments = self_arguments(arena, words);
	fl_cleanup(fl_close) int reader = -1;
	fl_cleanup(fl_close) int writer = -1;
	posix_spawn_file_actions_t actions;
	int ends[2], result;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fl_error_sys(err, errno, "making a pipe");
	reader = ends[0];
	writer = ends[1];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, writer, STDOUT_FILENO);
	result = posix_spawn(&pid, SELF_PROGRAM, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (result != 0)
		return fl_error_sys(err, result, "starting fairlead %s", words[0]);
	fl_close(&writer);
	writer = -1;
	*ret_output = self_read(arena, reader);
	return self_wait(pid, ret_status, err);
}

int self_detach(struct fl_arena *arena, const char *const *words, const char *log, pid_t *ret_pid,
		struct fl_error *err)
{
	char **arguments = self_arguments(arena, words);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int result;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log,
					 O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
	result = posix_spawn(ret_pid, SELF_PROGRAM, &actions, &attributes, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return result == 0 ? 0 : fl_error_sys(err, result, "starting fairlead %s", words[0]);
}
