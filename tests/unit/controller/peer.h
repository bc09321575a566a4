/* SPDX-License-Identifier: Apache-2.0 */
/* Peer: what answers on the disk service's socket in these tests.  It speaks the real protocol of
 * docs/disk-service.md; what a launcher and its QEMU would have to say is set by the test, because
 * the moments that matter here (a launcher that is just being started again, an answer that is
 * lost) cannot be met on purpose with real ones. */
#pragma once

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/channel.h"
#include "rig.h"

/* What the test sets, between two calls of the controller. */
struct peer_mood {
	const char *state; /* of the volume: "absent", "staged", "kernel", "vm" */
	bool plugged;
	bool misses_file;          /* which `where` would have to look at */
	bool forgetful;            /* no job is known: the QEMU that had it is gone */
	bool away;                 /* the launcher is not connected, as while it is started again */
	bool loses_answer;         /* of the next copy-start */
	unsigned polls_until_done; /* so many looks find the job running; 0: until peer_complete */
	const char *failure;       /* the job's, or NULL */
	const char *kernel;        /* this one volume (id) is used by a kernel device */
	const char *plain;         /* … and this one by nobody */
	bool refuses_hold;         /* of the VM that has a volume whose id ends in "-b" */
	bool hold_falls;           /* before its end */
	void (*on_hold)(void);     /* what somebody else does at that moment */
};

/* A copy that was started and not finished. */
struct peer_job {
	char job[64];
	char path[256];
	bool done;
	bool held; /* every VM stood still when it was started */
};
#define PEER_JOBS 8

/* What it was told. */
struct peer_news {
	char job[64];   /* of the copy that was started last; "" when there is none */
	char path[256]; /* that the last copy-start named */
	unsigned n_started;
	unsigned n_limits; /* how often it was told of new limits */
	unsigned n_jobs;
	unsigned n_held;   /* how often a VM was held */
	unsigned n_stands; /* so many are held now */
	bool all_held;     /* every running job was started while VMs were held */
};

struct peer {
	int fd;
	pthread_t thread;
	atomic_bool stop;
	pthread_mutex_t lock;
	/* Under the lock: */
	struct peer_mood mood;
	struct peer_news news;
	struct peer_job jobs[PEER_JOBS];
};

static void __attribute__((unused)) peer_set(struct peer *peer, struct peer_mood mood)
{
	pthread_mutex_lock(&peer->lock);
	peer->mood = mood;
	pthread_mutex_unlock(&peer->lock);
}

static struct peer_news __attribute__((unused)) peer_look(struct peer *peer)
{
	struct peer_news news;

	pthread_mutex_lock(&peer->lock);
	news = peer->news;
	news.all_held = true;
	for (size_t i = 0; i < PEER_JOBS; i++) {
		news.n_jobs += peer->jobs[i].job[0] != '\0';
		news.all_held = news.all_held && (!peer->jobs[i].job[0] || peer->jobs[i].held);
	}
	pthread_mutex_unlock(&peer->lock);
	return news;
}

static struct peer_job *peer_job(struct peer *peer, const char *job)
{
	for (size_t i = 0; i < PEER_JOBS; i++)
		if (strcmp(peer->jobs[i].job, job) == 0)
			return &peer->jobs[i];
	return NULL;
}

/* What QEMU would have done by the end of its job: the volume as it was at the cut. */
static void peer_copy(struct peer_job *job, const char *text)
{
	fl_cleanup(fl_close) int fd = open(job->path, O_WRONLY | O_CLOEXEC);

	/* A launcher ends a job whose target has been deleted. */
	if (fd < 0 && errno == ENOENT) {
		job->job[0] = '\0';
		return;
	}
	if (fd < 0 || pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		abort();
	job->done = true;
}

/* All jobs come to their end. */
static void __attribute__((unused)) peer_complete(struct peer *peer, const char *text)
{
	pthread_mutex_lock(&peer->lock);
	for (size_t i = 0; i < PEER_JOBS; i++)
		if (peer->jobs[i].job[0])
			peer_copy(&peer->jobs[i], text);
	pthread_mutex_unlock(&peer->lock);
}

/* A job that has ended and that nobody has finished. */
static void __attribute__((unused)) peer_leave_job(struct peer *peer, const char *job)
{
	pthread_mutex_lock(&peer->lock);
	snprintf(peer->news.job, sizeof(peer->news.job), "%s", job);
	snprintf(peer->jobs[0].job, sizeof(peer->jobs[0].job), "%s", job);
	peer->jobs[0].done = true;
	pthread_mutex_unlock(&peer->lock);
}

static json_t *peer_error(const char *code, const char *text)
{
	return json_pack("{s:{s:s, s:s}}", "error", "code", code, "text", text);
}

/* NULL: the answer is lost. */
static json_t *peer_start(struct peer *peer, const char *name, const char *path)
{
	struct peer_job *job = peer_job(peer, name);

	if (!peer->mood.plugged)
		return peer_error("IN_USE", "no launcher holds the volume");
	peer->news.n_started++;
	if (!job) {
		job = peer_job(peer, "");
		if (!job)
			abort();
		snprintf(job->job, sizeof(job->job), "%s", name);
		snprintf(job->path, sizeof(job->path), "%s", path);
		snprintf(peer->news.job, sizeof(peer->news.job), "%s", name);
		snprintf(peer->news.path, sizeof(peer->news.path), "%s", path);
		job->done = false;
		job->held = peer->news.n_stands > 0;
	}
	if (peer->mood.loses_answer) {
		peer->mood.loses_answer = false;
		return NULL;
	}
	return json_pack("{s:{s:I}}", "result", "cut_ns", (json_int_t)fl_clock_wall_ns());
}

static json_t *peer_status(struct peer *peer, const char *name)
{
	struct peer_job *job = peer_job(peer, name);
	const char *state = job && job->done ? "done" : "running";

	if (peer->mood.away)
		return peer_error("UNAVAILABLE", "the launcher of VM web1 is not connected");
	if (peer->mood.forgetful || !job)
		state = "unknown";
	else if (peer->mood.failure)
		state = "failed";
	else if (!job->done && peer->mood.polls_until_done && --peer->mood.polls_until_done == 0) {
		peer_copy(job, "polled");
		state = "done";
	}
	return json_pack("{s:{s:s, s:i, s:i, s:s}}", "result", "state", state, "done", 1, "total",
			 2, "error", peer->mood.failure ? peer->mood.failure : "");
}

static json_t *peer_limits(struct peer *peer)
{
	if (peer->mood.away)
		return peer_error("UNAVAILABLE", "the launcher of VM web1 is not connected");
	peer->news.n_limits++;
	return json_pack("{s:{}}", "result");
}

/* Volumes "…-b" are another VM's. */
static const char *peer_vm(const char *volume)
{
	return fl_text_ends_with(volume, "-b") ? "web2" : "web1";
}

static json_t *peer_where(struct peer *peer, const char *volume)
{
	const char *state = peer->mood.state;
	bool plugged = peer->mood.plugged;

	if (peer->mood.misses_file)
		return peer_error("NOT_FOUND", "opening /x: No such file or directory");
	if (peer->mood.kernel && strcmp(volume, peer->mood.kernel) == 0)
		state = "kernel";
	if (peer->mood.plain && strcmp(volume, peer->mood.plain) == 0)
		state = "absent";
	plugged = plugged && strcmp(state, "vm") == 0;
	return json_pack("{s:{s:s, s:s, s:b}}", "result", "state", state, "vm", peer_vm(volume),
			 "plugged", (int)plugged);
}

static json_t *peer_hold(struct peer *peer, const char *volume)
{
	if (peer->mood.refuses_hold && fl_text_ends_with(volume, "-b"))
		return peer_error("BUSY", "VM web2 is being started: ask again");
	if (peer->mood.on_hold)
		peer->mood.on_hold();
	peer->news.n_held++;
	peer->news.n_stands++;
	return json_pack("{s:{}}", "result");
}

static json_t *peer_unhold(struct peer *peer)
{
	bool stood = peer->news.n_stands > 0 && !peer->mood.hold_falls;

	if (peer->news.n_stands > 0)
		peer->news.n_stands--;
	return json_pack("{s:{s:b}}", "result", "stood", (int)stood);
}

static json_t *peer_finish(struct peer *peer, const char *name)
{
	struct peer_job *job = name ? peer_job(peer, name) : NULL;

	if (job)
		*job = (struct peer_job){ .done = false };
	if (job && strcmp(peer->news.job, name) == 0)
		peer->news.job[0] = '\0';
	return json_pack("{s:{}}", "result");
}

static json_t *peer_answer(struct peer *peer, const char *method, const json_t *params)
{
	const char *job = json_string_value(json_object_get(params, "job"));
	const char *path = json_string_value(json_object_get(params, "path"));
	const char *volume = json_string_value(json_object_get(params, "volume"));

	if (strcmp(method, "where") == 0)
		return peer_where(peer, volume);
	if (strcmp(method, "limits") == 0)
		return peer_limits(peer);
	if (strcmp(method, "hold") == 0)
		return peer_hold(peer, volume);
	if (strcmp(method, "unhold") == 0)
		return peer_unhold(peer);
	if (strcmp(method, "copy-start") == 0)
		return peer_start(peer, job, path);
	if (strcmp(method, "copy-status") == 0)
		return peer_status(peer, job);
	return peer_finish(peer, job);
}

static void peer_serve_one(struct peer *peer, int fd)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message message = { 0 };
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const struct fl_op op = { "peer", fl_clock_after_ms(5000), arena, NULL };
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	struct fl_error err;

	if (fl_channel_receive(&op, fd, &message, &err) < 0)
		return;
	pthread_mutex_lock(&peer->lock);
	answer = peer_answer(peer, json_string_value(json_object_get(message.json, "method")),
			     json_object_get(message.json, "params"));
	pthread_mutex_unlock(&peer->lock);
	if (!answer)
		return;
	json_object_set(answer, "id", json_object_get(message.json, "id"));
	if (fl_channel_send(&op, fd, answer, NULL, 0, &err) < 0)
		abort();
}

static void *peer_run(void *cookie)
{
	struct peer *peer = cookie;

	while (!atomic_load(&peer->stop)) {
		struct pollfd ready = { .fd = peer->fd, .events = POLLIN };
		if (poll(&ready, 1, 50) <= 0)
			continue;
		fl_cleanup(fl_close) int fd = accept4(peer->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			peer_serve_one(peer, fd);
	}
	return NULL;
}

static void peer_open(struct peer *peer, const char *path)
{
	memset(peer, 0, sizeof(*peer));
	pthread_mutex_init(&peer->lock, NULL);
	peer->mood.state = "absent";
	rig_must(fl_channel_listen(path, &peer->fd, &test_error));
	pthread_create(&peer->thread, NULL, peer_run, peer);
}

static void peer_close(struct peer *peer, const char *path)
{
	atomic_store(&peer->stop, true);
	pthread_join(peer->thread, NULL);
	fl_close(&peer->fd);
	unlink(path);
	pthread_mutex_destroy(&peer->lock);
}
