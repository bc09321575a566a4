/* SPDX-License-Identifier: Apache-2.0 */
/* Qmp send: puts one command on a monitor's socket. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/op.h"

/* Sends the whole text on the non-blocking socket, with descriptor `fd` when it is not negative.
 * FL_TIMEOUT at op's deadline, FL_UNAVAILABLE when QEMU is gone; *ret_half tells whether a part had
 * been sent then: the stream is of no use any more. */
int qmp_send_text(const struct fl_op *op, int socket, const char *text, int fd, bool *ret_half,
		  struct fl_error *err) fl_must_check;
