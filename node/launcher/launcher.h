/* SPDX-License-Identifier: Apache-2.0 */
/* Launcher: runs one virtual machine and plugs disks into it while it runs.
 *
 * Three processes: the supervisor (vm_run, in the foreground) holds QEMU and the launcher proper
 * (launcher_main) as its children.  The launcher may die at any moment: it is started again, asks
 * QEMU what is there and finishes or undoes what its predecessor had begun; QEMU never notices.
 * The supervisor's end is the VM's end.
 *
 * This header is what the command line uses.  What a launcher answers on its control socket is
 * docs/launcher.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "base/json.h"
#include "base/op.h"

#define VM_CPUS_MAX 248
#define VM_MEMORY_MIN ((uint64_t)16 << 20)
#define VM_MEMORY_MAX ((uint64_t)1024 << 30)
#define VM_SCSI_DISKS_MAX 255
#define VM_VIRTIO_DISKS_MAX 16
#define VM_NICS_MAX 7
#define VM_SERIAL_MAX 20

/* A disk as the specification wants it: exactly one of volume, pass and path is set. */
struct vm_disk_spec {
	const char
		*volume;  /* a volume id: the caller of vm_run has it published for this VM and sets
			     * pass instead */
	const char *pass; /* the disk pass of docs/disk-service.md, absolute */
	const char *path; /* a raw image or a block device, absolute */
	const char *bus;  /* "scsi" or "virtio" */
	const char *serial; /* at most VM_SERIAL_MAX characters; NULL: follows from the source */
	uint64_t boot;      /* boot order, from 1; 0: not booted from */
	bool readonly;
	const struct fl_config_node *at; /* where it stood, for errors */
};

struct vm_nic_spec {
	const char *type; /* "user" or "none" */
	const char *mac;  /* NULL: follows from the VM's name */
	struct fl_strings hostfwd;
	const struct fl_config_node *at;
};

struct vm_spec {
	const char *name; /* a safe name of at most 40 bytes */
	const char *uuid; /* NULL: follows from the name */
	uint64_t cpus;
	uint64_t sockets;
	uint64_t memory_bytes;
	const char *machine;  /* "q35" */
	const char *firmware; /* "bios" or "uefi" */
	const char *kernel;   /* direct boot; NULL: from a disk */
	const char *initrd;
	const char *cmdline;
	const char *accel;        /* "auto", "kvm" or "tcg" */
	const char *disk_service; /* its socket; NULL: disks.sock in the runtime directory */
	uint64_t stop_timeout_ms; /* what SIGTERM grants the guest for powering down */
	struct vm_disk_spec *disks;
	size_t n_disks;
	struct vm_nic_spec *nics;
	size_t n_nics;
	const struct fl_config_node *at;
};

/* Reads a specification and checks all that can be known from its text: keys, types, limits,
 * duplicates.  FL_INVALID with "FILE:LINE: " for what is wrong.  Everything lives in the arena. */
int vm_spec_load(struct fl_arena *arena, const char *path, struct vm_spec *ret,
		 struct fl_error *err) fl_must_check;
/* The same from text; `name` is what errors call it. */
int vm_spec_parse(struct fl_arena *arena, const char *name, const char *text, size_t size,
		  struct vm_spec *ret, struct fl_error *err) fl_must_check;
/* Checks what can be known from this host: files are there and of the right kind, firmware is
 * installed, no image is named twice under two names.  Also "FILE:LINE: " errors.  Changes nothing.
 * vm_run does it too. */
int vm_spec_check_host(const struct vm_spec *spec, struct fl_error *err) fl_must_check;
/* The options of a VM, its disks and its network cards as a table for people. */
void vm_spec_print_options(FILE *out);

/* Runs the VM in the foreground until QEMU ends.  SIGTERM and SIGINT power the guest down, with
 * spec->stop_timeout_ms as the deadline.  The process is single-threaded when it calls this, and
 * /proc/self/exe understands `vm launcher DIR`.  Returns 0 with *ret_status 0 when the guest
 * powered off or was stopped, with 1 to 255 when QEMU failed (its exit status, or 128 + signal); -1
 * when nothing was started: FL_IN_USE when a VM of this name runs already, FL_UNSUPPORTED when QEMU
 * is not installed, FL_INVALID for a specification this host cannot run. */
int vm_run(const struct vm_spec *spec, int *ret_status, struct fl_error *err) fl_must_check;

/* The launcher proper, `fairlead vm launcher DIR`: only the supervisor starts it.  Returns the
 * process's exit status; logs its errors itself. */
int launcher_main(const char *dir);

/* $FAIRLEAD_RUN or /run/fairlead. */
const char *vm_run_directory(void);
/* The directory of VM `name`: RUN/vms/NAME; FL_INVALID when `name` is not a safe name. */
int vm_directory(struct fl_arena *arena, const char *name, const char **ret, struct fl_error *err)
	fl_must_check;

/* One request of docs/launcher.md to the launcher of VM `name`; params is borrowed and may be NULL.
 * *ret is the result object (fl_json_release).  FL_NOT_FOUND when no such VM runs, FL_UNAVAILABLE
 * when its launcher does not answer just now (it is being restarted: ask again). */
int vm_call(const struct fl_op *op, const char *name, const char *method, const json_t *params,
	    json_t **ret, struct fl_error *err) fl_must_check;

/* All VMs of the runtime directory, by name: an array of the objects that `status` gives.  A VM
 * whose launcher does not answer within two seconds is {"name", "state": "unreachable"}; a
 * directory whose VM has ended without being cleaned up is {"name", "state": "ended"}. */
int vm_list(const struct fl_op *op, json_t **ret, struct fl_error *err) fl_must_check;
