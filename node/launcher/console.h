/* SPDX-License-Identifier: Apache-2.0 */
/* Console: drains the guest's serial port, always: a guest whose output nobody reads stops.
 *
 * A thread moves bytes from QEMU to the log (bounded: console.log and the one before it) and to
 * everybody who is connected to console.sock, and from those to the guest.  A reader that does not
 * keep up is dropped. */
#pragma once

#include "vm.h"

#define CONSOLE_LOG_MAX (4 << 20)
#define CONSOLE_CLIENTS_MAX 8

/* Connects to QEMU's side, which listens since QEMU's start, and starts the thread. */
int console_start(struct vm *vm, struct fl_error *err) fl_must_check;
