/* SPDX-License-Identifier: Apache-2.0 */
#include "csi/rpc/wire.h"

#include <stdlib.h>
#include <string.h>

#include "csi/csi.pb-c.h"
#include "tests/test.h"

#define CREATE (&csi__v1__create_volume_request__descriptor)

static bool has_nul(const ProtobufCMessageDescriptor *type, const void *bytes, size_t n)
{
	/* On the heap, exactly as long: reading past its end would be noticed. */
	uint8_t *copy = malloc(n ? n : 1);
	bool result;

	memcpy(copy, bytes, n);
	result = rpc_wire_has_nul(type, (struct rpc_wire){ copy, n });
	free(copy);
	return result;
}

#define HAS(bytes) OK(has_nul(CREATE, bytes, sizeof(bytes) - 1))
#define HAS_NOT(bytes) OK(!has_nul(CREATE, bytes, sizeof(bytes) - 1))

static void a_nul_in_a_text_is_found(void)
{
	HAS("\x0a\x03"
	    "a\0b");
	HAS("\x0a\x01\0");
	/* Behind a text without one, and behind a field that csi.proto does not know. */
	HAS("\x0a\x01"
	    "a\x0a\x02"
	    "b\0");
	HAS("\xfa\x3e\x01\0\x0a\x02"
	    "b\0");
}

static void a_nul_in_a_message_in_a_message_is_found(void)
{
	/* parameters { key: "k" value: "v\0" } */
	HAS("\x22\x07\x0a\x01k\x12\x02v\0");
	/* accessibility_requirements { requisite { segments { key: "\0" } } } */
	HAS("\x3a\x07\x0a\x05\x0a\x03\x0a\x01\0");
	HAS_NOT("\x3a\x07\x0a\x05\x0a\x03\x0a\x01k");
}

static void other_zeros_are_none(void)
{
	HAS_NOT("");
	HAS_NOT("\x0a\0");
	HAS_NOT("\x0a\x01"
		"a");
	/* capacity_range { required_bytes: 0 }, and lengths and numbers of unknown fields. */
	HAS_NOT("\x12\x02\x08\0");
	HAS_NOT("\xfa\x3e\x02\0\0");
	HAS_NOT("\xf8\x3e\0");
	HAS_NOT("\xf9\x3e\0\0\0\0\0\0\0\0");
	HAS_NOT("\xfd\x3e\0\0\0\0");
}

/* The unpacker refuses these; here they must only be harmless. */
static void what_is_no_message_is_left_to_the_unpacker(void)
{
	HAS_NOT("\x0a");
	HAS_NOT("\x0a\x05\0");
	HAS_NOT("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0");
	HAS_NOT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0");
	HAS_NOT("\x0b\0");
	HAS_NOT("\xf9\x3e\0\0");
	HAS_NOT("\x22\x09\x0a\x01k\x12\x02v\0");
}

static void any_bytes_are_harmless(void)
{
	uint8_t bytes[64];

	srand(11);
	for (unsigned i = 0; i < 200000; i++) {
		size_t n = (size_t)rand() % sizeof(bytes);
		for (size_t j = 0; j < n; j++)
			bytes[j] = (uint8_t)(rand() % 4 ? rand() % 64 : rand());
		has_nul(CREATE, bytes, n);
	}
	OK(true);
}

static const struct test tests[] = {
	{ "a NUL in a text is found", a_nul_in_a_text_is_found },
	{ "a NUL in a message in a message is found", a_nul_in_a_message_in_a_message_is_found },
	{ "other zeros are none", other_zeros_are_none },
	{ "what is no message is left to the unpacker",
	  what_is_no_message_is_left_to_the_unpacker },
	{ "any bytes are harmless", any_bytes_are_harmless },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
