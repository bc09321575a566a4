/* SPDX-License-Identifier: Apache-2.0 */
/* asker ENDPOINT: makes the CSI calls that are written on its standard input, one a line, and
 * writes what each was answered, one a line:
 *
 *	{"method": "Controller.DeleteVolume", "request": {"volume_id": "default/a"}, "timeout_ms": 0}
 *	{"code": "OK", "text": "", "answers": [{}]}
 *
 * `code` is the name of an enum fl_error_code; encode.h says what a request looks like. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"
#include "encode.h"

static int asker_keep(void *cookie, const void *message, struct fl_error *err)
{
	(void)err;
	return json_array_append_new(cookie, decode_message(message));
}

static void asker_call(struct rpc_client *client, const json_t *line)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_json_release) json_t *answers = json_array(), *reply = NULL;
	const char *name = json_string_value(json_object_get(line, "method"));
	struct rpc_request request = {
		.timeout_ms = (uint64_t)json_integer_value(json_object_get(line, "timeout_ms")),
	};
	const ProtobufCMethodDescriptor *method = name ? wire_find_method(name, &request) : NULL;
	struct fl_error err = { 0 };
	struct wire wire = { .arena = arena };
	ProtobufCMessage *message;

	if (!method) {
		fprintf(stderr, "asker: no such method: %s\n", name ? name : "");
		exit(2);
	}
	encode_message(method->input, json_object_get(line, "request"), &wire);
	/* As a message without fields, of which protobuf-c sends on what it does not know: all of
	 * it, byte by byte. */
	message = protobuf_c_message_unpack(&csi__v1__probe_request__descriptor, NULL, wire.n,
					    wire.bytes);
	request.message = message;
	if (rpc_client_stream(client, &request, asker_keep, answers, &err) == 0)
		err.text[0] = '\0';
	reply = json_pack("{s:s, s:s, s:O}", "code", fl_error_name(err.code), "text", err.text,
			  "answers", answers);
	json_dumpf(reply, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	protobuf_c_message_free_unpacked(message, NULL);
}

int main(int argc, char **argv)
{
	struct rpc_client *client = NULL;
	struct fl_error err = { 0 };
	json_error_t where;
	json_t *line;

	if (argc != 2 || rpc_client_new(argv[1], &client, &err) < 0) {
		fprintf(stderr, "asker ENDPOINT: %s\n", err.text);
		return 2;
	}
	while ((line = json_loadf(stdin, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &where))) {
		asker_call(client, line);
		json_decref(line);
	}
	rpc_client_free(client);
	return 0;
}
