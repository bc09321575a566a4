/* SPDX-License-Identifier: Apache-2.0 */
/* Message: the methods of all CSI services, and requests for them with every field filled, from the
 * descriptors alone. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

struct message_method {
	const ProtobufCServiceDescriptor *service;
	const ProtobufCMethodDescriptor *method;
};

size_t message_n_methods(void);
/* `number` wraps at the number of methods. */
struct message_method message_method(size_t number);
/* The number of a service's method. */
size_t message_number(const ProtobufCServiceDescriptor *service, const char *method);

/* Every field filled, a few levels deep, two elements in each repeated one. */
ProtobufCMessage *message_make(struct fl_arena *arena, const ProtobufCMessageDescriptor *type);
