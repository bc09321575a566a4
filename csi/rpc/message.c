/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include "wire.h"

static void *message_alloc(void *arena, size_t size)
{
	return fl_arena_try(arena, size);
}

/* The arena releases everything at once. */
static void message_free(void *arena, void *pointer)
{
	(void)arena;
	(void)pointer;
}

ProtobufCMessage *rpc_message_new(struct fl_arena *arena, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = fl_arena_alloc(arena, type->sizeof_message);

	protobuf_c_message_init(type, message);
	return message;
}

const ProtobufCMessage *rpc_message_unpack(struct fl_arena *arena,
					   const ProtobufCMessageDescriptor *type,
					   grpc_byte_buffer *buffer)
{
	ProtobufCAllocator allocator = { message_alloc, message_free, arena };
	grpc_byte_buffer_reader reader;

	if (!grpc_byte_buffer_reader_init(&reader, buffer))
		return NULL;
	grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	const struct rpc_wire wire = { GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice) };
	ProtobufCMessage *message = NULL;
	if (!rpc_wire_has_nul(type, wire))
		message = protobuf_c_message_unpack(type, &allocator, wire.n, wire.bytes);
	grpc_slice_unref(slice);
	return message;
}

grpc_byte_buffer *rpc_message_pack(const ProtobufCMessage *message)
{
	grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));

	protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return buffer;
}
