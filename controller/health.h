/* SPDX-License-Identifier: Apache-2.0 */
/* Health: what the storage says is wrong with a volume. */
#pragma once

#include "csi/health.h"
#include "object.h"

/* Nothing, for a volume of a pool that knows nothing of health; FL_NOT_FOUND when it does not
 * exist. */
int health_read(const struct fl_op *op, const struct object *volume, struct fl_health *ret,
		struct fl_error *err) fl_must_check;
