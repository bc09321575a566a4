/* SPDX-License-Identifier: Apache-2.0 */
/* The owner record beside the data decides who may use a volume, whatever a caller says. */
#include <unistd.h>

#include "base/json.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;
static const struct rig_use block;
static const struct rig_use ext4 = { .fs = "ext4" };
static const struct rig_use web1 = { .vm = "web1" };

static void says(const char *words)
{
	OK(strstr(test_error.text, words), "%s", test_error.text);
}

/* Every way to the data is closed, and nothing is left of the attempts. */
static void nothing_works(const char *id, const char *words)
{
	FAILS(rig_stage(&rig, id, &ext4, &test_error), FL_IN_USE);
	says(words);
	FAILS(rig_stage(&rig, id, &block, &test_error), FL_IN_USE);
	FAILS(rig_publish(&rig, id, rig.target, &block, &test_error), FL_IN_USE);
	says(words);
	FAILS(rig_publish(&rig, id, rig.target, &web1, &test_error), FL_IN_USE);
	says(words);
	SAME(rig_format(&rig, id), "never");
	OK(rig_is_clean(&rig));
}

static void a_volume_of_nobody_is_not_used(void)
{
	const char *id = rig_volume(&rig, "nobody", 8 * MIB);

	rig_own(&rig, id, NULL, false);
	nothing_works(id, "attached to no node");
}

static void a_volume_of_another_node_is_not_used(void)
{
	const char *id = rig_volume(&rig, "other", 8 * MIB);
	struct fl_source here = rig_source(&rig, id);
	struct rig_use with_context = block;

	rig_own(&rig, id, "n2", false);
	nothing_works(id, "attached to node n2");
	/* A publish_context from before it went there. */
	with_context.source = &here;
	FAILS(rig_publish(&rig, id, rig.target, &with_context, &test_error), FL_IN_USE);
	OK(rig_is_clean(&rig));
}

static void a_record_that_nobody_understands_is_no_permission(void)
{
	const char *id = rig_volume(&rig, "damaged", 8 * MIB);

	rig_set_record(&rig, id, FL_RECORD_OWNER, "{\"epoch\": 1, \"state\": \"lent\"}");
	FAILS(rig_stage(&rig, id, &ext4, &test_error), FL_INTERNAL);
	says(id);
	FAILS(rig_publish(&rig, id, rig.target, &web1, &test_error), FL_INTERNAL);
	OK(rig_is_clean(&rig));
}

static void a_reader_may_only_read(void)
{
	struct rig_use reader = { .read_only = true };
	const char *id = rig_volume(&rig, "reader", 8 * MIB);

	rig_own(&rig, id, "n1", true);
	nothing_works(id, "read-only");
	WORKS(rig_publish(&rig, id, rig.target, &reader, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

/* The orchestrator gave the node up, and it has come back: what it has can be taken away only. */
static void what_is_lost_can_be_taken_away(void)
{
	const char *id = rig_volume(&rig, "lost", 32 * MIB);

	WORKS(rig_stage(&rig, id, &ext4, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &ext4, &test_error));
	rig_own(&rig, id, "n2", false);
	FAILS(rig_stage(&rig, id, &ext4, &test_error), FL_IN_USE);
	FAILS(rig_publish(&rig, id, rig.other_target, &ext4, &test_error), FL_IN_USE);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

/* The controller is just taking the attachment away. */
static void what_is_leaving_is_not_begun(void)
{
	static const char leaving[] =
		"{\"epoch\": 1, \"state\": \"owned\", \"attachments\": [{\"node\": \"n1\", \"mode\": "
		"\"SINGLE_NODE_MULTI_WRITER\", \"block\": true, \"leaving\": true}]}";
	const char *id = rig_volume(&rig, "leaving", 8 * MIB);

	rig_set_record(&rig, id, FL_RECORD_OWNER, leaving);
	nothing_works(id, "being detached");
	OK(rig_is_clean(&rig));
}

static void a_pass_ends_with_the_attachment(void)
{
	const char *id = rig_volume(&rig, "pass", 8 * MIB);
	fl_cleanup(fl_close) int fd = rig_launcher(&rig, "web1");
	struct fl_channel_message answer = { 0 };
	const char *token;

	WORKS(rig_publish(&rig, id, rig.target, &web1, &test_error));
	token = rig_token(&rig, rig.target);
	rig_own(&rig, id, "n2", false);
	FAILS(rig_ask(&rig, fd, "attach", json_pack("{s:s, s:s}", "volume", id, "token", token),
		      &answer, &test_error),
	      FL_IN_USE);
	says("attached to node n2");
	rig_own(&rig, id, "n1", false);
	WORKS(rig_ask(&rig, fd, "attach", json_pack("{s:s, s:s}", "volume", id, "token", token),
		      &answer, &test_error));
	fl_channel_message_release(&answer);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(rig_is_clean(&rig));
}

static const struct test tests[] = {
	{ "a volume of nobody is not used", a_volume_of_nobody_is_not_used },
	{ "a volume of another node is not used", a_volume_of_another_node_is_not_used },
	{ "a record that nobody understands is no permission",
	  a_record_that_nobody_understands_is_no_permission },
	{ "a reader may only read", a_reader_may_only_read },
	{ "what is lost can be taken away", what_is_lost_can_be_taken_away },
	{ "what is leaving is not begun", what_is_leaving_is_not_begun },
	{ "a pass ends with the attachment", a_pass_ends_with_the_attachment },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
