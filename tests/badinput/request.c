/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "tests/wire/wire.h"

#define REQUEST_WORDS 32

static int request_refuse(struct fl_error *err, const char *what, const char *where)
{
	return fl_error_set(err, FL_INVALID, "%s: %s", what, where);
}

static int parse_fields(const ProtobufCMessageDescriptor *type, const char **text,
			struct wire *wire, struct fl_error *err);

static int parse_number(const char **text, uint32_t field, struct wire *wire, struct fl_error *err)
{
	char *end;
	int64_t number = strtoll(*text, &end, 10);

	if (end == *text)
		return request_refuse(err, "no number", *text);
	*text = end;
	wire_number(wire, field, (uint64_t)number);
	return 0;
}

static int parse_message(const ProtobufCFieldDescriptor *field, const char **text,
			 struct wire *wire, struct fl_error *err)
{
	struct wire inner = { .arena = wire->arena };

	if (**text != '{')
		return request_refuse(err, "wanted {", *text);
	++*text;
	if (parse_fields(field->descriptor, text, &inner, err) < 0)
		return -1;
	if (**text != '}')
		return request_refuse(err, "wanted }", *text);
	++*text;
	wire_block(wire, field->id, inner.bytes, inner.n);
	return 0;
}

static int parse_value(const ProtobufCFieldDescriptor *field, const char **text, struct wire *wire,
		       struct fl_error *err)
{
	size_t n = strcspn(*text, ",}");

	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return parse_message(field, text, wire, err);
	if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_BYTES)
		return parse_number(text, field->id, wire, err);
	wire_block(wire, field->id, *text, n);
	*text += n;
	return 0;
}

/* NAME=VALUE, or NAME.REST for a field of a message. */
static int parse_field(const ProtobufCMessageDescriptor *type, const char **text, struct wire *wire,
		       struct fl_error *err)
{
	size_t n = strcspn(*text, ".=");
	const char *name = fl_arena_strndup(wire->arena, *text, n);
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(type, name);
	struct wire inner = { .arena = wire->arena };

	if (!field || !(*text)[n])
		return request_refuse(err, "no such field", name);
	*text += n + 1;
	if ((*text)[-1] == '=')
		return parse_value(field, text, wire, err);
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return request_refuse(err, "no message", name);
	if (parse_field(field->descriptor, text, &inner, err) < 0)
		return -1;
	wire_block(wire, field->id, inner.bytes, inner.n);
	return 0;
}

static int parse_fields(const ProtobufCMessageDescriptor *type, const char **text,
			struct wire *wire, struct fl_error *err)
{
	while (**text && **text != '}') {
		if (parse_field(type, text, wire, err) < 0)
			return -1;
		if (**text == ',')
			++*text;
	}
	return 0;
}

/* protobuf-c's way to take memory from an arena, which forgets all of it at its end. */
static void *request_alloc(void *arena, size_t size)
{
	return fl_arena_alloc(arena, size);
}

static void request_free(void *arena, void *data)
{
	(void)arena;
	(void)data;
}

int request_read(struct fl_arena *arena, const char *method, const char *const words[],
		 size_t n_words, struct rpc_request *ret, struct fl_error *err)
{
	ProtobufCAllocator allocator = { request_alloc, request_free, arena };
	struct wire wire = { .arena = arena };
	const ProtobufCMethodDescriptor *descriptor;

	*ret = (struct rpc_request){ 0 };
	descriptor = wire_find_method(fl_arena_strdup(arena, method), ret);
	if (!descriptor)
		return request_refuse(err, "no such method", method);
	for (size_t i = 0; i < n_words; i++) {
		const char *text = words[i];

		if (parse_field(descriptor->input, &text, &wire, err) < 0)
			return -1;
		if (*text)
			return request_refuse(err, "not understood", text);
	}
	ret->message = protobuf_c_message_unpack(descriptor->input, &allocator, wire.n,
						 wire.n ? wire.bytes : (const uint8_t *)"");
	return ret->message ? 0 : request_refuse(err, "not a message", method);
}

int request_read_line(struct fl_arena *arena, const char *line, struct rpc_request *ret,
		      struct fl_error *err)
{
	const char *words[REQUEST_WORDS];
	size_t n = 0;

	for (const char *at = line; *at && n < REQUEST_WORDS; n++) {
		size_t length = strcspn(at, " ");

		words[n] = fl_arena_strndup(arena, at, length);
		at += length + (at[length] == ' ');
	}
	return request_read(arena, n ? words[0] : "", words + 1, n ? n - 1 : 0, ret, err);
}
