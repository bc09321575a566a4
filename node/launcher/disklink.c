/* SPDX-License-Identifier: Apache-2.0 */
#include "disklink.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "disklink_serve.h"

#define DISKLINK_PAUSE_FIRST_MS 100
#define DISKLINK_PAUSE_MAX_MS 5000
#define DISKLINK_PATIENCE_MS 5000 /* for a connection, and for the answer to hello */
#define DISKLINK_IDLE_MS 60000
#define DISKLINK_SERVE_MS 20000
#define DISKLINK_HELLO 0 /* the id of that request; ours begin at 1 */

/* A caller that waits for its answer; on its stack. */
struct disklink_waiter {
	int64_t id;
	bool answered;
	struct fl_channel_message answer;
	struct disklink_waiter *next;
};

struct disklink {
	struct vm *vm;
	pthread_mutex_t sending; /* before `lock`; held while something is sent or fd changes */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int fd; /* -1: not connected */
	bool wanted;
	int64_t last_id;
	struct disklink_waiter *waiters;
	struct fl_error why; /* what the last attempt to connect said */
};

static void disklink_set_fd(struct disklink *disklink, int fd)
{
	pthread_mutex_lock(&disklink->sending);
	pthread_mutex_lock(&disklink->lock);
	fl_close(&disklink->fd);
	disklink->fd = fd;
	pthread_cond_broadcast(&disklink->changed);
	pthread_mutex_unlock(&disklink->lock);
	pthread_mutex_unlock(&disklink->sending);
}

static void disklink_answer(struct disklink *disklink, struct fl_channel_message *message)
{
	json_int_t id = json_integer_value(json_object_get(message->json, "id"));

	pthread_mutex_lock(&disklink->lock);
	for (struct disklink_waiter *w = disklink->waiters; w; w = w->next) {
		if (w->id == id && !w->answered) {
			w->answered = true;
			w->answer = *message;
			*message = (struct fl_channel_message){ .json = NULL };
			pthread_cond_broadcast(&disklink->changed);
			break;
		}
	}
	pthread_mutex_unlock(&disklink->lock);
}

/* The answer to our hello: from now on requests can be made. */
static int disklink_welcome(struct disklink *disklink, int *fd, const json_t *answer,
			    struct fl_error *err)
{
	const json_t *error = json_object_get(answer, "error");
	const char *text = json_string_value(json_object_get(error, "text"));

	if (error)
		return fl_error_set(err, FL_DENIED, "the disk service does not take us: %s",
				    text ? text : "no reason given");
	fl_log(FL_LOG_INFO, "disklink", "connected to %s", disklink->vm->spec.disk_service);
	disklink_set_fd(disklink, fl_take_fd(fd));
	return 0;
}

static int disklink_say_hello(struct disklink *disklink, int fd, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op op = { "hello", fl_clock_after_ms(DISKLINK_PATIENCE_MS), arena, NULL };
	fl_cleanup(fl_json_release) json_t *hello =
		json_pack("{s:i, s:s, s:{s:s}}", "id", DISKLINK_HELLO, "method", "hello", "params",
			  "vm", disklink->vm->spec.name);

	return fl_channel_send(&op, fd, hello, NULL, 0, err);
}

/* One message, either way.  *fd is taken when the service has welcomed us. */
static int disklink_move(struct disklink *disklink, int socket, int *fd, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_channel_message_release) struct fl_channel_message message = { .json = NULL };
	bool welcome = *fd < 0;
	struct fl_op op = { "disklink",
			    fl_clock_after_ms(welcome ? DISKLINK_IDLE_MS : DISKLINK_PATIENCE_MS),
			    arena, NULL };
	const json_t *id;

	if (fl_channel_receive(&op, socket, &message, err) < 0)
		return welcome && err->code == FL_TIMEOUT ? 0 : -1;
	id = json_object_get(message.json, "id");
	op.deadline = fl_clock_after_ms(DISKLINK_SERVE_MS);
	/* The service may ask before its answer to our hello has arrived. */
	if (json_object_get(message.json, "method"))
		disklink_serve(&op, disklink->vm, socket, &message);
	else if (!welcome && json_integer_value(id) == DISKLINK_HELLO)
		return disklink_welcome(disklink, fd, message.json, err);
	else
		disklink_answer(disklink, &message);
	return 0;
}

/* Connects and moves messages until the connection ends, which is always an error.  *ret_welcome:
 * whether the service has taken us. */
static void disklink_converse(struct disklink *disklink, bool *ret_welcome, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;
	int socket;

	*ret_welcome = false;
	if (fl_channel_connect(disklink->vm->spec.disk_service, &fd, err) < 0)
		return;
	socket = fd;
	if (disklink_say_hello(disklink, fd, err) < 0)
		return;
	while (disklink_move(disklink, socket, &fd, err) == 0)
		;
	*ret_welcome = fd < 0;
	if (fd < 0)
		disklink_set_fd(disklink, -1);
}

static void disklink_wait_until_wanted(struct disklink *disklink)
{
	pthread_mutex_lock(&disklink->lock);
	while (!disklink->wanted)
		pthread_cond_wait(&disklink->changed, &disklink->lock);
	pthread_mutex_unlock(&disklink->lock);
}

static void disklink_failed(struct disklink *disklink, const struct fl_error *why)
{
	bool news;

	pthread_mutex_lock(&disklink->lock);
	news = strcmp(disklink->why.text, why->text) != 0;
	disklink->why = *why;
	pthread_mutex_unlock(&disklink->lock);
	if (news)
		fl_log(FL_LOG_WARNING, "disklink", "%s", why->text);
}

static void *disklink_run(void *cookie)
{
	struct disklink *disklink = cookie;
	uint64_t pause_ms = DISKLINK_PAUSE_FIRST_MS;

	disklink_wait_until_wanted(disklink);
	for (;;) {
		struct fl_error err = { .code = FL_OK };
		bool welcome;

		disklink_converse(disklink, &welcome, &err);
		disklink_failed(disklink, &err);
		if (welcome)
			pause_ms = DISKLINK_PAUSE_FIRST_MS;
		fl_clock_sleep_ms(pause_ms);
		pause_ms =
			pause_ms * 2 > DISKLINK_PAUSE_MAX_MS ? DISKLINK_PAUSE_MAX_MS : pause_ms * 2;
	}
	return NULL;
}

int disklink_start(struct vm *vm, struct fl_error *err)
{
	struct disklink *disklink = calloc(1, sizeof(*disklink));
	pthread_condattr_t monotonic;
	pthread_t thread;

	if (!disklink)
		abort();
	disklink->vm = vm;
	disklink->fd = -1;
	pthread_mutex_init(&disklink->sending, NULL);
	pthread_mutex_init(&disklink->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&disklink->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	/* A restarted launcher is looked for by the service when it has volumes. */
	for (const struct disk *d = vm->disks; d; d = d->next)
		disklink->wanted = disklink->wanted || d->pass;
	vm->disklink = disklink;
	errno = pthread_create(&thread, NULL, disklink_run, disklink);
	if (errno != 0)
		return fl_error_sys(err, errno, "starting the disk link's thread");
	pthread_detach(thread);
	return 0;
}

static int disklink_wait_connected(struct disklink *disklink, struct timespec until,
				   struct fl_error *err)
{
	int late = 0;

	pthread_mutex_lock(&disklink->lock);
	disklink->wanted = true;
	pthread_cond_broadcast(&disklink->changed);
	while (disklink->fd < 0 && late != ETIMEDOUT)
		late = pthread_cond_timedwait(&disklink->changed, &disklink->lock, &until);
	if (disklink->fd < 0)
		fl_error_set(err, FL_UNAVAILABLE, "the disk service cannot be reached: %s",
			     disklink->why.text);
	pthread_mutex_unlock(&disklink->lock);
	return late == ETIMEDOUT ? -1 : 0;
}

/* Sends the request with the waiter on the list. */
static int disklink_send(const struct fl_op *op, struct disklink *disklink, const char *method,
			 json_t *params, struct disklink_waiter *waiter, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *request = NULL;
	int failed = -1;

	pthread_mutex_lock(&disklink->sending);
	pthread_mutex_lock(&disklink->lock);
	waiter->id = ++disklink->last_id;
	waiter->next = disklink->waiters;
	disklink->waiters = waiter;
	pthread_mutex_unlock(&disklink->lock);
	request = json_pack("{s:I, s:s, s:O}", "id", (json_int_t)waiter->id, "method", method,
			    "params", params);
	/* Only the disk link's thread changes fd, and only with `sending` held. */
	if (disklink->fd >= 0)
		failed = fl_channel_send(op, disklink->fd, request, NULL, 0, err);
	else
		fl_error_set(err, FL_UNAVAILABLE, "the disk service has just gone");
	pthread_mutex_unlock(&disklink->sending);
	return failed;
}

static int disklink_wait_answer(const struct fl_op *op, struct disklink *disklink,
				struct disklink_waiter *waiter, const char *method,
				struct fl_error *err)
{
	struct disklink_waiter **p = &disklink->waiters;
	int late = 0, fd;

	pthread_mutex_lock(&disklink->lock);
	fd = disklink->fd;
	while (!waiter->answered && disklink->fd == fd && fd >= 0 && late != ETIMEDOUT)
		late = pthread_cond_timedwait(&disklink->changed, &disklink->lock, &op->deadline);
	while (*p != waiter)
		p = &(*p)->next;
	*p = waiter->next;
	pthread_mutex_unlock(&disklink->lock);
	if (waiter->answered)
		return 0;
	return fl_error_set(err, late ? FL_TIMEOUT : FL_UNAVAILABLE,
			    "the disk service has not answered %s", method);
}

static int disklink_result(struct disklink_waiter *waiter, struct fl_channel_message *ret,
			   struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = waiter->answer;
	const json_t *error = json_object_get(answer.json, "error");
	json_t *result = json_object_get(answer.json, "result");
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *text = json_string_value(json_object_get(error, "text"));

	if (error)
		return fl_error_set(err, fl_error_code_of(code ? code : ""), "disk service: %s",
				    text ? text : "an error without words");
	if (!json_is_object(result))
		return fl_error_set(err, FL_INTERNAL, "the disk service answers without a result");
	*ret = answer;
	ret->json = json_incref(result);
	json_decref(answer.json);
	answer = (struct fl_channel_message){ .json = NULL };
	return 0;
}

/* One request; `params` is stolen. */
static int disklink_call(const struct fl_op *op, struct disklink *disklink, const char *method,
			 json_t *params, struct fl_channel_message *ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *held = params;
	struct disklink_waiter waiter = { .answered = false };
	struct timespec until =
		fl_clock_earlier(op->deadline, fl_clock_after_ms(DISKLINK_PATIENCE_MS));
	struct fl_op sent = *op;

	if (disklink_wait_connected(disklink, until, err) < 0)
		return -1;
	/* A request that could not be sent has no answer: its wait ends at once. */
	if (disklink_send(op, disklink, method, held, &waiter, err) < 0) {
		struct fl_error late;

		sent.deadline = fl_clock_after_ms(0);
		if (disklink_wait_answer(&sent, disklink, &waiter, method, &late) == 0)
			fl_channel_message_release(&waiter.answer);
		return -1;
	}
	if (disklink_wait_answer(op, disklink, &waiter, method, err) < 0)
		return -1;
	return disklink_result(&waiter, ret, err);
}

static int disklink_take(struct fl_channel_message *answer, const struct diskpass *pass,
			 struct medium *ret, bool *ret_readonly, struct fl_error *err)
{
	fl_cleanup(medium_release) struct medium medium = MEDIUM_NONE;
	const char *kind, *serial;
	bool readonly;

	if (fl_json_text(answer->json, "kind", "", &kind, err) < 0 ||
	    fl_json_text(answer->json, "serial", "", &serial, err) < 0 ||
	    fl_json_bool(answer->json, "readonly", false, &readonly, err) < 0 ||
	    throttle_read(answer->json, &medium.limits, err) < 0)
		return -1;
	if (strcmp(kind, "file") != 0)
		return fl_error_set(err, FL_UNSUPPORTED,
				    "volume %s is a source of kind \"%s\": this launcher takes "
				    "files",
				    pass->volume, kind);
	if (!fl_text_is_safe_name(serial, VM_SERIAL_MAX) || answer->n_fds != (readonly ? 1 : 2))
		return fl_error_set(err, FL_INTERNAL,
				    "the disk service's answer for volume %s is not whole",
				    pass->volume);
	if (!readonly)
		medium.rw = fl_take_fd(&answer->fds[0]);
	medium.ro = fl_take_fd(&answer->fds[readonly ? 0 : 1]);
	if (medium_inspect(&medium, pass->volume, err) < 0)
		return -1;
	medium.serial = serial;
	*ret = medium;
	*ret_readonly = readonly;
	medium = MEDIUM_NONE;
	return 0;
}

int disklink_attach(const struct fl_op *op, struct disklink *disklink, const struct diskpass *pass,
		    struct medium *ret, bool *ret_readonly, struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { .json = NULL };
	json_t *params = json_pack("{s:s, s:s}", "volume", pass->volume, "token", pass->token);

	if (disklink_call(op, disklink, "attach", params, &answer, err) < 0 ||
	    disklink_take(&answer, pass, ret, ret_readonly, err) < 0)
		return -1;
	ret->serial = fl_arena_strdup(op->arena, ret->serial);
	return 0;
}

int disklink_release(const struct fl_op *op, struct disklink *disklink, const struct diskpass *pass,
		     struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { .json = NULL };
	json_t *params = json_pack("{s:s, s:s}", "volume", pass->volume, "token", pass->token);

	return disklink_call(op, disklink, "release", params, &answer, err);
}
