/* SPDX-License-Identifier: Apache-2.0 */
/* Message: protobuf messages in arenas and as gRPC's buffers. */
#pragma once

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/* An empty message of that type. */
ProtobufCMessage *rpc_message_new(struct fl_arena *arena, const ProtobufCMessageDescriptor *type);
/* NULL when the bytes are no such message, have a NUL in a text, or unpack to more than the arena's
 * budget: a megabyte on the wire can become fifty in memory. */
const ProtobufCMessage *rpc_message_unpack(struct fl_arena *arena,
					   const ProtobufCMessageDescriptor *type,
					   grpc_byte_buffer *buffer);
/* The caller destroys the buffer. */
grpc_byte_buffer *rpc_message_pack(const ProtobufCMessage *message);
