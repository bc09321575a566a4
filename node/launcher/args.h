/* SPDX-License-Identifier: Apache-2.0 */
/* Args: QEMU's command line.  Disks are not on it: they are plugged through QMP while the machine
 * is held before its start, so that a cold disk and a hot one go the same way.
 *
 * PCI addresses are fixed for life and follow from what a port is for, never from how many things
 * there are: guests remember them. */
#pragma once

#include "launcher.h"

#define ARGS_PORT_SCSI 0
#define ARGS_PORT_NIC 1
#define ARGS_PORT_DISK (ARGS_PORT_NIC + VM_NICS_MAX)
#define ARGS_PORTS (ARGS_PORT_DISK + VM_VIRTIO_DISKS_MAX)

struct args_input {
	const struct vm_spec *spec;
	const char *dir;
	const char *qemu;          /* the program */
	const char *accel;         /* "kvm" or "tcg" */
	const char *firmware_code; /* NULL: bios */
};

/* NULL-terminated, in the arena. */
const char *const *args_build(struct fl_arena *arena, const struct args_input *input);

/* The UUID that follows from a name. */
const char *args_uuid(struct fl_arena *arena, const char *name);
