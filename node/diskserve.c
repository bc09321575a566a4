/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the disk service: its thread reads requests and answers them, and hands the
 * peer's answers to who waits for them. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "node/diskcalls.h"

#define DISKSERVE_CALL_MS 30000
#define DISKSERVE_IDLE_MS 60000
#define DISKSERVE_BUDGET ((size_t)1 << 20)

static const struct diskserve_method {
	const char *name;
	diskcall_handler *handler;
} diskserve_methods[] = {
	{ "hello", diskcall_hello },
	{ "attach", diskcall_attach },
	{ "release", diskcall_release },
	{ "where", diskcall_where },
	{ "copy-start", diskcall_copy_start },
	{ "copy-status", diskcall_copy_status },
	{ "copy-finish", diskcall_copy_finish },
	{ "limits", diskcall_limits },
	{ "hold", diskcall_hold },
	{ "unhold", diskcall_unhold },
};

int diskcall_text(const struct diskcall *call, const char *key, const char **ret,
		  struct fl_error *err)
{
	const char *text = json_string_value(json_object_get(call->params, key));

	if (!text || !*text)
		return fl_error_set(err, FL_INVALID, "parameter \"%s\" is missing", key);
	*ret = text;
	return 0;
}

static void diskserve_close(struct diskcall *call)
{
	for (size_t i = 0; i < FL_COUNT(call->fds); i++)
		fl_close(&call->fds[i]);
}

static int diskserve_dispatch(struct diskcall *call, const char *method, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(diskserve_methods); i++) {
		if (strcmp(diskserve_methods[i].name, method) == 0)
			return diskserve_methods[i].handler(call, err);
	}
	return fl_error_set(err, FL_UNSUPPORTED, "the disk service has no method of that name");
}

/* Tokens are no part of a log line; the volume is. */
static void diskserve_log(const struct diskcall *call, const char *method, uint64_t start_us,
			  const struct fl_error *err)
{
	struct fl_log_line line;

	fl_log_begin(&line, err->code == FL_OK ? FL_LOG_INFO : FL_LOG_WARNING, "disks");
	fl_log_text(&line, "method", method);
	fl_log_text(&line, "vm", session_vm(call->session));
	fl_log_text(&line, "volume", json_string_value(json_object_get(call->params, "volume")));
	fl_log_number(&line, "pid", session_pid(call->session));
	fl_log_number(&line, "uid", session_uid(call->session));
	fl_log_number(&line, "us", (int64_t)(fl_clock_us() - start_us));
	if (err->code != FL_OK)
		fl_log_error(&line, err);
	fl_log_end(&line);
}

static json_t *diskserve_answer(const json_t *id, const struct diskcall *call,
				const struct fl_error *err)
{
	if (err->code == FL_OK)
		return json_pack("{s:O, s:O}", "id", id, "result", call->result);
	return json_pack("{s:O, s:{s:s, s:s}}", "id", id, "error", "code", fl_error_name(err->code),
			 "text", err->text);
}

/* One request.  -1: the peer does not take its answer. */
static int diskserve_request(struct diskcall *call, const json_t *message, const char *method,
			     struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *empty = json_object();
	fl_cleanup(fl_json_release) json_t *result = json_object();
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	const json_t *params = json_object_get(message, "params");
	struct fl_error failure = { 0 };
	uint64_t start_us = fl_clock_us();
	json_t *id = json_object_get(message, "id");

	call->params = json_is_object(params) ? params : empty;
	call->result = result;
	if (!json_is_integer(id))
		return fl_error_set(err, FL_INVALID, "a request has no id");
	if (diskserve_dispatch(call, method, &failure) < 0)
		call->n_fds = 0;
	else
		failure.code = FL_OK; /* something may have been missing on the way to success */
	diskserve_log(call, method, start_us, &failure);
	answer = diskserve_answer(id, call, &failure);
	if (!answer)
		return fl_error_set(err, FL_INTERNAL, "an answer cannot be written");
	return fl_channel_send(call->op, session_fd(call->session), answer, call->fds, call->n_fds,
			       err);
}

/* Receives one message and deals with it.  -1: the connection is over. */
static int diskserve_message(struct disks *disks, struct session *session, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(DISKSERVE_BUDGET);
	fl_cleanup(fl_channel_message_release) struct fl_channel_message message = { 0 };
	fl_cleanup(diskserve_close) struct diskcall call = { .disks = disks,
							     .session = session,
							     .fds = { -1, -1 } };
	struct fl_op op = { .id = "disks",
			    .deadline = fl_clock_after_ms(DISKSERVE_IDLE_MS),
			    .arena = arena };
	const char *method;

	if (fl_channel_receive(&op, session_fd(session), &message, err) < 0)
		/* A VM's session may be silent for ever; others are not kept. */
		return err->code == FL_TIMEOUT && session_vm(session) ? 0 : -1;
	method = json_string_value(json_object_get(message.json, "method"));
	if (!method) {
		session_answer(session, message.json);
		return 0;
	}
	op.deadline = fl_clock_after_ms(DISKSERVE_CALL_MS);
	call.op = &op;
	return diskserve_request(&call, message.json, method, err);
}

void diskserve(struct disks *disks, struct session *session)
{
	struct fl_error err = { 0 };

	while (diskserve_message(disks, session, &err) == 0)
		;
	if (session_vm(session))
		fl_log(FL_LOG_INFO, "disks", "VM %s: %s", session_vm(session), err.text);
}
