/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "qmp_line.h"
#include "qmp_send.h"

/* A caller that waits for its answer; on its stack. */
struct qmp_waiter {
	uint64_t id;
	json_t *answer;
	struct qmp_waiter *next;
};

struct qmp {
	int fd;
	pthread_t reader;
	struct qmp_lines lines; /* the reader's */
	pthread_mutex_t sending;
	/* Everything below: `lock`.  It is never held while something is sent or waited for. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct qmp_waiter *waiters;
	uint64_t last_id;
	uint64_t events;
	bool gone;
};

static void qmp_set_gone(struct qmp *qmp)
{
	pthread_mutex_lock(&qmp->lock);
	qmp->gone = true;
	pthread_cond_broadcast(&qmp->changed);
	pthread_mutex_unlock(&qmp->lock);
}

/* Events that a person wants to find in the log. */
static const char *const qmp_logged[] = {
	"BLOCK_IO_ERROR", "BLOCK_JOB_ERROR", "GUEST_PANICKED",
	"SHUTDOWN",       "RESET",           "STOP",
	"RESUME",         "POWERDOWN",       "WATCHDOG",
	"SUSPEND",        "WAKEUP",          "BLOCK_IMAGE_CORRUPTED",
};

static void qmp_event(struct qmp *qmp, const char *name, const json_t *data)
{
	const char *reason = json_string_value(json_object_get(data, "reason"));

	for (size_t i = 0; i < FL_COUNT(qmp_logged); i++) {
		if (strcmp(name, qmp_logged[i]) == 0)
			fl_log(FL_LOG_INFO, "qemu", "%s%s%s", name, reason ? ": " : "",
			       reason ? reason : "");
	}
	pthread_mutex_lock(&qmp->lock);
	qmp->events++;
	pthread_cond_broadcast(&qmp->changed);
	pthread_mutex_unlock(&qmp->lock);
}

/* Gives the answer to its waiter; when there is none any more it stays the caller's. */
static void qmp_answer(struct qmp *qmp, json_t **answer)
{
	uint64_t id = (uint64_t)json_integer_value(json_object_get(*answer, "id"));

	pthread_mutex_lock(&qmp->lock);
	for (struct qmp_waiter *w = qmp->waiters; w; w = w->next) {
		if (w->id == id && !w->answer) {
			w->answer = *answer;
			*answer = NULL;
			pthread_cond_broadcast(&qmp->changed);
			break;
		}
	}
	pthread_mutex_unlock(&qmp->lock);
}

static void *qmp_read(void *cookie)
{
	struct qmp *qmp = cookie;
	struct fl_error err = { .code = FL_OK };
	json_t *message;

	while (qmp_lines_next(&qmp->lines, qmp->fd, NULL, &message, &err) == 0) {
		const char *event = json_string_value(json_object_get(message, "event"));

		if (event)
			qmp_event(qmp, event, json_object_get(message, "data"));
		else
			qmp_answer(qmp, &message);
		json_decref(message);
	}
	if (err.code != FL_UNAVAILABLE)
		fl_log(FL_LOG_ERROR, "qmp", "%s", err.text);
	qmp_set_gone(qmp);
	return NULL;
}

/* A command that was sent by half makes the rest of the stream useless: the connection ends. */
static int qmp_send(const struct fl_op *op, struct qmp *qmp, const char *text, int fd,
		    struct fl_error *err)
{
	bool half = false;
	int failed;

	pthread_mutex_lock(&qmp->sending);
	failed = qmp_send_text(op, qmp->fd, text, fd, &half, err);
	if (half)
		shutdown(qmp->fd, SHUT_RDWR);
	pthread_mutex_unlock(&qmp->sending);
	return failed;
}

static void qmp_forget(struct qmp *qmp, struct qmp_waiter *waiter)
{
	struct qmp_waiter **p = &qmp->waiters;

	while (*p != waiter)
		p = &(*p)->next;
	*p = waiter->next;
}

static int qmp_result(const char *command, const json_t *answer, json_t **ret, struct fl_error *err)
{
	json_t *value = json_object_get(answer, "return"),
	       *error = json_object_get(answer, "error");
	const char *class = json_string_value(json_object_get(error, "class"));
	const char *text = json_string_value(json_object_get(error, "desc"));
	enum fl_error_code code = FL_INTERNAL;

	if (value) {
		if (ret)
			*ret = json_incref(value);
		return 0;
	}
	if (class && strcmp(class, "DeviceNotFound") == 0)
		code = FL_NOT_FOUND;
	if (class && strcmp(class, "CommandNotFound") == 0)
		code = FL_UNSUPPORTED;
	return fl_error_set(err, code, "QEMU refuses %s: %s", command,
			    text ? text : "no reason given");
}

/* Waits for the answer and takes the waiter off the list. */
static int qmp_wait_answer(const struct fl_op *op, struct qmp *qmp, struct qmp_waiter *waiter,
			   const char *command, struct fl_error *err)
{
	int late = 0;

	pthread_mutex_lock(&qmp->lock);
	while (!waiter->answer && !qmp->gone && late != ETIMEDOUT)
		late = pthread_cond_timedwait(&qmp->changed, &qmp->lock, &op->deadline);
	qmp_forget(qmp, waiter);
	pthread_mutex_unlock(&qmp->lock);
	if (waiter->answer)
		return 0;
	if (late)
		return fl_error_set(err, FL_TIMEOUT, "QEMU has not answered %s in time", command);
	return fl_error_set(err, FL_UNAVAILABLE, "QEMU is gone");
}

int qmp_call_fd(const struct fl_op *op, struct qmp *qmp, const char *command, json_t *arguments,
		int fd, json_t **ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	fl_cleanup(fl_json_release) json_t *request = json_pack("{s:s}", "execute", command);
	struct qmp_waiter waiter = { .answer = NULL };
	int failed;

	if (arguments)
		json_object_set_new(request, "arguments", arguments);
	pthread_mutex_lock(&qmp->lock);
	waiter.id = ++qmp->last_id;
	waiter.next = qmp->waiters;
	qmp->waiters = &waiter;
	pthread_mutex_unlock(&qmp->lock);
	json_object_set_new(request, "id", json_integer((json_int_t)waiter.id));

	failed = qmp_send(op, qmp, fl_json_dump(op->arena, request), fd, err);
	if (failed) {
		pthread_mutex_lock(&qmp->lock);
		qmp_forget(qmp, &waiter);
		pthread_mutex_unlock(&qmp->lock);
		fl_json_release(&waiter.answer);
		return -1;
	}
	if (qmp_wait_answer(op, qmp, &waiter, command, err) < 0)
		return -1;
	answer = waiter.answer;
	return qmp_result(command, answer, ret, err);
}

int qmp_call(const struct fl_op *op, struct qmp *qmp, const char *command, json_t *arguments,
	     json_t **ret, struct fl_error *err)
{
	return qmp_call_fd(op, qmp, command, arguments, -1, ret, err);
}

uint64_t qmp_events(struct qmp *qmp)
{
	uint64_t events;

	pthread_mutex_lock(&qmp->lock);
	events = qmp->events;
	pthread_mutex_unlock(&qmp->lock);
	return events;
}

bool qmp_wait(struct qmp *qmp, uint64_t *seen, struct timespec until)
{
	int late = 0;

	pthread_mutex_lock(&qmp->lock);
	while (qmp->events == *seen && !qmp->gone && late != ETIMEDOUT)
		late = pthread_cond_timedwait(&qmp->changed, &qmp->lock, &until);
	*seen = qmp->events;
	pthread_mutex_unlock(&qmp->lock);
	return late != ETIMEDOUT;
}

bool qmp_is_gone(struct qmp *qmp)
{
	bool gone;

	pthread_mutex_lock(&qmp->lock);
	gone = qmp->gone;
	pthread_mutex_unlock(&qmp->lock);
	return gone;
}

/* Reads the greeting; *ret_oob: whether QEMU offers out-of-band execution. */
static int qmp_greeting(const struct fl_op *op, struct qmp *qmp, bool *ret_oob,
			struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *message = NULL;
	json_t *qmp_member, *capability;
	size_t i;

	if (qmp_lines_next(&qmp->lines, qmp->fd, &op->deadline, &message, err) < 0)
		return fl_error_prefix(err, "waiting for QEMU's greeting");
	qmp_member = json_object_get(message, "QMP");
	if (!qmp_member)
		return fl_error_set(err, FL_INTERNAL, "what greets on the QMP socket is not QEMU");
	*ret_oob = false;
	json_array_foreach(json_object_get(qmp_member, "capabilities"), i, capability)
	{
		if (json_is_string(capability) && strcmp(json_string_value(capability), "oob") == 0)
			*ret_oob = true;
	}
	return 0;
}

static struct qmp *qmp_new(int fd)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));
	pthread_condattr_t monotonic;

	if (!qmp)
		abort();
	qmp->fd = fd;
	pthread_mutex_init(&qmp->sending, NULL);
	pthread_mutex_init(&qmp->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&qmp->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return qmp;
}

static void qmp_free(struct qmp *qmp)
{
	fl_close(&qmp->fd);
	qmp_lines_release(&qmp->lines);
	pthread_cond_destroy(&qmp->changed);
	pthread_mutex_destroy(&qmp->lock);
	pthread_mutex_destroy(&qmp->sending);
	free(qmp);
}

int qmp_start(const struct fl_op *op, int fd, struct qmp **ret, struct fl_error *err)
{
	struct qmp *qmp = qmp_new(fd);
	json_t *arguments;
	bool oob = false;

	if (qmp_greeting(op, qmp, &oob, err) < 0) {
		qmp_free(qmp);
		return -1;
	}
	errno = pthread_create(&qmp->reader, NULL, qmp_read, qmp);
	if (errno != 0) {
		qmp_free(qmp);
		return fl_error_sys(err, errno, "starting the thread that reads QMP");
	}
	arguments = oob ? json_pack("{s:[s]}", "enable", "oob") : NULL;
	if (qmp_call(op, qmp, "qmp_capabilities", arguments, NULL, err) < 0) {
		qmp_close(qmp);
		return -1;
	}
	*ret = qmp;
	return 0;
}

int qmp_open(const struct fl_op *op, const char *path, struct qmp **ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return fl_error_sys(err, errno, "making a socket for %s", path);
	if (strlen(path) >= sizeof(address.sun_path))
		return fl_error_set(err, FL_INVALID, "%s is too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		fl_error_sys(err, errno, "connecting to %s", path);
		err->code = FL_UNAVAILABLE;
		return -1;
	}
	return qmp_start(op, fl_take_fd(&fd), ret, err);
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	shutdown(qmp->fd, SHUT_RDWR);
	pthread_join(qmp->reader, NULL);
	qmp_free(qmp);
}
