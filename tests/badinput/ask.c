/* SPDX-License-Identifier: Apache-2.0 */
/* ask ENDPOINT SERVICE.METHOD [FIELD=VALUE]…: makes one CSI call with exactly these fields, right or
 * wrong, and prints "OK" or "CODE: text".
 *
 *	ask unix:///run/fairlead/csi.sock Controller.CreateVolume name=a \
 *		'volume_capabilities={mount.fs_type=ext4,access_mode.mode=1}'
 *
 * A repeated field takes one more element each time it is named; a map's entry is {key=…,value=…};
 * several fields of one message are given together, in braces. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"

/* Bytes of a message under construction. */
struct wire {
	uint8_t bytes[65536];
	size_t n;
};

static const ProtobufCServiceDescriptor *const services[] = {
	&csi__v1__identity__descriptor,
	&csi__v1__controller__descriptor,
	&csi__v1__group_controller__descriptor,
	&csi__v1__snapshot_metadata__descriptor,
	&csi__v1__node__descriptor,
};

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "ask: %s: %s\n", what, name);
	exit(2);
}

static void wire_put(struct wire *wire, const void *bytes, size_t n)
{
	if (n > sizeof(wire->bytes) - wire->n)
		fail("too long", "request");
	memcpy(wire->bytes + wire->n, bytes, n);
	wire->n += n;
}

static void wire_varint(struct wire *wire, uint64_t value)
{
	uint8_t byte;

	do {
		byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		wire_put(wire, &byte, 1);
		value >>= 7;
	} while (value);
}

static void wire_block(struct wire *wire, uint32_t field, const void *bytes, size_t n)
{
	wire_varint(wire, (uint64_t)field << 3 | 2);
	wire_varint(wire, n);
	wire_put(wire, bytes, n);
}

static void parse_fields(const ProtobufCMessageDescriptor *type, const char **text,
			 struct wire *wire);

static void parse_number(const char **text, uint32_t field, struct wire *wire)
{
	char *end;
	int64_t number = strtoll(*text, &end, 10);

	if (end == *text)
		fail("no number", *text);
	*text = end;
	wire_varint(wire, (uint64_t)field << 3);
	wire_varint(wire, (uint64_t)number);
}

static void parse_value(const ProtobufCFieldDescriptor *field, const char **text, struct wire *wire)
{
	size_t n = strcspn(*text, ",}");
	struct wire *inner;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
		wire_block(wire, field->id, *text, n);
		*text += n;
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		inner = calloc(1, sizeof(*inner));
		if (!inner || **text != '{')
			fail("wanted {", *text);
		++*text;
		parse_fields(field->descriptor, text, inner);
		if (**text != '}')
			fail("wanted }", *text);
		++*text;
		wire_block(wire, field->id, inner->bytes, inner->n);
		free(inner);
		return;
	default:
		parse_number(text, field->id, wire);
	}
}

/* NAME=VALUE, or NAME.REST for a field of a message. */
static void parse_field(const ProtobufCMessageDescriptor *type, const char **text,
			struct wire *wire)
{
	size_t n = strcspn(*text, ".=");
	char name[64];
	const ProtobufCFieldDescriptor *field;
	struct wire *inner;

	snprintf(name, sizeof(name), "%.*s", (int)n, *text);
	field = protobuf_c_message_descriptor_get_field_by_name(type, name);
	if (!field || !(*text)[n])
		fail("no such field", name);
	*text += n + 1;
	if ((*text)[-1] == '=') {
		parse_value(field, text, wire);
		return;
	}
	inner = calloc(1, sizeof(*inner));
	if (!inner || field->type != PROTOBUF_C_TYPE_MESSAGE)
		fail("no message", name);
	parse_field(field->descriptor, text, inner);
	wire_block(wire, field->id, inner->bytes, inner->n);
	free(inner);
}

static void parse_fields(const ProtobufCMessageDescriptor *type, const char **text,
			 struct wire *wire)
{
	while (**text && **text != '}') {
		parse_field(type, text, wire);
		if (**text == ',')
			++*text;
	}
}

static const ProtobufCMethodDescriptor *find_method(const char *name, struct rpc_request *request)
{
	const char *dot = strchr(name, '.');

	for (size_t i = 0; dot && i < FL_COUNT(services); i++) {
		const ProtobufCServiceDescriptor *service = services[i];

		if (strlen(service->short_name) != (size_t)(dot - name) ||
		    strncmp(service->short_name, name, (size_t)(dot - name)) != 0)
			continue;
		request->service = service;
		request->method = dot + 1;
		return protobuf_c_service_descriptor_get_method_by_name(service, dot + 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct wire wire;
	struct fl_arena *arena = fl_arena_new(0);
	struct rpc_request request = { 0 };
	struct rpc_client *client = NULL;
	struct fl_error err = { 0 };
	const ProtobufCMethodDescriptor *method;
	ProtobufCMessage *message;
	const void *answer;

	if (argc < 3)
		fail("usage", "ask ENDPOINT SERVICE.METHOD [FIELD=VALUE]…");
	method = find_method(argv[2], &request);
	if (!method)
		fail("no such method", argv[2]);
	for (int i = 3; i < argc; i++) {
		const char *text = argv[i];

		parse_field(method->input, &text, &wire);
		if (*text)
			fail("not understood", text);
	}
	message = protobuf_c_message_unpack(method->input, NULL, wire.n, wire.bytes);
	if (!message)
		fail("not a message", argv[2]);
	request.message = message;
	if (rpc_client_new(argv[1], &client, &err) == 0 &&
	    rpc_client_call(client, arena, &request, &answer, &err) == 0)
		printf("OK\n");
	else
		printf("%s: %s\n", fl_error_name(err.code), err.text);
	rpc_client_free(client);
	protobuf_c_message_free_unpacked(message, NULL);
	fl_arena_free(arena);
	return 0;
}
