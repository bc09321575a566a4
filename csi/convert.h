/* SPDX-License-Identifier: Apache-2.0 */
/* Convert: what requests carry, read into our own types and checked.
 *
 * Strings of a request are never NULL but may hold anything; what passes here is printable UTF-8 of
 * a bounded length.  Strings stay the message's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "csi/csi.pb-c.h"

/* Keys of volume_context. */
#define CONTEXT_MKFS_OPTIONS "fairlead.io/mkfs-options" /* words for mkfs, from the StorageClass */
#define CONTEXT_VM "fairlead.io/vm"                     /* see docs/disk-service.md */
#define CONTEXT_EPHEMERAL                                                                          \
	"csi.storage.k8s.io/ephemeral" /* "true": a volume that lives with its pod */
/* Key of publish_context, beside those of fl_source_to_pairs: the owner's epoch, decimal. */
#define CONTEXT_EPOCH "epoch"
/* Orchestrators put keys with this prefix among parameters and contexts; they are passed over. */
#define CONTEXT_ORCHESTRATOR "csi.storage.k8s.io/"

/* A required text field: FL_INVALID "FIELD is missing" when it is empty. */
int convert_required(const char *field, const char *value, struct fl_error *err) fl_must_check;

/* The CSI name of a volume or snapshot (`what`): 1 to 128 bytes of UTF-8 without control characters
 * other than tabs and line ends, else FL_INVALID. */
int convert_name(const char *what, const char *name, struct fl_error *err) fl_must_check;

/* The id of a volume, snapshot or node (`what`).  Empty: FL_INVALID ("volume_id is missing").
 * Longer than 1,024 bytes or not printable: FL_NOT_FOUND, because it cannot be one of ours. */
int convert_id(const char *what, const char *id, struct fl_error *err) fl_must_check;

/* A map field as sorted pairs with distinct keys (of equal ones the last counts).  FL_INVALID above
 * 256 entries, for keys that are empty or above 253 bytes, values above 4,096 bytes, and texts that
 * are not printable.  Not for secrets. */
int convert_pairs(struct fl_arena *arena, const char *field, const void *entries, size_t n_entries,
		  struct fl_pair **ret, size_t *ret_n, struct fl_error *err) fl_must_check;

/* A capacity range; 0: not given. */
struct capacity_range {
	uint64_t required_bytes;
	uint64_t limit_bytes;
};

/* An absent range is {0, 0}.  FL_INVALID for a negative number and for a limit below what is
 * required. */
int convert_range(const Csi__V1__CapacityRange *message, struct capacity_range *ret,
		  struct fl_error *err) fl_must_check;

enum content_kind { CONTENT_NONE, CONTENT_SNAPSHOT, CONTENT_VOLUME };
struct content_source {
	enum content_kind kind;
	const char *id; /* checked by convert_id */
};

/* An absent source is CONTENT_NONE; FL_INVALID for one of a kind that nobody knows. */
int convert_content(const Csi__V1__VolumeContentSource *message, struct content_source *ret,
		    struct fl_error *err) fl_must_check;
