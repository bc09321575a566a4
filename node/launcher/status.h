/* SPDX-License-Identifier: Apache-2.0 */
/* Status: the VM and its disks as docs/launcher.md describes them. */
#pragma once

#include "vm.h"

int status_vm(const struct fl_op *op, struct vm *vm, json_t **ret, struct fl_error *err)
	fl_must_check;
/* One disk, by its source; FL_NOT_FOUND when it has gone meanwhile. */
int status_disk(const struct fl_op *op, struct vm *vm, const char *source, json_t **ret,
		struct fl_error *err) fl_must_check;
