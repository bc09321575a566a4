/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of every method as bytes from a peer: unpacking within the budget, reading every field,
 * packing again.  The first byte of an input picks the method. */
#include <grpc/grpc.h>
#include <stdlib.h>
#include <string.h>

#include "csi/csi.pb-c.h"
#include "csi/rpc/map.h"
#include "csi/rpc/message.h"
#include "fuzz.h"

#define REQUEST_BUDGET (16 * 1024 * 1024)

static const ProtobufCServiceDescriptor *const services[] = {
	&csi__v1__identity__descriptor,
	&csi__v1__controller__descriptor,
	&csi__v1__group_controller__descriptor,
	&csi__v1__snapshot_metadata__descriptor,
	&csi__v1__node__descriptor,
};

static const ProtobufCMessageDescriptor *request_type(size_t number)
{
	size_t n = 0;

	for (size_t s = 0; s < FL_COUNT(services); s++)
		n += services[s]->n_methods;
	number %= n;
	for (size_t s = 0;; s++) {
		if (number < services[s]->n_methods)
			return services[s]->methods[number].input;
		number -= services[s]->n_methods;
	}
}

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
	const ProtobufCMessageDescriptor *type = request_type(data[0]);
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(REQUEST_BUDGET);
	const ProtobufCMessage *message = request_unpack(arena, type, data + 1, size - 1);

	if (!message)
		return 0;
	request_read(arena, message);
	grpc_byte_buffer *packed = rpc_message_pack(message);
	grpc_byte_buffer_destroy(packed);
	return 0;
}

/* Good requests: every field filled, a few levels deep. */

static ProtobufCMessage *request_make(struct fl_arena *arena,
				      const ProtobufCMessageDescriptor *type, unsigned depth);

static void *request_make_item(struct fl_arena *arena, const ProtobufCFieldDescriptor *field,
			       unsigned depth)
{
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return fl_arena_printf(arena, "%s-%u", field->name, depth);
	return request_make(arena, field->descriptor, depth + 1);
}

static void request_fill(struct fl_arena *arena, ProtobufCMessage *message,
			 const ProtobufCFieldDescriptor *field, unsigned depth)
{
	void *place = request_field(message, field);
	bool is_pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
	size_t n = 2;

	if (is_pointer && field->label == PROTOBUF_C_LABEL_REPEATED) {
		void **items = fl_arena_array(arena, n, sizeof(*items));
		for (size_t i = 0; i < n; i++)
			items[i] = request_make_item(arena, field, depth + (unsigned)i);
		memcpy((char *)message + field->quantifier_offset, &n, sizeof(n));
		*(void ***)place = items;
	} else if (is_pointer) {
		*(void **)place = request_make_item(arena, field, depth);
	} else {
		memset(place, 1, 1);
	}
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		memcpy((char *)message + field->quantifier_offset, &field->id, sizeof(int));
}

static ProtobufCMessage *request_make(struct fl_arena *arena,
				      const ProtobufCMessageDescriptor *type, unsigned depth)
{
	ProtobufCMessage *message = rpc_message_new(arena, type);

	for (unsigned i = 0; i < type->n_fields && depth < 6; i++)
		request_fill(arena, message, &type->fields[i], depth);
	return message;
}

size_t fuzz_seed(size_t i, uint8_t *ret)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);

	ret[0] = (uint8_t)i;
	ProtobufCMessage *message = request_make(arena, request_type(ret[0]), 0);
	if (protobuf_c_message_get_packed_size(message) >= FUZZ_MAX_BYTES)
		abort();
	return 1 + protobuf_c_message_pack(message, ret + 1);
}
