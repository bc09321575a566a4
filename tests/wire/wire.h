/* SPDX-License-Identifier: Apache-2.0 */
/* Wire: a protobuf message as it is built up byte by byte, right or wrong, and the methods of CSI
 * by name: for the test programs that write requests as text. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "csi/rpc/client.h"

/* Bytes of a message under construction; starts as { .arena = … }. */
struct wire {
	struct fl_arena *arena;
	uint8_t *bytes;
	size_t n;
	size_t capacity;
};

void wire_put(struct wire *wire, const void *bytes, size_t n);
/* A field that is a number. */
void wire_number(struct wire *wire, uint32_t field, uint64_t value);
/* A field with a length: a text, bytes, a message. */
void wire_block(struct wire *wire, uint32_t field, const void *bytes, size_t n);

/* "Controller.DeleteVolume", with the service's short name: fills request->service and ->method,
 * which borrows from `name`.  NULL: there is none. */
const ProtobufCMethodDescriptor *wire_find_method(const char *name, struct rpc_request *request);
