/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <string.h>

#include "attachment.h"
#include "note.h"

#define MACHINE_PAUSE_MS 200
#define MACHINE_LET_GO_MS 10000 /* for the processes of a VM that has ended to close its images */

static bool machine_is_later(enum fl_error_code code)
{
	return code == FL_BUSY || code == FL_UNAVAILABLE || code == FL_TIMEOUT;
}

struct orchestrator machine_waiter(struct fl_arena *arena, uint64_t timeout_ms)
{
	return (struct orchestrator){ .arena = arena,
				      .timeout_ms = timeout_ms,
				      .deadline = fl_clock_after_ms(timeout_ms) };
}

int machine_call(struct orchestrator *o, const char *vm, const char *method, const json_t *params,
		 json_t **ret, struct fl_error *err)
{
	struct fl_op op = { .id = "cli", .deadline = o->deadline, .arena = o->arena };
	struct fl_error failure = { 0 };
	int result;

	while ((result = vm_call(&op, vm, method, params, ret, &failure)) < 0) {
		if (!machine_is_later(failure.code) || fl_clock_passed(o->deadline))
			break;
		progress_say(&o->progress, failure.text);
		fl_clock_sleep_ms(MACHINE_PAUSE_MS);
	}
	progress_end(&o->progress);
	if (result < 0)
		*err = failure;
	return result;
}

static bool machine_fits(const json_t *disk, const char *word)
{
	static const char *const keys[] = { "serial", "volume", "path" };
	const char *volume = json_string_value(json_object_get(disk, "volume"));
	const char *slash = volume ? strrchr(volume, '/') : NULL;

	for (size_t i = 0; i < FL_COUNT(keys); i++) {
		const char *text = json_string_value(json_object_get(disk, keys[i]));

		if (text && strcmp(text, word) == 0)
			return true;
	}
	return slash && strcmp(slash + 1, word) == 0;
}

const json_t *machine_disk(const json_t *status, const char *word)
{
	const json_t *disks = json_object_get(status, "disks");

	for (size_t i = 0; i < json_array_size(disks); i++) {
		if (machine_fits(json_array_get(disks, i), word))
			return json_array_get(disks, i);
	}
	return NULL;
}

/* The target in the note that was published for the VM, or NULL. */
static const char *machine_target(const json_t *note, const char *vm)
{
	const json_t *targets = json_object_get(note, "targets");

	for (size_t i = 0; i < json_array_size(targets); i++) {
		const json_t *target = json_array_get(targets, i);
		const char *name = json_string_value(json_object_get(target, "vm"));

		if (name && strcmp(name, vm) == 0)
			return json_string_value(json_object_get(target, "path"));
	}
	return NULL;
}

/* "In use" just after the end means that a process is still closing the image. */
static int machine_let_go(struct orchestrator *o, const struct attachment_end *end,
			  struct fl_error *err)
{
	struct timespec patience = fl_clock_after_ms(MACHINE_LET_GO_MS);
	struct fl_error failure = { 0 };
	int result;

	while ((result = attachment_unpublish(o, end, &failure)) < 0 && failure.code == FL_IN_USE &&
	       !fl_clock_passed(patience))
		fl_clock_sleep_ms(MACHINE_PAUSE_MS);
	if (result < 0)
		*err = failure;
	return result;
}

int machine_release(struct fl_arena *arena, const struct client_options *options, const char *vm,
		    size_t *ret_n, struct fl_error *err)
{
	fl_cleanup(orchestrator_close) struct orchestrator o = { 0 };
	fl_cleanup(fl_json_release) json_t *notes = NULL;
	size_t n = 0;

	if (note_list(arena, &notes, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *note = json_array_get(notes, i);
		struct attachment_end end = {
			.volume = json_string_value(json_object_get(note, "volume")),
			.target = machine_target(note, vm),
		};

		if (!end.volume || !end.target)
			continue;
		if ((!o.controller && orchestrator_open(arena, options, &o, err) < 0) ||
		    machine_let_go(&o, &end, err) < 0)
			return fl_error_prefix(err, "releasing volume %s of VM %s", end.volume, vm);
		n++;
	}
	*ret_n = n;
	return 0;
}
