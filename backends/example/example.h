/* SPDX-License-Identifier: Apache-2.0 */
/* Example: what its two files share. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "backends/backend.h"

struct example {
	struct fl_pool pool;
	char directory[PATH_MAX];
};

/* Opens the folder `name` of the pool's directory; FL_NOT_FOUND. */
int example_folder(struct fl_pool *pool, const struct fl_op *op, const char *name, int *ret_fd,
		   struct fl_error *err) fl_must_check;
/* Writes the first version of a record, unless an earlier call has written it. */
int example_record_begin(const struct fl_op *op, int folder, const char *key, const char *value,
			 struct fl_error *err) fl_must_check;

extern const struct fl_record_ops example_records;
