/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>

#define WIRE_VARINT_BYTES 10

static bool wire_varint(struct rpc_wire *wire, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < WIRE_VARINT_BYTES && i < wire->n; i++) {
		value |= (uint64_t)(wire->bytes[i] & 0x7f) << (7 * i);
		if (wire->bytes[i] & 0x80)
			continue;
		wire->bytes += i + 1;
		wire->n -= i + 1;
		*ret = value;
		return true;
	}
	return false;
}

static bool wire_take(struct rpc_wire *wire, uint64_t n, struct rpc_wire *ret)
{
	if (n > wire->n)
		return false;
	*ret = (struct rpc_wire){ wire->bytes, (size_t)n };
	wire->bytes += n;
	wire->n -= (size_t)n;
	return true;
}

/* Takes a field's value off; ret is empty unless it is prefixed by its length. */
static bool wire_value(struct rpc_wire *wire, uint64_t kind, struct rpc_wire *ret)
{
	struct rpc_wire skipped;
	uint64_t number;

	*ret = (struct rpc_wire){ 0 };
	switch (kind) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return wire_varint(wire, &number);
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		return wire_take(wire, 8, &skipped);
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		return wire_take(wire, 4, &skipped);
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		return wire_varint(wire, &number) && wire_take(wire, number, ret);
	default:
		return false;
	}
}

/* Recursion ends where the types do: none of csi.proto's contains itself. */
bool rpc_wire_has_nul(const ProtobufCMessageDescriptor *type, struct rpc_wire wire)
{
	const ProtobufCFieldDescriptor *field;
	struct rpc_wire value;
	uint64_t key;

	if (wire.n == 0 || !memchr(wire.bytes, 0, wire.n))
		return false;
	while (wire_varint(&wire, &key) && wire_value(&wire, key & 7, &value)) {
		field = protobuf_c_message_descriptor_get_field(type, (unsigned)(key >> 3));
		if (!field || value.n == 0)
			continue;
		if (field->type == PROTOBUF_C_TYPE_STRING && memchr(value.bytes, 0, value.n))
			return true;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
		    rpc_wire_has_nul(field->descriptor, value))
			return true;
	}
	return false;
}
