/* SPDX-License-Identifier: Apache-2.0 */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "console_log.h"

#define CONSOLE_BUFFER 4096

struct console {
	int guest; /* QEMU's side; -1 when QEMU is gone */
	int listener;
	int clients[CONSOLE_CLIENTS_MAX];
	size_t n_clients;
	struct console_log log;
	/* Input that the guest has not taken yet: while there is some, clients are not read. */
	char input[CONSOLE_BUFFER];
	size_t n_input;
};

static int console_socket(const char *dir, const char *name, struct sockaddr_un *ret_address,
			  int *ret_fd, struct fl_error *err)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s/%s", dir, name) >=
	    (int)sizeof(ret_address->sun_path))
		return fl_error_set(err, FL_INVALID, "%s/%s is too long for a socket", dir, name);
	*ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*ret_fd < 0)
		return fl_error_sys(err, errno, "making a socket for the console");
	return 0;
}

static int console_listen(const char *dir, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;
	struct sockaddr_un address;

	if (console_socket(dir, "console.sock", &address, &fd, err) < 0)
		return -1;
	if (unlink(address.sun_path) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing the left-over %s", address.sun_path);
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, CONSOLE_CLIENTS_MAX) < 0)
		return fl_error_sys(err, errno, "listening on %s", address.sun_path);
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

static int console_connect(const char *dir, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;
	struct sockaddr_un address;

	if (console_socket(dir, "console.qemu", &address, &fd, err) < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fl_error_sys(err, errno, "connecting to %s", address.sun_path);
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

static void console_drop(struct console *console, size_t i)
{
	fl_close(&console->clients[i]);
	console->clients[i] = console->clients[--console->n_clients];
}

static void console_accept(struct console *console)
{
	fl_cleanup(fl_close) int fd =
		accept4(console->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && console->n_clients < CONSOLE_CLIENTS_MAX)
		console->clients[console->n_clients++] = fl_take_fd(&fd);
}

/* From the guest to the log and to everybody. */
static void console_output(struct console *console)
{
	char data[CONSOLE_BUFFER];
	ssize_t n = read(console->guest, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fl_close(&console->guest);
		console->guest = -1;
		return;
	}
	console_log_write(&console->log, data, (size_t)n);
	for (size_t i = console->n_clients; i-- > 0;) {
		if (send(console->clients[i], data, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
			console_drop(console, i);
	}
}

/* From a client into the buffer; false when the client is gone. */
static bool console_input(struct console *console, int client)
{
	ssize_t n = read(client, console->input + console->n_input,
			 sizeof(console->input) - console->n_input);

	if (n > 0)
		console->n_input += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void console_feed(struct console *console)
{
	ssize_t n =
		send(console->guest, console->input, console->n_input, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n <= 0)
		return;
	console->n_input -= (size_t)n;
	memmove(console->input, console->input + n, console->n_input);
}

static void console_round(struct console *console)
{
	struct pollfd polls[2 + CONSOLE_CLIENTS_MAX];
	bool full = console->n_input > 0;
	size_t n_clients = console->n_clients;

	polls[0] = (struct pollfd){ .fd = console->guest,
				    .events = (short)(POLLIN | (full ? POLLOUT : 0)) };
	polls[1] = (struct pollfd){ .fd = console->listener, .events = POLLIN };
	for (size_t i = 0; i < n_clients; i++)
		polls[2 + i] = (struct pollfd){ .fd = console->clients[i],
						.events = (short)(full ? 0 : POLLIN) };
	if (poll(polls, (nfds_t)(2 + n_clients), -1) < 0)
		return;
	/* From the end, so that dropping one does not move those that are still to be seen. */
	for (size_t i = n_clients; i-- > 0;) {
		if (polls[2 + i].revents && !console_input(console, console->clients[i]))
			console_drop(console, i);
	}
	if (console->n_input > 0)
		console_feed(console);
	if (polls[0].revents)
		console_output(console);
	if (polls[1].revents)
		console_accept(console);
}

static void *console_run(void *cookie)
{
	struct console *console = cookie;

	while (console->guest >= 0)
		console_round(console);
	while (console->n_clients > 0)
		console_drop(console, 0);
	fl_close(&console->listener);
	console_log_close(&console->log);
	free(console);
	return NULL;
}

static void console_free(struct console *console)
{
	fl_close(&console->guest);
	fl_close(&console->listener);
	console_log_close(&console->log);
	free(console);
}

int console_start(struct vm *vm, struct fl_error *err)
{
	struct console *console = calloc(1, sizeof(*console));
	pthread_t thread;

	if (!console)
		abort();
	*console = (struct console){ .guest = -1, .listener = -1, .log.fd = -1 };
	if (console_connect(vm->dir, &console->guest, err) < 0 ||
	    console_listen(vm->dir, &console->listener, err) < 0 ||
	    console_log_open(&console->log, vm->dir_fd, CONSOLE_LOG_MAX, err) < 0) {
		console_free(console);
		return -1;
	}
	errno = pthread_create(&thread, NULL, console_run, console);
	if (errno != 0) {
		console_free(console);
		return fl_error_sys(err, errno, "starting the console's thread");
	}
	pthread_detach(thread);
	return 0;
}
