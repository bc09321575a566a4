/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>

#include "csi/csi.pb-c.h"

static const ProtobufCServiceDescriptor *const services[] = {
	&csi__v1__identity__descriptor,
	&csi__v1__controller__descriptor,
	&csi__v1__group_controller__descriptor,
	&csi__v1__snapshot_metadata__descriptor,
	&csi__v1__node__descriptor,
};

void wire_put(struct wire *wire, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		wire->bytes = fl_arena_grow(wire->arena, wire->bytes, wire->n, &wire->capacity, 1);
		wire->bytes[wire->n++] = ((const uint8_t *)bytes)[i];
	}
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

void wire_number(struct wire *wire, uint32_t field, uint64_t value)
{
	wire_varint(wire, (uint64_t)field << 3 | PROTOBUF_C_WIRE_TYPE_VARINT);
	wire_varint(wire, value);
}

void wire_block(struct wire *wire, uint32_t field, const void *bytes, size_t n)
{
	wire_varint(wire, (uint64_t)field << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	wire_varint(wire, n);
	wire_put(wire, bytes, n);
}

const ProtobufCMethodDescriptor *wire_find_method(const char *name, struct rpc_request *request)
{
	const char *dot = strchr(name, '.');

	for (size_t i = 0; dot && i < FL_COUNT(services); i++) {
		const ProtobufCServiceDescriptor *service = services[i];

		if (strncmp(service->short_name, name, (size_t)(dot - name)) != 0 ||
		    service->short_name[dot - name])
			continue;
		request->service = service;
		request->method = dot + 1;
		return protobuf_c_service_descriptor_get_method_by_name(service, dot + 1);
	}
	return NULL;
}
