/* SPDX-License-Identifier: Apache-2.0 */
#include "stall.h"

#include <string.h>

#include "base/clock.h"
#include "hold.h"
#include "machine.h"

#define STALL_STATE "io-error"
/* Requests that failed are made again at once; storage that is still broken mostly says so at
 * once. */
#define STALL_WATCH_MS 500

int stall_look(const struct fl_op *op, struct vm *vm, const char *state, json_t **ret,
	       struct fl_error *err)
{
	*ret = NULL;
	if (strcmp(state, STALL_STATE) != 0)
		return 0;
	return qmp_call(op, vm->qmp, "query-block", NULL, ret, err);
}

const char *stall_of(const json_t *devices, const struct disk *disk)
{
	json_t *entry;
	size_t i;

	json_array_foreach(devices, i, entry)
	{
		/* The device's id, or a path with it; the node is another one during a copy. */
		const char *device = json_string_value(json_object_get(entry, "qdev"));
		const char *mark = json_string_value(json_object_get(entry, "io-status"));

		if (!device || !mark || !strstr(device, disk->device) || strcmp(mark, "ok") == 0)
			continue;
		return strcmp(mark, "nospace") == 0 ? "full" : "failed";
	}
	return NULL;
}

int stall_read(const struct fl_op *op, struct vm *vm, const char *source_or_serial,
	       const char **ret_state, const char **ret_stall, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *devices = NULL;
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	const struct disk *disk;
	const char *state;

	if (machine_state(op, vm, &state, err) < 0 ||
	    stall_look(op, vm, state, &devices, err) < 0 || vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	disk = disk_find(vm->disks, source_or_serial);
	if (!disk)
		return fl_error_set(err, FL_NOT_FOUND, "VM %s has no disk %s", vm->spec.name,
				    source_or_serial);
	*ret_state = state;
	*ret_stall = stall_of(devices, disk);
	return 0;
}

static int stall_go_on(const struct fl_op *op, struct vm *vm, struct fl_error *err)
{
	/* Under the lock no hold begins, so it is none of ours that ends here. */
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	const char *state;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	if (hold_is_on(vm))
		return fl_error_set(err, FL_BUSY,
				    "VM %s is held for a snapshot and goes on by itself: ask again",
				    vm->spec.name);
	if (machine_state(op, vm, &state, err) < 0)
		return -1;
	if (strcmp(state, "running") == 0)
		return 0;
	if (strcmp(state, STALL_STATE) != 0 && strcmp(state, "paused") != 0)
		return fl_error_set(err, FL_IN_USE,
				    "VM %s is in state %s and cannot go on: stop it", vm->spec.name,
				    state);
	return qmp_call(op, vm->qmp, "cont", NULL, NULL, err);
}

/* The guest stands still again: for which disks, and what is to be done. */
static int stall_again(const struct fl_op *op, struct vm *vm, const json_t *devices,
		       struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	const char *names = "";
	bool full = true;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	for (const struct disk *d = vm->disks; d; d = d->next) {
		const char *stall = stall_of(devices, d);

		if (!stall)
			continue;
		names = fl_arena_printf(op->arena, "%s%s%s (%s)", names, *names ? ", " : "",
					d->source, stall);
		full = full && strcmp(stall, "full") == 0;
	}
	return fl_error_set(err, full && *names ? FL_NO_SPACE : FL_INTERNAL,
			    "VM %s stands still again, because of its disks %s: make space, or "
			    "repair the storage, then resume it once more",
			    vm->spec.name, names);
}

static int stall_watch(const struct fl_op *op, struct vm *vm, uint64_t seen, struct fl_error *err)
{
	struct timespec until = fl_clock_earlier(op->deadline, fl_clock_after_ms(STALL_WATCH_MS));

	do {
		fl_cleanup(fl_json_release) json_t *devices = NULL;
		const char *state;

		if (machine_state(op, vm, &state, err) < 0 ||
		    stall_look(op, vm, state, &devices, err) < 0)
			return -1;
		if (devices)
			return stall_again(op, vm, devices, err);
	} while (qmp_wait(vm->qmp, &seen, until));
	return 0;
}

int stall_end(const struct fl_op *op, struct vm *vm, struct fl_error *err)
{
	uint64_t seen = qmp_events(vm->qmp);

	if (stall_go_on(op, vm, err) < 0)
		return -1;
	return stall_watch(op, vm, seen, err);
}
