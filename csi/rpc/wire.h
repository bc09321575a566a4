/* SPDX-License-Identifier: Apache-2.0 */
/* Wire: what a message's bytes say that protobuf-c does not pass on. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct rpc_wire {
	const uint8_t *bytes;
	size_t n;
};

/* Whether a text in a message of that type holds a NUL.  protobuf allows it, but our strings end
 * there: the id "pool/a\0b" would be taken for that of volume a.  Bytes that are no message:
 * whatever comes before the fault is looked at, the rest is left to the unpacker, which refuses
 * it. */
bool rpc_wire_has_nul(const ProtobufCMessageDescriptor *type, struct rpc_wire wire);
