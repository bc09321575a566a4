/* SPDX-License-Identifier: Apache-2.0 */
/* Console: connects this terminal to a guest's serial port. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "node/launcher/launcher.h"
#include "verbs.h"

#define CONSOLE_LEAVE 0x1d /* Ctrl-] */

static int console_connect(const char *path, const char *vm, int *ret, struct fl_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	fl_cleanup(fl_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return fl_error_set(err, FL_INVALID, "%s is too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return fl_error_set(err, FL_NOT_FOUND, "no VM %s runs here", vm);
		return fl_error_sys(err, errno, "connecting to %s", path);
	}
	*ret = fl_take_fd(&fd);
	return 0;
}

/* Moves what can be read from one to the other: bytes, 0 at the end, -1 on failure. */
static ssize_t console_move(int from, int to, bool is_keyboard)
{
	char buffer[4096];
	ssize_t n = read(from, buffer, sizeof(buffer));
	struct fl_error ignored;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (n > 0 && is_keyboard && memchr(buffer, CONSOLE_LEAVE, (size_t)n))
		return 0;
	if (n > 0 && fl_file_write_all(to, buffer, (size_t)n, &ignored) < 0)
		return -1;
	return n;
}

/* The end of the input (a pipe) is not the end of the console. */
static int console_relay(int guest, struct fl_error *err)
{
	struct pollfd ends[2] = { { .fd = guest, .events = POLLIN },
				  { .fd = STDIN_FILENO, .events = POLLIN } };

	for (;;) {
		if (poll(ends, 2, -1) < 0 && errno != EINTR)
			return fl_error_sys(err, errno, "waiting for the console");
		if (ends[0].revents && console_move(guest, STDOUT_FILENO, false) <= 0)
			return 0;
		if (!ends[1].revents)
			continue;
		if (console_move(STDIN_FILENO, guest, isatty(STDIN_FILENO)) <= 0) {
			if (isatty(STDIN_FILENO))
				return 0;
			ends[1].fd = -1;
			ends[1].revents = 0;
		}
	}
}

static int vm_console_run(const struct invocation *invocation, struct fl_error *err)
{
	const char *vm = invocation->operands.items[0], *directory;
	bool is_terminal = isatty(STDIN_FILENO);
	struct termios saved, raw;
	fl_cleanup(fl_close) int fd = -1;
	int result;

	if (vm_directory(invocation->arena, vm, &directory, err) < 0 ||
	    console_connect(fl_arena_printf(invocation->arena, "%s/console.sock", directory), vm,
			    &fd, err) < 0)
		return -1;
	if (is_terminal && tcgetattr(STDIN_FILENO, &saved) == 0) {
		fprintf(stderr, "connected to VM %s; Ctrl-] leaves\n", vm);
		raw = saved;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	result = console_relay(fd, err);
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
		fprintf(stderr, "\n");
	}
	return result;
}

const struct command vm_console_command = {
	.name = "vm console",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "connect this terminal to a guest's serial port; Ctrl-] leaves",
	.run = vm_console_run,
};
