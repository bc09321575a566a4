/* SPDX-License-Identifier: Apache-2.0 */
#include "disklink_serve.h"

#include <string.h>

#include "backup.h"
#include "base/clock.h"
#include "base/log.h"
#include "hold.h"
#include "resize.h"
#include "stall.h"

/* Who asks for health waits no longer, and other requests wait behind it. */
#define SERVE_HEALTH_MS 2000

/* A text that the request has to have. */
static int serve_text(const json_t *params, const char *key, const char **ret, struct fl_error *err)
{
	if (fl_json_text(params, key, "", ret, err) < 0) {
		err->code = FL_INVALID;
		return -1;
	}
	if (**ret == '\0')
		return fl_error_set(err, FL_INVALID, "the request has no \"%s\"", key);
	return 0;
}

static int serve_resize(const struct fl_op *op, struct vm *vm,
			const struct fl_channel_message *request, json_t **ret,
			struct fl_error *err)
{
	const json_t *params = json_object_get(request->json, "params");
	const char *volume;
	uint64_t size;
	int64_t wanted;

	if (serve_text(params, "volume", &volume, err) < 0 ||
	    fl_json_number(params, "size", 0, &wanted, err) < 0)
		return -1;
	if (wanted < 0)
		return fl_error_set(err, FL_INVALID, "a size is not negative");
	if (resize_disk(op, vm, volume, (uint64_t)wanted, &size, err) < 0)
		return -1;
	*ret = json_pack("{s:I}", "size", (json_int_t)size);
	return 0;
}

static int serve_limits(const struct fl_op *op, struct vm *vm,
			const struct fl_channel_message *request, json_t **ret,
			struct fl_error *err)
{
	const json_t *params = json_object_get(request->json, "params");
	struct throttle limits;
	const char *volume;

	if (serve_text(params, "volume", &volume, err) < 0 ||
	    throttle_read(params, &limits, err) < 0 ||
	    throttle_set(op, vm, volume, &limits, err) < 0)
		return -1;
	*ret = json_object();
	return 0;
}

static int serve_health(const struct fl_op *op, struct vm *vm,
			const struct fl_channel_message *request, json_t **ret,
			struct fl_error *err)
{
	const json_t *params = json_object_get(request->json, "params");
	const char *volume, *state, *stall;
	struct fl_op quick = *op;

	quick.deadline = fl_clock_earlier(op->deadline, fl_clock_after_ms(SERVE_HEALTH_MS));
	if (serve_text(params, "volume", &volume, err) < 0 ||
	    stall_read(&quick, vm, volume, &state, &stall, err) < 0)
		return -1;
	*ret = json_pack("{s:s, s:s*}", "state", state, "error", stall);
	return 0;
}

static int serve_copy_start(const struct fl_op *op, struct vm *vm,
			    const struct fl_channel_message *request, json_t **ret,
			    struct fl_error *err)
{
	const json_t *params = json_object_get(request->json, "params");
	const char *volume, *job;
	int64_t cut_ns;

	if (serve_text(params, "volume", &volume, err) < 0 ||
	    serve_text(params, "job", &job, err) < 0)
		return -1;
	if (request->n_fds != 1)
		return fl_error_set(err, FL_INVALID, "copy-start comes with one descriptor");
	if (backup_start(op, vm, volume, job, request->fds[0], &cut_ns, err) < 0)
		return -1;
	*ret = json_pack("{s:I}", "cut_ns", (json_int_t)cut_ns);
	return 0;
}

static int serve_copy_status(const struct fl_op *op, struct vm *vm,
			     const struct fl_channel_message *request, json_t **ret,
			     struct fl_error *err)
{
	const json_t *params = json_object_get(request->json, "params");
	struct backup_state state;
	const char *job;

	if (serve_text(params, "job", &job, err) < 0 || backup_status(op, vm, job, &state, err) < 0)
		return -1;
	*ret = json_pack("{s:s, s:I, s:I, s:s?}", "state", state.state, "done",
			 (json_int_t)state.done, "total", (json_int_t)state.total, "error",
			 state.error);
	return 0;
}

static int serve_copy_finish(const struct fl_op *op, struct vm *vm,
			     const struct fl_channel_message *request, json_t **ret,
			     struct fl_error *err)
{
	const json_t *params = json_object_get(request->json, "params");
	const char *job;

	if (serve_text(params, "job", &job, err) < 0 || backup_finish(op, vm, job, err) < 0)
		return -1;
	*ret = json_object();
	return 0;
}

static int serve_hold(const struct fl_op *op, struct vm *vm,
		      const struct fl_channel_message *request, json_t **ret, struct fl_error *err)
{
	const json_t *params = json_object_get(request->json, "params");
	const char *volume, *id;
	int64_t ms;

	if (serve_text(params, "volume", &volume, err) < 0 ||
	    serve_text(params, "hold", &id, err) < 0 ||
	    fl_json_number(params, "ms", 0, &ms, err) < 0 ||
	    hold_begin(op, vm, volume, id, ms > 0 ? (uint64_t)ms : 0, err) < 0)
		return -1;
	*ret = json_object();
	return 0;
}

static int serve_unhold(const struct fl_op *op, struct vm *vm,
			const struct fl_channel_message *request, json_t **ret,
			struct fl_error *err)
{
	const json_t *params = json_object_get(request->json, "params");
	const char *id;
	bool stood;

	if (serve_text(params, "hold", &id, err) < 0 || hold_end(op, vm, id, &stood, err) < 0)
		return -1;
	*ret = json_pack("{s:b}", "stood", (int)stood);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const struct fl_op *op, struct vm *vm, const struct fl_channel_message *request,
		   json_t **ret, struct fl_error *err);
} methods[] = {
	{ "resize", serve_resize },           { "limits", serve_limits },
	{ "copy-start", serve_copy_start },   { "copy-status", serve_copy_status },
	{ "copy-finish", serve_copy_finish }, { "hold", serve_hold },
	{ "unhold", serve_unhold },           { "health", serve_health },
};

static int serve_method(const struct fl_op *op, struct vm *vm,
			const struct fl_channel_message *request, json_t **ret,
			struct fl_error *err)
{
	const char *name = json_string_value(json_object_get(request->json, "method"));

	if (!vm->qmp)
		return fl_error_set(err, FL_UNAVAILABLE, "VM %s has ended", vm->spec.name);
	for (size_t i = 0; name && i < FL_COUNT(methods); i++) {
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].run(op, vm, request, ret, err);
	}
	return fl_error_set(err, FL_UNSUPPORTED, "a launcher has no method \"%.40s\"",
			    name ? name : "");
}

void disklink_serve(const struct fl_op *op, struct vm *vm, int fd,
		    const struct fl_channel_message *request)
{
	json_t *id = json_object_get(request->json, "id");
	json_t *result = NULL;
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	struct fl_error err = { .code = FL_OK };

	if (serve_method(op, vm, request, &result, &err) == 0)
		answer = json_pack("{s:O?, s:o}", "id", id, "result", result);
	else
		answer = json_pack("{s:O?, s:{s:s, s:s}}", "id", id, "error", "code",
				   fl_error_name(err.code), "text", err.text);
	if (fl_channel_send(op, fd, answer, NULL, 0, &err) < 0)
		fl_log(FL_LOG_WARNING, "disklink", "an answer was lost: %s", err.text);
}
