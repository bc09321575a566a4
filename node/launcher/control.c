/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "methods.h"

#define CONTROL_ARENA (1 << 20)
#define CONTROL_IDLE_MS 60000
#define CONTROL_SEND_MS 5000

struct control {
	struct vm *vm;
	int listener;
	_Atomic int connections;
	_Atomic int requests; /* being answered */
};

struct control_connection {
	struct control *control;
	int fd;
};

/* One line for each request that changes something. */
static void control_log(const char *method, uint64_t since_us, const struct fl_error *err)
{
	struct fl_log_line line;

	fl_log_begin(&line, err->code ? FL_LOG_WARNING : FL_LOG_INFO, "request");
	fl_log_text(&line, "method", method);
	fl_log_number(&line, "ms", (int64_t)((fl_clock_us() - since_us) / 1000));
	if (err->code)
		fl_log_error(&line, err);
	fl_log_end(&line);
}

static json_t *control_error(const json_t *id, const struct fl_error *err)
{
	return json_pack("{s:O?, s:{s:s, s:s}}", "id", id, "error", "code",
			 fl_error_name(err->code), "text", err->text);
}

static json_t *control_perform(struct control *control, struct fl_op *op, const json_t *request)
{
	const char *method = json_string_value(json_object_get(request, "method"));
	json_t *id = json_object_get(request, "id"), *result = NULL;
	struct fl_error err = { .code = FL_OK };
	uint64_t since_us = fl_clock_us();

	if (!method)
		fl_error_set(&err, FL_INVALID, "the request has no method");
	else if (methods_call(op, control->vm, method, json_object_get(request, "params"), &result,
			      &err) == 0)
		err.code = FL_OK;
	if (err.code || fl_clock_us() - since_us > 1000000)
		control_log(method, since_us, &err);
	if (err.code)
		return control_error(id, &err);
	return json_pack("{s:O?, s:o}", "id", id, "result", result);
}

/* Receives and answers one request; false at the end of the connection. */
static bool control_serve_one(struct control *control, int fd)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(CONTROL_ARENA);
	fl_cleanup(fl_channel_message_release) struct fl_channel_message request = { .json = NULL };
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	struct fl_op op = { "control", fl_clock_after_ms(CONTROL_IDLE_MS), arena, NULL };
	struct fl_error err;
	int failed;

	if (fl_channel_receive(&op, fd, &request, &err) < 0) {
		if (err.code != FL_INVALID)
			return false;
		answer = control_error(NULL, &err);
	}
	control->requests++;
	if (!answer)
		answer = control_perform(control, &op, request.json);
	op.deadline = fl_clock_after_ms(CONTROL_SEND_MS);
	failed = fl_channel_send(&op, fd, answer, NULL, 0, &err);
	control->requests--;
	return failed == 0;
}

static void *control_serve(void *cookie)
{
	struct control_connection *connection = cookie;
	struct control *control = connection->control;

	while (control_serve_one(control, connection->fd))
		;
	fl_close(&connection->fd);
	free(connection);
	control->connections--;
	return NULL;
}

static void control_refuse(int fd)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(CONTROL_ARENA);
	struct fl_op op = { "control", fl_clock_after_ms(0), arena, NULL };
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	struct fl_error err;

	fl_error_set(&err, FL_BUSY, "%d requests are being served already: ask again",
		     CONTROL_CONNECTIONS_MAX);
	answer = control_error(NULL, &err);
	if (fl_channel_send(&op, fd, answer, NULL, 0, &err) < 0)
		fl_log(FL_LOG_WARNING, "control", "%s", err.text);
}

static void control_accept(struct control *control)
{
	fl_cleanup(fl_close) int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
	struct control_connection *connection;
	pthread_t thread;

	if (fd < 0) {
		fl_clock_sleep_ms(10); /* no descriptors left: the listener stays readable */
		return;
	}
	connection = malloc(sizeof(*connection));
	if (!connection || control->connections >= CONTROL_CONNECTIONS_MAX) {
		control_refuse(fd);
		free(connection);
		return;
	}
	*connection = (struct control_connection){ control, fd };
	control->connections++;
	if (pthread_create(&thread, NULL, control_serve, connection) != 0) {
		control->connections--;
		free(connection);
		return;
	}
	pthread_detach(thread);
	fd = -1; /* the thread's now */
}

static void *control_run(void *cookie)
{
	struct control *control = cookie;
	struct pollfd ready = { .fd = control->listener, .events = POLLIN };

	for (;;) {
		if (poll(&ready, 1, -1) > 0)
			control_accept(control);
	}
	return NULL;
}

int control_start(struct vm *vm, struct control **ret, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *path = fl_arena_printf(arena, "%s/control.sock", vm->dir);
	struct control *control;
	pthread_t thread;
	int listener;

	if (fl_channel_listen(path, &listener, err) < 0)
		return -1;
	control = calloc(1, sizeof(*control));
	if (!control)
		abort();
	control->vm = vm;
	control->listener = listener;
	errno = pthread_create(&thread, NULL, control_run, control);
	if (errno != 0) {
		fl_close(&control->listener);
		free(control);
		return fl_error_sys(err, errno, "starting the control thread");
	}
	pthread_detach(thread);
	*ret = control;
	return 0;
}

void control_drain(struct control *control, struct timespec until)
{
	while (control->requests > 0 && !fl_clock_passed(until))
		fl_clock_sleep_ms(10);
}
