/* SPDX-License-Identifier: Apache-2.0 */
/* Boot: plugs the specification's disks into the machine that QEMU holds before its start, and lets
 * it run. */
#pragma once

#include "vm.h"

/* Does nothing when the machine has been started already.  Waits, with vm->waiting saying why, for
 * what may come (the disk service); gives up for what will not: then vm->failed is set and QEMU is
 * told to quit.  Returns when the VM runs, or is being stopped, or QEMU is gone. */
void boot_vm(struct vm *vm);
