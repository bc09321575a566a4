/* SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include <string.h>

#include "attach.h"
#include "base/clock.h"
#include "base/log.h"
#include "machine.h"

#define BOOT_PAUSE_FIRST_MS 100
#define BOOT_PAUSE_MAX_MS 5000
#define BOOT_STEP_MS 30000

static int boot_plug_disks(const struct fl_op *op, struct vm *vm, struct fl_error *err)
{
	for (size_t i = 0; i < vm->spec.n_disks; i++) {
		const struct vm_disk_spec *disk = &vm->spec.disks[i];
		const struct attach_request request = {
			.pass = disk->pass,
			.path = disk->path,
			.serial = disk->serial,
			.bus = disk->bus,
			.boot = (unsigned)disk->boot,
			.readonly = disk->readonly,
		};
		const char *source;

		if (attach_disk(op, vm, &request, &source, err) < 0)
			return -1;
	}
	return 0;
}

static bool boot_has_order(const struct vm *vm)
{
	for (size_t i = 0; i < vm->spec.n_disks; i++) {
		if (vm->spec.disks[i].boot)
			return true;
	}
	return false;
}

/* One attempt; every step of it may be made twice. */
static int boot_try(struct vm *vm, bool *ret_started, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op op = { "boot", fl_clock_after_ms(BOOT_STEP_MS), arena, NULL };
	const char *state;

	*ret_started = false;
	if (machine_state(&op, vm, &state, err) < 0)
		return -1;
	if (strcmp(state, "prelaunch") != 0)
		return 0;
	if (boot_plug_disks(&op, vm, err) < 0)
		return -1;
	/* The firmware reads the boot order at a reset. */
	if (boot_has_order(vm) && qmp_call(&op, vm->qmp, "system_reset", NULL, NULL, err) < 0)
		return -1;
	*ret_started = true;
	return machine_start(&op, vm, err);
}

static void boot_say(struct vm *vm, const char *text)
{
	pthread_mutex_lock(&vm->lock);
	snprintf(vm->waiting, sizeof(vm->waiting), "%s", text);
	pthread_mutex_unlock(&vm->lock);
}

static bool boot_may_come(const struct fl_error *err)
{
	return err->code == FL_UNAVAILABLE || err->code == FL_TIMEOUT || err->code == FL_BUSY;
}

static bool boot_is_over(struct vm *vm)
{
	bool stopping;

	pthread_mutex_lock(&vm->lock);
	stopping = vm->stopping;
	pthread_mutex_unlock(&vm->lock);
	return stopping || qmp_is_gone(vm->qmp);
}

static void boot_give_up(struct vm *vm, const struct fl_error *why)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op op = { "boot", fl_clock_after_ms(BOOT_STEP_MS), arena, NULL };
	struct fl_error err;

	fl_log(FL_LOG_ERROR, "boot", "VM %s cannot be started: %s", vm->spec.name, why->text);
	pthread_mutex_lock(&vm->lock);
	vm->failed = true;
	vm->stopping = true;
	pthread_mutex_unlock(&vm->lock);
	if (qmp_call(&op, vm->qmp, "quit", NULL, NULL, &err) < 0 && !qmp_is_gone(vm->qmp))
		fl_log(FL_LOG_ERROR, "boot", "%s", err.text);
}

void boot_vm(struct vm *vm)
{
	uint64_t pause_ms = BOOT_PAUSE_FIRST_MS;

	while (!boot_is_over(vm)) {
		struct fl_error err = { .code = FL_OK };
		bool started;

		if (boot_try(vm, &started, &err) == 0) {
			boot_say(vm, "");
			if (started)
				fl_log(FL_LOG_INFO, "boot", "VM %s runs", vm->spec.name);
			return;
		}
		if (boot_is_over(vm))
			return;
		if (!boot_may_come(&err)) {
			boot_give_up(vm, &err);
			return;
		}
		fl_log(FL_LOG_WARNING, "boot", "VM %s waits: %s", vm->spec.name, err.text);
		boot_say(vm, err.text);
		fl_clock_sleep_ms(pause_ms);
		pause_ms = pause_ms * 2 > BOOT_PAUSE_MAX_MS ? BOOT_PAUSE_MAX_MS : pause_ms * 2;
	}
}
