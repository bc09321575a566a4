/* SPDX-License-Identifier: Apache-2.0 */
/* Disklink: the connection between this VM and the node's disk service (docs/disk-service.md).
 *
 * A thread keeps it: it connects when a volume is first wanted, says hello, connects again when the
 * service is restarted, hands answers to those who wait for them and serves the service's own
 * requests.  Those need the VM's lock, so nobody calls the functions here while holding it. */
#pragma once

#include "diskpass.h"
#include "medium.h"
#include "vm.h"

struct disklink;

/* Starts the thread; vm->disklink is set. */
int disklink_start(struct vm *vm, struct fl_error *err) fl_must_check;

/* Asks for a volume's descriptors; *ret_readonly is the service's word.  FL_UNAVAILABLE when the
 * service cannot be reached. */
int disklink_attach(const struct fl_op *op, struct disklink *disklink, const struct diskpass *pass,
		    struct medium *ret, bool *ret_readonly, struct fl_error *err) fl_must_check;
/* Says that the volume is closed here. */
int disklink_release(const struct fl_op *op, struct disklink *disklink, const struct diskpass *pass,
		     struct fl_error *err) fl_must_check;
