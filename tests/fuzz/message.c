/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <string.h>

#include "base/text.h"
#include "csi/csi.pb-c.h"
#include "csi/rpc/message.h"

#define MESSAGE_LEVELS 6

static const ProtobufCServiceDescriptor *const services[] = {
	&csi__v1__identity__descriptor,
	&csi__v1__controller__descriptor,
	&csi__v1__group_controller__descriptor,
	&csi__v1__snapshot_metadata__descriptor,
	&csi__v1__node__descriptor,
};

size_t message_n_methods(void)
{
	size_t n = 0;

	for (size_t s = 0; s < FL_COUNT(services); s++)
		n += services[s]->n_methods;
	return n;
}

struct message_method message_method(size_t number)
{
	number %= message_n_methods();
	for (size_t s = 0;; s++) {
		if (number < services[s]->n_methods)
			return (struct message_method){ services[s],
							&services[s]->methods[number] };
		number -= services[s]->n_methods;
	}
}

size_t message_number(const ProtobufCServiceDescriptor *service, const char *method)
{
	size_t number = 0;

	for (;; number++) {
		struct message_method is = message_method(number);

		if (is.service == service && strcmp(is.method->name, method) == 0)
			return number;
	}
}

static ProtobufCMessage *message_fill(struct fl_arena *arena,
				      const ProtobufCMessageDescriptor *type, unsigned level);

static void *message_item(struct fl_arena *arena, const ProtobufCFieldDescriptor *field,
			  unsigned level)
{
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return fl_arena_printf(arena, "%s-%u", field->name, level);
	return message_fill(arena, field->descriptor, level + 1);
}

static void message_fill_field(struct fl_arena *arena, ProtobufCMessage *message,
			       const ProtobufCFieldDescriptor *field, unsigned level)
{
	char *bytes = (char *)message;
	void *place = bytes + field->offset;
	bool is_pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
	size_t n = 2;

	if (is_pointer && field->label == PROTOBUF_C_LABEL_REPEATED) {
		void **items = fl_arena_array(arena, n, sizeof(*items));
		for (size_t i = 0; i < n; i++)
			items[i] = message_item(arena, field, level + (unsigned)i);
		memcpy(bytes + field->quantifier_offset, &n, sizeof(n));
		*(void ***)place = items;
	} else if (is_pointer) {
		*(void **)place = message_item(arena, field, level);
	} else if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		memset(place, 1, 1);
	}
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		memcpy(bytes + field->quantifier_offset, &field->id, sizeof(int));
}

static ProtobufCMessage *message_fill(struct fl_arena *arena,
				      const ProtobufCMessageDescriptor *type, unsigned level)
{
	ProtobufCMessage *message = rpc_message_new(arena, type);

	for (unsigned i = 0; i < type->n_fields && level < MESSAGE_LEVELS; i++)
		message_fill_field(arena, message, &type->fields[i], level);
	return message;
}

ProtobufCMessage *message_make(struct fl_arena *arena, const ProtobufCMessageDescriptor *type)
{
	return message_fill(arena, type, 0);
}
