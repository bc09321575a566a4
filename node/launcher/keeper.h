/* SPDX-License-Identifier: Apache-2.0 */
/* Keeper: the thread that starts the VM and then finishes what requests have left. */
#pragma once

#include "vm.h"

/* Starts the thread.  It starts a VM that has not run yet (boot.h), looks after disks that are
 * between two states, and sends this process SIGUSR1 when the connection to QEMU has ended. */
int keeper_start(struct vm *vm, struct fl_error *err) fl_must_check;
