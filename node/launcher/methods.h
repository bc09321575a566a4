/* SPDX-License-Identifier: Apache-2.0 */
/* Methods: the requests of docs/launcher.md. */
#pragma once

#include "vm.h"

/* Carries out `method`; *ret is the result object.  op is given its deadline here: it follows from
 * the request's timeout. */
int methods_call(struct fl_op *op, struct vm *vm, const char *method, const json_t *params,
		 json_t **ret, struct fl_error *err) fl_must_check;
