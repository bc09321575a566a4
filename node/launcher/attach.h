/* SPDX-License-Identifier: Apache-2.0 */
/* Attach and detach: the two requests about a disk, whole.  See docs/launcher.md. */
#pragma once

#include "vm.h"

struct attach_request {
	const char *pass; /* this or path */
	const char *path;
	const char *serial; /* of a path; NULL: follows from it */
	const char *bus;    /* NULL: scsi */
	unsigned boot;
	bool readonly;
};

/* Plugs the disk in; one that is plugged in the same way already is success, in another way
 * FL_EXISTS.  What fails is undone; where the undoing has to wait the error is one that says that
 * work goes on.  *ret_source names the disk, in op's arena. */
int attach_disk(const struct fl_op *op, struct vm *vm, const struct attach_request *request,
		const char **ret_source, struct fl_error *err) fl_must_check;

/* Takes the disk (source or serial) out and proves it.  One that is not there is success.
 * FL_TIMEOUT when the guest has not let go by op's deadline: the disk stays "unplugging". */
int detach_disk(const struct fl_op *op, struct vm *vm, const char *source_or_serial,
		struct fl_error *err) fl_must_check;
