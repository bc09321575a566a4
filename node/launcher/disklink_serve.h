/* SPDX-License-Identifier: Apache-2.0 */
/* What the disk service asks a launcher: resize, limits, health, holds and the copies of
 * docs/disk-service.md. */
#pragma once

#include "base/channel.h"
#include "vm.h"

/* Does what the request says and sends the answer on fd. */
void disklink_serve(const struct fl_op *op, struct vm *vm, int fd,
		    const struct fl_channel_message *request);
