/* SPDX-License-Identifier: Apache-2.0 */
/* vm_run: everything is prepared here, before the supervisor begins. */
#include "launcher.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accel.h"
#include "args.h"
#include "base/log.h"
#include "exit.h"
#include "firmware.h"
#include "rundir.h"
#include "spec.h"
#include "supervisor.h"
#include "vm.h"

static const char *const run_qemu_places[] = {
	"/usr/bin/qemu-system-x86_64",
	"/usr/local/bin/qemu-system-x86_64",
	"/usr/libexec/qemu-kvm",
};

/* A run under preparation. */
struct run {
	struct fl_arena *arena;
	struct vm_spec spec; /* with nothing left open */
	const char *dir;
	int dir_fd, lock_fd;
	const char *const *qemu, *const *launcher;
};

static int run_find_qemu(const char **ret, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(run_qemu_places); i++) {
		if (access(run_qemu_places[i], X_OK) == 0) {
			*ret = run_qemu_places[i];
			return 0;
		}
	}
	return fl_error_set(err, FL_UNSUPPORTED,
			    "qemu-system-x86_64 is not installed (package qemu-system-x86)");
}

static int run_check_published(const struct vm_spec *spec, struct fl_error *err)
{
	for (size_t i = 0; i < spec->n_disks; i++) {
		if (spec->disks[i].volume && !spec->disks[i].pass)
			return fl_config_fail(
				spec->disks[i].at, err,
				"disk %zu: volume %s has not been published for this VM", i + 1,
				spec->disks[i].volume);
	}
	return 0;
}

/* What the caller published for us is a pass from here on. */
static void run_settle_disks(struct run *run)
{
	struct vm_disk_spec *disks = fl_arena_array(run->arena, run->spec.n_disks, sizeof(*disks));

	for (size_t i = 0; i < run->spec.n_disks; i++) {
		disks[i] = run->spec.disks[i];
		disks[i].volume = NULL;
	}
	run->spec.disks = disks;
}

static int run_prepare_firmware(struct run *run, const char **ret_code, struct fl_error *err)
{
	struct firmware firmware;

	*ret_code = NULL;
	if (strcmp(run->spec.firmware, "uefi") != 0)
		return 0;
	if (firmware_find(&firmware, err) < 0 ||
	    firmware_copy_variables(&firmware, run->dir_fd, "uefi-variables", err) < 0)
		return -1;
	*ret_code = firmware.code;
	return 0;
}

static int run_prepare_arguments(struct run *run, const char *qemu, struct fl_error *err)
{
	struct args_input input = {
		.spec = &run->spec, .dir = run->dir, .qemu = qemu, .accel = run->spec.accel
	};
	const char **launcher = fl_arena_array(run->arena, 5, sizeof(*launcher));

	if (run_prepare_firmware(run, &input.firmware_code, err) < 0)
		return -1;
	run->qemu = args_build(run->arena, &input);
	launcher[0] = "/proc/self/exe";
	launcher[1] = "vm";
	launcher[2] = "launcher";
	launcher[3] = run->dir;
	run->launcher = launcher;
	return 0;
}

static int run_prepare(struct run *run, struct fl_error *err)
{
	const char *qemu = NULL;

	if (vm_spec_check_host(&run->spec, err) < 0 || run_check_published(&run->spec, err) < 0 ||
	    run_find_qemu(&qemu, err) < 0 ||
	    accel_choose(run->spec.accel, &run->spec.accel, err) < 0 ||
	    vm_directory(run->arena, run->spec.name, &run->dir, err) < 0 ||
	    rundir_lock(run->dir, &run->lock_fd, err) < 0 ||
	    rundir_open(run->dir, &run->dir_fd, err) < 0 || rundir_sweep(run->dir_fd, err) < 0 ||
	    vm_record_end(run->dir_fd, err) < 0)
		return -1;
	if (!run->spec.disk_service)
		run->spec.disk_service =
			fl_arena_printf(run->arena, "%s/disks.sock", vm_run_directory());
	run_settle_disks(run);
	if (run_prepare_arguments(run, qemu, err) < 0)
		return -1;
	return spec_save(&run->spec, run->dir_fd, "spec.json", err);
}

static int run_status(const struct supervisor_end *end)
{
	if (end->launcher_exit == EXIT_LAUNCHER_NOT_STARTED)
		return 1;
	if (WIFEXITED(end->qemu_status))
		return WEXITSTATUS(end->qemu_status);
	return 128 + WTERMSIG(end->qemu_status);
}

static void run_clean(const struct run *run, const struct supervisor_end *end, int status)
{
	struct fl_error err;

	if (status != 0 || end->launcher_exit != EXIT_LAUNCHER_DONE)
		fl_log(FL_LOG_WARNING, "supervisor", "VM %s: its console is in %s/console.log",
		       run->spec.name, run->dir);
	else if (rundir_remove(run->dir, &err) < 0)
		fl_log(FL_LOG_WARNING, "supervisor", "%s", err.text);
}

int vm_run(const struct vm_spec *spec, int *ret_status, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct run run = { .arena = arena, .spec = *spec, .dir_fd = -1, .lock_fd = -1 };
	struct supervisor_input input;
	struct supervisor_end end;
	int failed;

	failed = run_prepare(&run, err);
	if (failed == 0) {
		input = (struct supervisor_input){
			.name = run.spec.name,
			.qemu = run.qemu,
			.launcher = run.launcher,
			.dir_fd = run.dir_fd,
			.lock_fd = run.lock_fd,
			.stop_timeout_ms = run.spec.stop_timeout_ms,
		};
		failed = supervisor_run(&input, &end, err);
	}
	if (failed == 0) {
		*ret_status = run_status(&end);
		run_clean(&run, &end, *ret_status);
	}
	fl_close(&run.dir_fd);
	fl_close(&run.lock_fd);
	return failed;
}
