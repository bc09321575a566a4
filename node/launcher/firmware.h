/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware: where UEFI's code and empty variables are on this host. */
#pragma once

#include "base/error.h"

struct firmware {
	const char *code;
	const char *variables; /* a template: each VM gets a copy */
};

/* FL_UNSUPPORTED when none is installed. */
int firmware_find(struct firmware *ret, struct fl_error *err) fl_must_check;

/* Makes `name` in dir_fd a fresh copy of the template. */
int firmware_copy_variables(const struct firmware *firmware, int dir_fd, const char *name,
			    struct fl_error *err) fl_must_check;
