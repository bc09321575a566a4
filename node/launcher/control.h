/* SPDX-License-Identifier: Apache-2.0 */
/* Control: serves the requests of docs/launcher.md on control.sock.
 *
 * A thread for each connection, at most CONTROL_CONNECTIONS_MAX; who comes then is told so. */
#pragma once

#include "vm.h"

#define CONTROL_CONNECTIONS_MAX 32

struct control;

int control_start(struct vm *vm, struct control **ret, struct fl_error *err) fl_must_check;
/* Waits until no request is being answered any more, at most until `until`. */
void control_drain(struct control *control, struct timespec until);
