/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: how fast a VM may use a volume at most, kept beside the data (FL_RECORD_LIMITS).
 *
 * They are CSI's mutable parameters (a VolumeAttributesClass): the record is a JSON object with the
 * same keys and numbers, where an absent key is no limit.  The launcher's QEMU keeps to them
 * (docs/disk-service.md); a volume that a node mounts has none. */
#pragma once

#include <stdint.h>

#include "backends/backend.h"
#include "base/json.h"

struct limits {
	uint64_t version; /* of the record; 0: there is none */
	/* Requests and bytes per second; 0: no limit.  A total excludes its two parts. */
	uint64_t iops, iops_read, iops_write;
	uint64_t bandwidth, bandwidth_read, bandwidth_write;
};

#define LIMITS_N_OPTIONS 6
/* The mutable parameters, for documentation. */
extern const struct fl_option limits_options[LIMITS_N_OPTIONS];

/* Changes those limits that the pairs name.  FL_INVALID names an unknown key with the nearest right
 * one, a value out of range, and a total beside one of its parts. */
int limits_change(struct fl_arena *arena, const struct fl_pair *pairs, size_t n_pairs,
		  struct limits *limits, struct fl_error *err) fl_must_check;
bool limits_are_equal(const struct limits *a, const struct limits *b);

/* As JSON, without those that are not limited; the caller's. */
json_t *limits_to_json(const struct limits *limits);
/* FL_INTERNAL for a text that is no record of a version that we know. */
int limits_parse(const char *text, struct limits *ret, struct fl_error *err) fl_must_check;

/* The record of a volume, whose id is for errors.  None, or a pool that keeps none: nothing is
 * limited.  FL_NOT_FOUND when there is no such volume. */
int limits_record_read(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		       const char *id, struct limits *ret, struct fl_error *err) fl_must_check;
/* Replaces the record that limits->version tells, durably; FL_BUSY when somebody else was
 * faster. */
int limits_record_write(const struct fl_op *op, struct fl_pool *pool, const char *handle,
			struct limits *limits, struct fl_error *err) fl_must_check;
