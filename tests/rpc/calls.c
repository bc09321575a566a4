/* SPDX-License-Identifier: Apache-2.0 */
/* Single calls: what arrives, what comes back, and what is refused. */
#include <unistd.h>

#include "base/clock.h"
#include "csi/rpc/status.h"
#include "desk.h"
#include "tests/test.h"

static struct desk desk;

/* A service of this name with one method that nobody serves. */
static const ProtobufCMethodDescriptor odd_method = { "Frobnicate",
						      &csi__v1__probe_request__descriptor,
						      &csi__v1__probe_response__descriptor };
static const unsigned odd_index[] = { 0 };
static const ProtobufCServiceDescriptor odd_service = { PROTOBUF_C__SERVICE_DESCRIPTOR_MAGIC,
							"csi.v1.Controller",
							"Controller",
							"",
							"csi.v1",
							1,
							&odd_method,
							odd_index };

static int call(const ProtobufCServiceDescriptor *service, const char *method, const void *message,
		const void **ret, struct fl_error *err)
{
	struct rpc_request request = { service, method, message, 10000 };

	return rpc_client_call(desk.client, desk.arena, &request, ret, err);
}

static int delete (const char *id, struct fl_error *err)
{
	Csi__V1__DeleteVolumeRequest message = CSI__V1__DELETE_VOLUME_REQUEST__INIT;
	const void *answer;

	message.volume_id = (char *)id;
	return call(&csi__v1__controller__descriptor, "DeleteVolume", &message, &answer, err);
}

static void a_call_is_answered_and_told_once(void)
{
	const Csi__V1__GetPluginInfoResponse *info = NULL;

	WORKS(desk_info(&desk, &info, &test_error));
	SAME(info->name, "calls");
	OK(info->vendor_version[0] == 'r' && atoll(info->vendor_version + 1) > 0, "id %s",
	   info->vendor_version);
	struct desk_done done = desk_last_done(&desk, "GetPluginInfo");
	EQUAL(done.code, FL_OK);
	EQUAL(done.peer, getpid());
	OK(done.has_request && !done.cancelled);
	OK(done.duration_us > 0 && done.duration_us < 10000000 &&
	   done.queued_us <= done.duration_us);
	unsigned before = desk.n_done;
	WORKS(desk_probe(&desk, &test_error));
	EQUAL(desk.n_done, before + 1);
}

static void a_method_nobody_serves_is_unsupported(void)
{
	Csi__V1__ProbeRequest message = CSI__V1__PROBE_REQUEST__INIT;
	const void *answer;

	FAILS(call(&odd_service, "Frobnicate", &message, &answer, &test_error), FL_UNSUPPORTED);
	SAME(test_error.text, "/csi.v1.Controller/Frobnicate is not served here");
	EQUAL(desk_last_done(&desk, "/csi.v1.Controller/Frobnicate").code, FL_UNSUPPORTED);
}

static void a_service_nobody_serves_is_unsupported(void)
{
	Csi__V1__GroupControllerGetCapabilitiesRequest message =
		CSI__V1__GROUP_CONTROLLER_GET_CAPABILITIES_REQUEST__INIT;
	const void *answer;

	FAILS(call(&csi__v1__group_controller__descriptor, "GroupControllerGetCapabilities",
		   &message, &answer, &test_error),
	      FL_UNSUPPORTED);
	SAME(test_error.text,
	     "/csi.v1.GroupController/GroupControllerGetCapabilities is not served here");
}

static void a_method_without_handler_is_unsupported_with_a_sentence(void)
{
	Csi__V1__ListVolumesRequest message = CSI__V1__LIST_VOLUMES_REQUEST__INIT;
	const void *answer;

	FAILS(call(&csi__v1__controller__descriptor, "ListVolumes", &message, &answer, &test_error),
	      FL_UNSUPPORTED);
	SAME(test_error.text,
	     "ListVolumes is not offered here: see what the plugin and its services say they can do");
}

static void an_oversize_request_is_refused(void)
{
	size_t size = 2 * 1024 * 1024;
	char *name = malloc(size + 1);

	memset(name, 'x', size);
	name[size] = '\0';
	FAILS(desk_create(&desk, name, 10000, &test_error), FL_NO_SPACE);
	OK(strstr(test_error.text, "larger than max"), "%s", test_error.text);
	free(name);
	WORKS(desk_create(&desk, "after", 10000, &test_error));
}

static void a_request_just_below_the_limit_is_served(void)
{
	size_t size = 1024 * 1024 - 16;
	char *name = malloc(size + 1);

	memset(name, 'x', size);
	name[size] = '\0';
	WORKS(desk_create(&desk, name, 10000, &test_error));
	free(name);
}

/* Field 2 of CreateVolumeRequest is a message; as a text it is an unfinished number. */
static void a_truncated_request_is_invalid(void)
{
	Csi__V1__ListVolumesRequest message = CSI__V1__LIST_VOLUMES_REQUEST__INIT;
	const void *answer;
	unsigned began = desk.n_began;

	message.starting_token = (char *)"\x08\xff";
	FAILS(call(&csi__v1__controller__descriptor, "CreateVolume", &message, &answer,
		   &test_error),
	      FL_INVALID);
	OK(strstr(test_error.text, "malformed"), "%s", test_error.text);
	OK(!desk_last_done(&desk, "CreateVolume").has_request);
	EQUAL(desk.n_began, began);
}

static void a_request_that_grows_in_memory_is_refused(void)
{
	Csi__V1__CreateVolumeRequest message = CSI__V1__CREATE_VOLUME_REQUEST__INIT;
	Csi__V1__CreateVolumeRequest__ParametersEntry entry =
		CSI__V1__CREATE_VOLUME_REQUEST__PARAMETERS_ENTRY__INIT;
	size_t n = 1024 * 1024 / 2 - 16;
	const void *answer;
	unsigned began = desk.n_began;

	message.parameters = malloc(n * sizeof(message.parameters[0]));
	message.n_parameters = n;
	for (size_t i = 0; i < n; i++)
		message.parameters[i] = &entry;
	OK(protobuf_c_message_get_packed_size(&message.base) < 1024 * 1024);
	FAILS(call(&csi__v1__controller__descriptor, "CreateVolume", &message, &answer,
		   &test_error),
	      FL_INVALID);
	OK(strstr(test_error.text, "unpacks to more than 16777216 bytes"), "%s", test_error.text);
	EQUAL(desk.n_began, began);
	free(message.parameters);
	WORKS(desk_create(&desk, "after", 10000, &test_error));
}

static void each_code_arrives_as_itself(void)
{
	for (unsigned code = FL_OK + 1; code < FL_ERROR_COUNT; code++) {
		enum fl_error_code wanted = code;
		if (wanted == FL_BAD_TOKEN)
			wanted = FL_BUSY;
		char id[128];
		snprintf(id, sizeof(id), "%s volume pvc-%u: that is why", fl_error_name(code),
			 code);
		FAILS(delete (id, &test_error), wanted);
		SAME(test_error.text, strchr(id, ' ') + 1);
	}
}

static void a_status_of_a_stranger_is_understood(void)
{
	EQUAL(rpc_status_error(GRPC_STATUS_CANCELLED), FL_UNAVAILABLE);
	EQUAL(rpc_status_error(GRPC_STATUS_UNAUTHENTICATED), FL_DENIED);
	EQUAL(rpc_status_error(GRPC_STATUS_DATA_LOSS), FL_INTERNAL);
	EQUAL(rpc_status_error(GRPC_STATUS_UNKNOWN), FL_INTERNAL);
	EQUAL(rpc_status_error((grpc_status_code)4711), FL_INTERNAL);
}

static void a_failure_without_words_is_internal(void)
{
	Csi__V1__ValidateVolumeCapabilitiesRequest message =
		CSI__V1__VALIDATE_VOLUME_CAPABILITIES_REQUEST__INIT;
	const void *answer;

	FAILS(call(&csi__v1__controller__descriptor, "ValidateVolumeCapabilities", &message,
		   &answer, &test_error),
	      FL_INTERNAL);
	SAME(test_error.text, "ValidateVolumeCapabilities failed and did not say why");
}

static void a_text_that_is_no_utf8_is_cleaned(void)
{
	char id[4096];
	size_t start = strlen("NOT_FOUND ");

	FAILS(delete ("NOT_FOUND volume \"\xff\xfe \xc3\xa4\xe2\x82\xac\" 100%", &test_error),
	      FL_NOT_FOUND);
	SAME(test_error.text, "volume \"?? \xc3\xa4\xe2\x82\xac\" 100%");

	memcpy(id, "NOT_FOUND ", start);
	for (size_t i = start; i + 1 < sizeof(id); i++)
		id[i] = i % 3 == 0 ? '\x80' : 'a';
	id[sizeof(id) - 1] = '\0';
	FAILS(delete (id, &test_error), FL_NOT_FOUND);
	OK(strlen(test_error.text) > 400, "%zu bytes", strlen(test_error.text));
	OK(!strchr(test_error.text, '\x80'));

	/* A text that is cut in the middle of a character. */
	memset(id, 'a', sizeof(id) - 1);
	for (size_t i = start + 1; i + 2 < sizeof(id); i += 2)
		memcpy(id + i, "\xc3\xa4", 2);
	memcpy(id, "NOT_FOUND ", start);
	id[sizeof(id) - 1] = '\0';
	FAILS(delete (id, &test_error), FL_NOT_FOUND);
	OK(!strchr(test_error.text, '?') || strchr(test_error.text, '?')[1] == '\0');
}

static void each_byte_that_cannot_be_shown_becomes_one_mark(void)
{
	char text[16];

	rpc_status_text("a\x01\xff\xc3\n\xc3\xa4", text, sizeof(text));
	SAME(text, "a????\xc3\xa4");
	/* No half of a character at the end. */
	rpc_status_text("aa\xe2\x82\xac", text, 5);
	SAME(text, "aa");
	rpc_status_text("", text, sizeof(text));
	SAME(text, "");
}

static void add_entry(Csi__V1__CreateVolumeRequest *message, const char *key, const char *value)
{
	Csi__V1__CreateVolumeRequest__ParametersEntry *entry =
		fl_arena_alloc(desk.arena, sizeof(*entry));

	csi__v1__create_volume_request__parameters_entry__init(entry);
	entry->key = (char *)key;
	entry->value = (char *)value;
	message->parameters[message->n_parameters++] = entry;
}

static void the_last_of_equal_keys_counts(void)
{
	Csi__V1__CreateVolumeRequest message = CSI__V1__CREATE_VOLUME_REQUEST__INIT;
	Csi__V1__CreateVolumeRequest__ParametersEntry *entries[8];
	const void *answer;

	message.name = (char *)"maps";
	message.parameters = entries;
	add_entry(&message, "thin", "first");
	add_entry(&message, "pool", "fast");
	add_entry(&message, "thin", "second");
	add_entry(&message, "", "no key");
	add_entry(&message, "thin", "third");
	WORKS(call(&csi__v1__controller__descriptor, "CreateVolume", &message, &answer,
		   &test_error));
	const Csi__V1__Volume *volume = ((const Csi__V1__CreateVolumeResponse *)answer)->volume;
	EQUAL(volume->n_volume_context, 3);
	SAME(volume->volume_context[0]->key, "");
	SAME(volume->volume_context[1]->key, "pool");
	SAME(volume->volume_context[1]->value, "fast");
	SAME(volume->volume_context[2]->key, "thin");
	SAME(volume->volume_context[2]->value, "third");
}

static void the_deadline_is_the_earlier_one(void)
{
	WORKS(desk_create(&desk, "short", 2000, &test_error));
	unsigned left = atomic_load(&desk.deadline_left_ms);
	/* gRPC rounds what it puts on the wire up. */
	OK(left > 500 && left <= 2100, "%u ms", left);
	WORKS(desk_create(&desk, "long", 3600 * 1000, &test_error));
	left = atomic_load(&desk.deadline_left_ms);
	OK(left > 290 * 1000 && left <= 300 * 1000, "%u ms", left);
}

static void many_callers_at_once(void)
{
	struct desk_waiter waiters[8];

	desk_open_gate(&desk);
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < FL_COUNT(waiters); i++)
			desk_waiter_start(&waiters[i], &desk, 10000);
		for (size_t i = 0; i < FL_COUNT(waiters); i++) {
			desk_waiter_join(&waiters[i]);
			EQUAL(waiters[i].result, 0);
		}
	}
}

static const struct test tests[] = {
	{ "a call is answered and told once", a_call_is_answered_and_told_once },
	{ "a method nobody serves is unsupported", a_method_nobody_serves_is_unsupported },
	{ "a service nobody serves is unsupported", a_service_nobody_serves_is_unsupported },
	{ "a method without handler is unsupported with a sentence",
	  a_method_without_handler_is_unsupported_with_a_sentence },
	{ "an oversize request is refused", an_oversize_request_is_refused },
	{ "a request just below the limit is served", a_request_just_below_the_limit_is_served },
	{ "a truncated request is invalid", a_truncated_request_is_invalid },
	{ "a request that grows in memory is refused", a_request_that_grows_in_memory_is_refused },
	{ "each code arrives as itself", each_code_arrives_as_itself },
	{ "a status of a stranger is understood", a_status_of_a_stranger_is_understood },
	{ "a failure without words is internal", a_failure_without_words_is_internal },
	{ "a text that is no UTF-8 is cleaned", a_text_that_is_no_utf8_is_cleaned },
	{ "each byte that cannot be shown becomes one mark",
	  each_byte_that_cannot_be_shown_becomes_one_mark },
	{ "the last of equal keys counts", the_last_of_equal_keys_counts },
	{ "the deadline is the earlier one", the_deadline_is_the_earlier_one },
	{ "many callers at once", many_callers_at_once },
};

int main(int argc, char **argv)
{
	desk_open(&desk, "calls", NULL);
	int result = test_run(tests, FL_COUNT(tests), argc, argv);
	desk_close(&desk);
	return result;
}
