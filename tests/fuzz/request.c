/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of every method as bytes from a peer: unpacking within the budget, reading every field,
 * packing again.  The first byte of an input picks the method. */
#include <grpc/grpc.h>
#include <stdlib.h>
#include <string.h>

#include "csi/rpc/map.h"
#include "csi/rpc/message.h"
#include "fuzz.h"
#include "message.h"

#define REQUEST_BUDGET (16 * 1024 * 1024)

static void *request_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (char *)message + field->offset;
}

static size_t request_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	size_t n = 1;
	int which;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		memcpy(&n, (const char *)message + field->quantifier_offset, sizeof(n));
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		memcpy(&which, (const char *)message + field->quantifier_offset, sizeof(which));
		n = (uint32_t)which == field->id;
	}
	return n;
}

/* A map: pairs come out sorted, distinct, and never NULL. */
static void request_read_map(struct fl_arena *arena, const void *entries, size_t n)
{
	struct fl_error err = { 0 };
	struct fl_pair *pairs;
	size_t n_pairs;

	if (rpc_map_pairs(arena, entries, n, &pairs, &n_pairs, &err) < 0)
		return;
	if (n_pairs > n || (n > 0 && n_pairs == 0))
		abort();
	for (size_t i = 1; i < n_pairs; i++) {
		if (strcmp(pairs[i - 1].key, pairs[i].key) >= 0 || !pairs[i].value)
			abort();
	}
}

static void request_read(struct fl_arena *arena, const ProtobufCMessage *message);

static void request_read_field(struct fl_arena *arena, const ProtobufCMessage *message,
			       const ProtobufCFieldDescriptor *field)
{
	size_t n = request_count(message, field);
	void *place = request_field(message, field);
	bool is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
	void **items = is_repeated ? *(void ***)place : place;

	if (field->type == PROTOBUF_C_TYPE_STRING) {
		for (size_t i = 0; i < n; i++) {
			if (!items[i] || strlen(items[i]) > FUZZ_MAX_BYTES)
				abort();
		}
	} else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		const ProtobufCMessageDescriptor *type = field->descriptor;
		for (size_t i = 0; i < n; i++) {
			if (items[i])
				request_read(arena, items[i]);
		}
		if (is_repeated && type->n_fields == 2 && strcmp(type->fields[0].name, "key") == 0)
			request_read_map(arena, items, n);
	}
}

static void request_read(struct fl_arena *arena, const ProtobufCMessage *message)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++)
		request_read_field(arena, message, &message->descriptor->fields[i]);
}

static const ProtobufCMessage *request_unpack(struct fl_arena *arena,
					      const ProtobufCMessageDescriptor *type,
					      const void *data, size_t size)
{
	grpc_slice slice = grpc_slice_from_copied_buffer(data, size);
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
	const ProtobufCMessage *message = rpc_message_unpack(arena, type, buffer);

	grpc_byte_buffer_destroy(buffer);
	grpc_slice_unref(slice);
	return message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const ProtobufCMessageDescriptor *type = message_method(data[0]).method->input;
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(REQUEST_BUDGET);
	const ProtobufCMessage *message = request_unpack(arena, type, data + 1, size - 1);

	if (!message)
		return 0;
	request_read(arena, message);
	grpc_byte_buffer *packed = rpc_message_pack(message);
	grpc_byte_buffer_destroy(packed);
	return 0;
}

size_t fuzz_seed(size_t i, uint8_t *ret)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);

	ret[0] = (uint8_t)i;
	ProtobufCMessage *message = message_make(arena, message_method(ret[0]).method->input);
	if (protobuf_c_message_get_packed_size(message) >= FUZZ_MAX_BYTES)
		abort();
	return 1 + protobuf_c_message_pack(message, ret + 1);
}
