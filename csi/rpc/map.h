/* SPDX-License-Identifier: Apache-2.0 */
/* Map: protobuf-c sees a map<string, string> as an array of entry messages; here it becomes an
 * array of pairs and back. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

/* The entries (`Csi__V1__…Entry **` and their number) as pairs, sorted by key, with distinct keys:
 * of equal ones the last counts.  Strings stay the message's.  FL_INVALID when the arena's budget
 * is used up. */
int rpc_map_pairs(struct fl_arena *arena, const void *entries, size_t n_entries,
		  struct fl_pair **ret, size_t *ret_n, struct fl_error *err) fl_must_check;

/* The other way, for an answer: an array of n_pairs pointers to messages of type `entry`, to be
 * assigned to the field with a cast.  Strings are copied. */
void *rpc_map_entries(struct fl_arena *arena, const ProtobufCMessageDescriptor *entry,
		      const struct fl_pair *pairs, size_t n_pairs);
