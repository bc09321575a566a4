/* SPDX-License-Identifier: Apache-2.0 */
#include "methods.h"

#include <string.h>

#include "attach.h"
#include "base/clock.h"
#include "machine.h"
#include "resize.h"
#include "stall.h"
#include "status.h"

#define METHOD_TIMEOUT_MS 30000
#define METHOD_PATIENCE_MS 3000
#define METHOD_TIMEOUT_MAX_MS (24 * 3600 * 1000)

struct params {
	const char *pass, *path, *serial, *bus, *disk, *volume;
	int64_t timeout_ms, size;
	bool readonly, force;
};

static int methods_read(const json_t *json, struct params *ret, struct fl_error *err)
{
	const struct {
		const char *key, **text;
	} texts[] = {
		{ "pass", &ret->pass }, { "path", &ret->path }, { "serial", &ret->serial },
		{ "bus", &ret->bus },   { "disk", &ret->disk }, { "volume", &ret->volume },
	};

	for (size_t i = 0; i < FL_COUNT(texts); i++) {
		if (fl_json_text(json, texts[i].key, NULL, texts[i].text, err) < 0)
			return -1;
	}
	if (fl_json_number(json, "timeout_ms", -1, &ret->timeout_ms, err) < 0 ||
	    fl_json_number(json, "size", 0, &ret->size, err) < 0 ||
	    fl_json_bool(json, "readonly", false, &ret->readonly, err) < 0 ||
	    fl_json_bool(json, "force", false, &ret->force, err) < 0)
		return -1;
	if (ret->timeout_ms > METHOD_TIMEOUT_MAX_MS || ret->size < 0)
		return fl_error_set(err, FL_INVALID, "timeout_ms or size is out of range");
	return 0;
}

static int methods_disk_of(const struct params *params, const char **ret, struct fl_error *err)
{
	if (!params->disk == !params->volume)
		return fl_error_set(err, FL_INVALID, "the request names either a disk or a volume");
	*ret = params->disk ? params->disk : params->volume;
	return 0;
}

static int method_status(const struct fl_op *op, struct vm *vm, const struct params *params,
			 json_t **ret, struct fl_error *err)
{
	(void)params;
	return status_vm(op, vm, ret, err);
}

static int method_attach(const struct fl_op *op, struct vm *vm, const struct params *params,
			 json_t **ret, struct fl_error *err)
{
	const struct attach_request request = {
		.pass = params->pass,
		.path = params->path,
		.serial = params->serial,
		.bus = params->bus,
		.readonly = params->readonly,
	};
	const char *source;

	if (attach_disk(op, vm, &request, &source, err) < 0)
		return -1;
	return status_disk(op, vm, source, ret, err);
}

static int method_detach(const struct fl_op *op, struct vm *vm, const struct params *params,
			 json_t **ret, struct fl_error *err)
{
	const char *name = NULL;

	if (methods_disk_of(params, &name, err) < 0 || detach_disk(op, vm, name, err) < 0)
		return -1;
	*ret = json_object();
	return 0;
}

static int method_resize(const struct fl_op *op, struct vm *vm, const struct params *params,
			 json_t **ret, struct fl_error *err)
{
	const char *name = NULL;
	uint64_t size;

	if (methods_disk_of(params, &name, err) < 0 ||
	    resize_disk(op, vm, name, (uint64_t)params->size, &size, err) < 0)
		return -1;
	*ret = json_pack("{s:I}", "size", (json_int_t)size);
	return 0;
}

static int method_resume(const struct fl_op *op, struct vm *vm, const struct params *params,
			 json_t **ret, struct fl_error *err)
{
	(void)params;
	if (stall_end(op, vm, err) < 0)
		return -1;
	*ret = json_object();
	return 0;
}

static int method_stop(const struct fl_op *op, struct vm *vm, const struct params *params,
		       json_t **ret, struct fl_error *err)
{
	uint64_t timeout_ms =
		params->timeout_ms < 0 ? vm->spec.stop_timeout_ms : (uint64_t)params->timeout_ms;
	const char *how;

	if (machine_stop(op, vm, timeout_ms, params->force, &how, err) < 0)
		return -1;
	*ret = json_pack("{s:s}", "how", how);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const struct fl_op *op, struct vm *vm, const struct params *params, json_t **ret,
		   struct fl_error *err);
} methods[] = {
	{ "status", method_status }, { "attach", method_attach }, { "detach", method_detach },
	{ "resize", method_resize }, { "resume", method_resume }, { "stop", method_stop },
};

static int methods_run(const struct fl_op *op, struct vm *vm, const char *method,
		       const struct params *params, json_t **ret, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(methods); i++) {
		if (strcmp(methods[i].name, method) == 0)
			return methods[i].run(op, vm, params, ret, err);
	}
	return fl_error_set(err, FL_UNSUPPORTED, "a launcher has no method \"%.40s\"", method);
}

int methods_call(struct fl_op *op, struct vm *vm, const char *method, const json_t *json,
		 json_t **ret, struct fl_error *err)
{
	struct timespec patience = fl_clock_after_ms(METHOD_PATIENCE_MS);
	struct params params;

	if (methods_read(json, &params, err) < 0) {
		err->code = FL_INVALID;
		return -1;
	}
	op->deadline = fl_clock_after_ms(params.timeout_ms < 0 ? METHOD_TIMEOUT_MS
							       : (uint64_t)params.timeout_ms);
	patience = fl_clock_earlier(patience, op->deadline);
	/* What holds the disk is most often the keeper, for a moment. */
	while (methods_run(op, vm, method, &params, ret, err) < 0) {
		if (err->code != FL_BUSY || fl_clock_passed(patience))
			return -1;
		fl_clock_sleep_ms(20);
	}
	return 0;
}
