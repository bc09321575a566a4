/* SPDX-License-Identifier: Apache-2.0 */
/* Encode: JSON as the bytes of a protobuf message, right or wrong.
 *
 * Members are the message's fields: text for a string, {"hex": "00ff"} for one that JSON cannot
 * hold, a number or a name for an enum, an object for a message and for a map, a list for a
 * repeated field (and for a map, of {"key", "value"}).  A member whose name is a number is a field
 * that csi.proto does not know; its value is text.  Ends the program when it is asked for what
 * cannot be. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/json.h"
#include "tests/wire/wire.h"

/* Appends to `wire`. */
void encode_message(const ProtobufCMessageDescriptor *type, const json_t *json, struct wire *wire);

/* Decode: the other way.  Every field is a member, but for messages that are not there and the
 * parts of a oneof that were not chosen; an enum is its name, a number where it has none. */
json_t *decode_message(const ProtobufCMessage *message);
/* A map is what protoc makes of one: a repeated message of exactly `key` and `value`. */
bool encode_is_map(const ProtobufCFieldDescriptor *field);
