/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "encode.h"

static json_t *decode_enum(const ProtobufCFieldDescriptor *field, int number)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(field->descriptor, number);

	return value ? json_string(value->name) : json_integer(number);
}

/* One value: not a list, and a message that is there. */
static json_t *decode_value(const ProtobufCFieldDescriptor *field, const void *at)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return json_string(*(char *const *)at);
	case PROTOBUF_C_TYPE_MESSAGE:
		return decode_message(*(ProtobufCMessage *const *)at);
	case PROTOBUF_C_TYPE_ENUM:
		return decode_enum(field, *(const int *)at);
	case PROTOBUF_C_TYPE_BOOL:
		return json_boolean(*(const protobuf_c_boolean *)at);
	case PROTOBUF_C_TYPE_INT32:
		return json_integer(*(const int32_t *)at);
	default: /* csi.proto has no other numbers */
		return json_integer(*(const int64_t *)at);
	}
}

static size_t decode_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_INT32:
		return sizeof(int32_t);
	default:
		return sizeof(int64_t);
	}
}

static json_t *decode_list(const ProtobufCFieldDescriptor *field, const char *items, size_t n)
{
	json_t *list = encode_is_map(field) ? json_object() : json_array();

	for (size_t i = 0; i < n; i++) {
		fl_cleanup(fl_json_release) json_t *item =
			decode_value(field, items + i * decode_size(field));
		if (encode_is_map(field))
			json_object_set(list, json_string_value(json_object_get(item, "key")),
					json_object_get(item, "value"));
		else
			json_array_append(list, item);
	}
	return list;
}

static json_t *decode_field(const char *base, const ProtobufCFieldDescriptor *field)
{
	const char *at = base + field->offset;
	const char *quantity = base + field->quantifier_offset;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return decode_list(field, *(char *const *)at, *(const size_t *)quantity);
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
	    *(const uint32_t *)quantity != field->id)
		return NULL;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE && !*(void *const *)at)
		return NULL;
	return decode_value(field, at);
}

json_t *decode_message(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	json_t *json = json_object(), *value;

	for (unsigned i = 0; i < type->n_fields; i++) {
		value = decode_field((const char *)message, &type->fields[i]);
		if (value)
			json_object_set_new(json, type->fields[i].name, value);
	}
	return json;
}
