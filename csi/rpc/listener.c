/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "endpoint.h"

#define LISTENER_BACKLOG 128
#define LISTENER_PAUSE_MS 100 /* after an accept that failed for lack of something */
#define LISTENER_LOCK_MS 2000 /* others hold the directory for microseconds */
#define LISTENER_SUFFIX ".new"

struct rpc_listener {
	struct rpc_listener *next;
	struct rpc_listener_options options; /* endpoint: not kept */
	struct sockaddr_un address;
	struct stat made; /* the socket's inode */
	int fd;
	int end_fd; /* readable: the thread shall end */
	int epoll_fd;
	pthread_t thread;
	/* The thread's own. */
	bool is_unwell; /* the socket is not watched: it would be readable all the time */
	bool is_full;   /* that connections are refused has been said */
	unsigned n_connections;
	int connections[]; /* a duplicate of each that is open; room for max_connections */
};

/* The directory, locked: between looking at the path and changing it nobody else of us does.  The
 * kernel drops the lock with the descriptor. */
static int listener_lock(const struct sockaddr_un *address, int *ret_fd, struct fl_error *err)
{
	struct timespec deadline = fl_clock_after_ms(LISTENER_LOCK_MS);
	size_t length = (size_t)(strrchr(address->sun_path, '/') - address->sun_path);
	char directory[sizeof(address->sun_path)] = "/";

	if (length > 0)
		memcpy(directory, address->sun_path, length);
	fl_cleanup(fl_close) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fl_error_sys(err, errno, "opening directory %s of the socket", directory);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fl_error_sys(err, errno, "locking directory %s", directory);
		if (fl_clock_passed(deadline))
			return fl_error_set(err, FL_BUSY,
					    "directory %s has been locked by another process for "
					    "%d ms",
					    directory, LISTENER_LOCK_MS);
		fl_clock_sleep_ms(5);
	}
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

/* Another socket at the path is a predecessor's; anything else is somebody's file. */
static int listener_check_path(const char *path, struct fl_error *err)
{
	struct stat there;

	if (lstat(path, &there) == 0 && !S_ISSOCK(there.st_mode))
		return fl_error_set(err, FL_EXISTS, "%s is there already and is no socket", path);
	return 0;
}

/* A listening socket beside the path, then renamed over it. */
static int listener_bind(struct rpc_listener *self, struct fl_error *err)
{
	const char *path = self->address.sun_path;
	struct sockaddr_un beside = self->address;
	fl_cleanup(fl_close) int directory = -1;

	strncat(beside.sun_path, LISTENER_SUFFIX,
		sizeof(beside.sun_path) - strlen(beside.sun_path) - 1);
	if (listener_lock(&self->address, &directory, err) < 0 ||
	    listener_check_path(path, err) < 0 || listener_check_path(beside.sun_path, err) < 0)
		return -1;
	if (unlink(beside.sun_path) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing %s", beside.sun_path);
	self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (self->fd < 0)
		return fl_error_sys(err, errno, "making a socket for %s", path);
	if (bind(self->fd, (struct sockaddr *)&beside, sizeof(beside)) < 0)
		return fl_error_sys(err, errno, "binding socket %s", beside.sun_path);
	if (chmod(beside.sun_path, self->options.mode) < 0 ||
	    lstat(beside.sun_path, &self->made) < 0 || listen(self->fd, LISTENER_BACKLOG) < 0 ||
	    rename(beside.sun_path, path) < 0) {
		fl_error_sys(err, errno, "putting a socket at %s", path);
		unlink(beside.sun_path);
		return -1;
	}
	return 0;
}

static void listener_unlink(const struct rpc_listener *self)
{
	fl_cleanup(fl_close) int directory = -1;
	struct fl_error err = { 0 };
	struct stat now;

	/* Without the lock the path stays: a dead socket does no harm, a successor's missing one
	 * does. */
	if (listener_lock(&self->address, &directory, &err) < 0)
		return;
	if (lstat(self->address.sun_path, &now) == 0 && now.st_ino == self->made.st_ino &&
	    now.st_dev == self->made.st_dev)
		unlink(self->address.sun_path);
}

static int listener_watch(const struct rpc_listener *self, int operation, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(self->epoll_fd, operation, fd, &event);
}

/* Counts the connection by a duplicate of its descriptor, which tells that either side has closed
 * it. */
static int listener_keep(struct rpc_listener *self, int fd)
{
	fl_cleanup(fl_close) int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	/* Hanging up is always reported. */
	if (duplicate < 0 || listener_watch(self, EPOLL_CTL_ADD, duplicate, 0) < 0)
		return -1;
	self->connections[self->n_connections++] = fl_take_fd(&duplicate);
	return 0;
}

static void listener_drop(struct rpc_listener *self, int fd)
{
	for (unsigned i = 0; i < self->n_connections; i++) {
		if (self->connections[i] != fd)
			continue;
		/* Closing would not end the watch while gRPC has its own descriptor. */
		epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		close(fd);
		self->connections[i] = self->connections[--self->n_connections];
		self->is_full = false;
		return;
	}
}

static void listener_say_full(struct rpc_listener *self)
{
	if (!self->is_full)
		fl_log(FL_LOG_WARNING, "accept",
		       "%u connections to %s are open: refusing more until one of them ends",
		       self->n_connections, self->address.sun_path);
	self->is_full = true;
}

/* One connection.  -1 when the system lacks something that time may bring back. */
static int listener_accept(struct rpc_listener *self)
{
	fl_cleanup(fl_close) int fd = accept4(self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : -1;
	if (self->n_connections == self->options.max_connections) {
		listener_say_full(self);
		return 0;
	}
	if (listener_keep(self, fd) < 0)
		return -1;
	self->options.accepted(self->options.cookie, fl_take_fd(&fd));
	return 0;
}

static void listener_set_well(struct rpc_listener *self, bool is_well)
{
	if (is_well == !self->is_unwell)
		return;
	if (!is_well)
		fl_log(FL_LOG_ERROR, "accept", "accepting on %s: %s; trying again",
		       self->address.sun_path, strerror(errno));
	listener_watch(self, EPOLL_CTL_MOD, self->fd, is_well ? EPOLLIN : 0);
	self->is_unwell = !is_well;
}

static void *listener_run(void *arg)
{
	struct rpc_listener *self = arg;

	for (;;) {
		struct epoll_event event = { .data.fd = self->fd };
		int n = epoll_wait(self->epoll_fd, &event, 1,
				   self->is_unwell ? LISTENER_PAUSE_MS : -1);
		if (n < 0 && errno != EINTR)
			return NULL;
		if (n > 0 && event.data.fd == self->end_fd)
			return NULL;
		if (n > 0 && event.data.fd != self->fd)
			listener_drop(self, event.data.fd);
		else
			listener_set_well(self, listener_accept(self) == 0);
	}
}

static void listener_free(struct rpc_listener *self)
{
	for (unsigned i = 0; i < self->n_connections; i++)
		close(self->connections[i]);
	fl_close(&self->fd);
	fl_close(&self->end_fd);
	fl_close(&self->epoll_fd);
	free(self);
}

static int listener_start(struct rpc_listener *self, struct fl_error *err)
{
	self->end_fd = eventfd(0, EFD_CLOEXEC);
	self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (self->end_fd < 0 || self->epoll_fd < 0)
		return fl_error_sys(err, errno, "making an event descriptor");
	if (listener_bind(self, err) < 0)
		return -1;
	if (listener_watch(self, EPOLL_CTL_ADD, self->end_fd, EPOLLIN) < 0 ||
	    listener_watch(self, EPOLL_CTL_ADD, self->fd, EPOLLIN) < 0) {
		listener_unlink(self);
		return fl_error_sys(err, errno, "watching %s", self->address.sun_path);
	}
	int failure = pthread_create(&self->thread, NULL, listener_run, self);
	if (failure) {
		listener_unlink(self);
		return fl_error_sys(err, failure, "starting a thread for %s",
				    self->address.sun_path);
	}
	return 0;
}

int rpc_listener_open(struct rpc_listener **list, const struct rpc_listener_options *options,
		      struct fl_error *err)
{
	struct sockaddr_un address;

	if (rpc_endpoint_address(options->endpoint, strlen(LISTENER_SUFFIX), &address, err) < 0)
		return -1;
	struct rpc_listener *self =
		calloc(1, sizeof(*self) + options->max_connections * sizeof(self->connections[0]));
	if (!self)
		abort();
	*self = (struct rpc_listener){
		.next = *list,
		.options = *options,
		.address = address,
		.fd = -1,
		.end_fd = -1,
		.epoll_fd = -1,
	};
	self->options.endpoint = NULL;
	if (listener_start(self, err) < 0) {
		listener_free(self);
		return -1;
	}
	*list = self;
	return 0;
}

void rpc_listener_close_all(struct rpc_listener *list)
{
	while (list) {
		struct rpc_listener *self = list;
		list = self->next;
		eventfd_write(self->end_fd, 1);
		pthread_join(self->thread, NULL);
		listener_unlink(self);
		listener_free(self);
	}
}
