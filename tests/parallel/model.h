/* SPDX-License-Identifier: Apache-2.0 */
/* Model: what calls do to one volume or one snapshot, one after the other, and what they may
 * answer.
 *
 * A call that concerns two objects (a clone, a snapshot) is told to each of them apart, and one
 * that reads several things without a lock (get, list) as several reads: so the model never wants
 * more than the interface promises. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* All zeros: there is none. */
struct model_state {
	uint8_t exists;
	uint8_t node;    /* that it is published to; 0: none */
	uint8_t content; /* what it was made from; 0: blank */
	uint8_t mib;     /* of a snapshot 0 */
};

enum model_kind {
	MODEL_CREATE, /* with content, mib and limit */
	MODEL_DELETE,
	MODEL_PUBLISH, /* to node */
	MODEL_UNPUBLISH,
	MODEL_EXPAND,  /* to mib; answer */
	MODEL_PRESENT, /* it was there … */
	MODEL_SEEN,    /* … with content and the answer's size … */
	MODEL_ON_NODE, /* … published to node */
	MODEL_IN_USE,  /* … published to any */
	MODEL_ABSENT,
	MODEL_KINDS
};

struct model_op {
	enum model_kind kind;
	enum fl_error_code code; /* how it was answered; only what the kind changes can fail */
	bool lost;               /* there was no answer: it has happened or not */
	uint8_t node, content, mib, limit;
	uint8_t answer; /* MiB */
	uint64_t start_us, end_us;
};

/* Whether the call may be answered so when it happens in `state`; *ret is the state after it. */
bool model_step(const struct model_op *op, struct model_state state, struct model_state *ret);
/* Whether it can change any state at all. */
bool model_changes(const struct model_op *op);
const char *model_kind_name(enum model_kind kind);
