/* SPDX-License-Identifier: Apache-2.0 */
#include "node/disks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "node/diskcalls.h"
#include "node/openers.h"
#include "node/path.h"

#define DISKS_STACK_BYTES ((size_t)1 << 20)
#define DISKS_PAUSE_MS 100
/* A launcher answers at once or is stuck; who asks us has more patience than this. */
#define DISKS_LAUNCHER_MS 20000

/* What a connection's thread gets: it owns one reference of the session. */
struct disks_reader {
	struct disks *disks;
	struct session *session;
};

static void *disks_read(void *cookie)
{
	struct disks_reader reader = *(struct disks_reader *)cookie;

	free(cookie);
	diskserve(reader.disks, reader.session);
	session_end(reader.session);
	/* Removed last: after that, the service may be gone. */
	roster_remove(&reader.disks->roster, reader.session);
	session_unref(reader.session);
	return NULL;
}

/* A detached thread that takes no signals. */
static int disks_spawn(void *(*run)(void *), void *cookie)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, DISKS_STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attributes, run, cookie);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return rc;
}

/* Enters a new connection and starts its thread.  Takes the descriptor. */
static int disks_admit(struct disks *disks, int fd, struct fl_error *err)
{
	fl_cleanup(session_release) struct session *session = NULL;
	struct disks_reader *reader;
	pid_t pid = 0;
	uid_t uid = 0;

	if (fl_channel_peer(fd, &pid, &uid, err) < 0) {
		fl_close(&fd);
		return -1;
	}
	session = session_new(fd, pid, uid);
	if (roster_add(&disks->roster, session, err) < 0)
		return -1;
	reader = malloc(sizeof(*reader));
	if (!reader)
		abort();
	*reader = (struct disks_reader){ disks, session_ref(session) };
	if (disks_spawn(disks_read, reader) == 0)
		return 0;
	free(reader);
	roster_remove(&disks->roster, session);
	session_unref(session);
	return fl_error_set(err, FL_UNAVAILABLE, "no thread for a connection");
}

/* Accepts until the listening socket is shut down. */
static void *disks_accept(void *cookie)
{
	struct disks *disks = cookie;
	struct pollfd ready = { .fd = disks->listen_fd, .events = POLLIN };
	struct fl_error err;

	for (;;) {
		int fd = accept4(disks->listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0 && disks_admit(disks, fd, &err) < 0)
			fl_log(FL_LOG_WARNING, "disks", "%s", err.text);
		if (fd >= 0)
			continue;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			fl_clock_sleep_ms(DISKS_PAUSE_MS);
		/* A socket that does not block never says that it was shut down, but poll does. */
		if (poll(&ready, 1, -1) == 1 && (ready.revents & (POLLHUP | POLLERR | POLLNVAL)))
			break;
	}
	return NULL;
}

int disks_start(struct node *node, const char *path, struct disks **ret, struct fl_error *err)
{
	struct disks *disks = calloc(1, sizeof(*disks));
	int fd = -1;

	if (!disks)
		abort();
	if (path_check("the disk service's socket", path, err) < 0 ||
	    path_make_parents(path, err) < 0 || fl_channel_listen(path, &fd, err) < 0) {
		free(disks);
		return fl_error_prefix(err, "starting the disk service");
	}
	disks->node = node;
	disks->path = strdup(path);
	disks->listen_fd = fd;
	if (stat(path, &disks->socket) < 0)
		memset(&disks->socket, 0, sizeof(disks->socket));
	roster_init(&disks->roster);
	if (!disks->path || pthread_create(&disks->acceptor, NULL, disks_accept, disks) != 0)
		abort();
	*ret = disks;
	return 0;
}

/* Removes the socket, unless a successor has put its own there. */
static void disks_remove_socket(const struct disks *disks)
{
	struct stat st;

	if (stat(disks->path, &st) == 0 && st.st_dev == disks->socket.st_dev &&
	    st.st_ino == disks->socket.st_ino)
		unlink(disks->path);
}

void disks_stop(struct disks *disks)
{
	if (!disks)
		return;
	disks_remove_socket(disks);
	shutdown(disks->listen_fd, SHUT_RDWR);
	pthread_join(disks->acceptor, NULL);
	roster_close(&disks->roster);
	roster_destroy(&disks->roster);
	fl_close(&disks->listen_fd);
	free(disks->path);
	free(disks);
}

int disks_forward(struct disks *disks, const struct fl_op *op, const struct pass *pass,
		  const char *method, const json_t *params, int fd, json_t **ret,
		  struct fl_error *err)
{
	fl_cleanup(session_release) struct session *session = NULL;
	struct fl_op quick = *op;
	struct fl_source source;
	bool is_open;

	*ret = NULL;
	if (fl_source_from_pairs(op->arena, pass->source, pass->n_source, &source, err) < 0 ||
	    openers_exist(source.file.path, &is_open, err) < 0)
		return -1;
	if (!is_open)
		return 0;
	session = roster_find(&disks->roster, pass->vm);
	if (!session)
		return fl_error_set(err, FL_UNAVAILABLE,
				    "the launcher of VM %s, which has volume %s, is not connected: "
				    "ask again",
				    pass->vm, pass->volume);
	quick.deadline = fl_clock_earlier(op->deadline, fl_clock_after_ms(DISKS_LAUNCHER_MS));
	return session_call(session, &quick, method, params, &fd, fd >= 0 ? 1 : 0, ret, err);
}

int disks_resize(struct disks *disks, const struct fl_op *op, const struct pass *pass,
		 uint64_t size, uint64_t *ret_size, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *params =
		json_pack("{s:s, s:I}", "volume", pass->volume, "size", (json_int_t)size);
	fl_cleanup(fl_json_release) json_t *result = NULL;
	int64_t seen;

	*ret_size = size;
	if (disks_forward(disks, op, pass, "resize", params, -1, &result, err) < 0)
		return -1;
	if (!result)
		return 0;
	if (fl_json_number(result, "size", 0, &seen, err) < 0)
		return -1;
	if (seen < 0 || (uint64_t)seen < size)
		return fl_error_set(err, FL_UNAVAILABLE,
				    "the guest of VM %s sees %jd bytes of volume %s, not %ju yet",
				    pass->vm, (intmax_t)seen, pass->volume, (uintmax_t)size);
	*ret_size = (uint64_t)seen;
	return 0;
}
