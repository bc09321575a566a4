/* SPDX-License-Identifier: Apache-2.0 */
/* Throttle: how fast the guest may use a disk at most, kept by QEMU.
 *
 * They come from the disk service with the disk, and again whenever the volume's record changes.
 * Nothing of them is on our own record: a new launcher gets them with the disk's descriptor. */
#pragma once

#include <stdint.h>

#include "base/json.h"

struct disk;
struct vm;

#define THROTTLE_COUNT 6
struct throttle {
	uint64_t values[THROTTLE_COUNT]; /* per second, in the order of the table; 0: no limit */
};

/* From the object `limits` of a message; absent: nothing is limited.  FL_INVALID for a negative
 * number and for a key that this version does not know: a limit that nobody keeps is no limit. */
int throttle_read(const json_t *message, struct throttle *ret, struct fl_error *err) fl_must_check;
/* The other way; the caller's. */
json_t *throttle_to_json(const struct throttle *limits);

/* For a disk that was just plugged in, and so has no limits in QEMU yet: has it keep to
 * disk->limits.  The caller has the lock.  May be repeated. */
int throttle_begin(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		   struct fl_error *err) fl_must_check;
/* New limits for a plugged disk, whose mark the caller has. */
int throttle_give(const struct fl_op *op, struct vm *vm, struct disk *disk,
		  const struct throttle *limits, struct fl_error *err) fl_must_check;
/* The same for the disk of a volume; FL_BUSY while it is plugged in or out. */
int throttle_set(const struct fl_op *op, struct vm *vm, const char *volume,
		 const struct throttle *limits, struct fl_error *err) fl_must_check;
