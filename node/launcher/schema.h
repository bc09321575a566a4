/* SPDX-License-Identifier: Apache-2.0 */
/* Schema: what this QEMU can do, by its own description (query-qmp-schema) and never by its
 * version. */
#pragma once

#include <stdbool.h>

#include "qmp.h"

struct schema {
	bool io_uring; /* an image can be opened with aio=io_uring */
};

/* FL_UNSUPPORTED, with its name, when a command that the launcher cannot do without is missing. */
int schema_read(const struct fl_op *op, struct qmp *qmp, struct schema *ret, struct fl_error *err)
	fl_must_check;
