/* SPDX-License-Identifier: Apache-2.0 */
#include "encode.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void encode_fail(const char *what, const char *name)
{
	fprintf(stderr, "asker: %s: %s\n", what, name);
	exit(2);
}

bool encode_is_map(const ProtobufCFieldDescriptor *field)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor;

	return field->label == PROTOBUF_C_LABEL_REPEATED &&
	       field->type == PROTOBUF_C_TYPE_MESSAGE && entry->n_fields == 2 &&
	       strcmp(entry->fields[0].name, "key") == 0 &&
	       strcmp(entry->fields[1].name, "value") == 0;
}

/* {"hex": "00ff"}: text that no JSON string holds. */
static void encode_hex(uint32_t field, const json_t *json, struct wire *wire)
{
	const char *hex = json_string_value(json_object_get(json, "hex"));
	struct wire raw = { .arena = wire->arena };
	unsigned byte;

	if (!hex)
		encode_fail("neither text nor hex", "a string's value");
	for (uint8_t value; hex[0] && sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		value = (uint8_t)byte;
		wire_put(&raw, &value, 1);
	}
	wire_block(wire, field, raw.bytes, raw.n);
}

static void encode_text(uint32_t field, const json_t *json, struct wire *wire)
{
	if (json_is_string(json))
		wire_block(wire, field, json_string_value(json), json_string_length(json));
	else
		encode_hex(field, json, wire);
}

static uint64_t encode_number_of(const ProtobufCFieldDescriptor *field, const json_t *json)
{
	const ProtobufCEnumValue *value;

	if (json_is_boolean(json))
		return json_is_true(json);
	if (json_is_integer(json))
		return (uint64_t)json_integer_value(json);
	if (field->type != PROTOBUF_C_TYPE_ENUM || !json_is_string(json))
		encode_fail("no number", field->name);
	value = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor,
							     json_string_value(json));
	if (!value)
		encode_fail("no such name", json_string_value(json));
	return (uint64_t)value->value;
}

static void encode_value(const ProtobufCFieldDescriptor *field, const json_t *json,
			 struct wire *wire)
{
	struct wire inner = { .arena = wire->arena };

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
		encode_text(field->id, json, wire);
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		encode_message(field->descriptor, json, &inner);
		wire_block(wire, field->id, inner.bytes, inner.n);
		return;
	default:
		wire_number(wire, field->id, encode_number_of(field, json));
	}
}

static void encode_map(const ProtobufCFieldDescriptor *field, const json_t *json, struct wire *wire)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)json, key, value)
	{
		fl_cleanup(fl_json_release) json_t *entry =
			json_pack("{s:s, s:O}", "key", key, "value", value);
		encode_value(field, entry, wire);
	}
}

static void encode_field(const ProtobufCFieldDescriptor *field, const json_t *json,
			 struct wire *wire)
{
	size_t i;
	json_t *item;

	if (encode_is_map(field) && json_is_object(json)) {
		encode_map(field, json, wire);
	} else if (json_is_array(json)) {
		json_array_foreach((json_t *)json, i, item) encode_value(field, item, wire);
	} else {
		encode_value(field, json, wire);
	}
}

void encode_message(const ProtobufCMessageDescriptor *type, const json_t *json, struct wire *wire)
{
	const ProtobufCFieldDescriptor *field;
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		encode_fail("not an object", type->name);
	json_object_foreach((json_t *)json, key, value)
	{
		field = protobuf_c_message_descriptor_get_field_by_name(type, key);
		if (field)
			encode_field(field, value, wire);
		else if (isdigit((unsigned char)key[0]))
			encode_text((uint32_t)strtoul(key, NULL, 10), value, wire);
		else
			encode_fail("no such field", key);
	}
}
