/* SPDX-License-Identifier: Apache-2.0 */
/* At how many paths of a node a volume may be published, and what a second NodePublishVolume is
 * told: the table of CSI's specification for plugins with SINGLE_NODE_MULTI_WRITER. */
#include "csi/capability.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;

/* What the volume is used as, for each way there is. */
static const struct {
	const char *name;
	struct rig_use use;
} ways[] = {
	{ "mount", { .fs = "ext4" } },
	{ "block", { .fs = NULL } },
	{ "vm", { .vm = "web1" } },
};

static const char *volume(const char *name, int mode)
{
	const char *id = rig_volume(&rig, name, 32 * MIB);

	rig_own_as(&rig, id, mode, 1);
	return id;
}

static void take_away(const char *id)
{
	WORKS(rig_unpublish(&rig, id, rig.other_target, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

/* The first path and the second, `code` for the second. */
static void second_path_is(const char *id, struct rig_use use, int code)
{
	int rc;

	WORKS(rig_stage(&rig, id, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	rc = rig_publish(&rig, id, rig.other_target, &use, &test_error);
	EQUAL(rc == 0 ? FL_OK : (int)test_error.code, code);
	if (code == FL_OK) {
		take_away(id);
		return;
	}
	OK(strstr(test_error.text, rig.target) != NULL, "%s", test_error.text);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_publish(&rig, id, rig.other_target, &use, &test_error));
	take_away(id);
}

static void the_mode_says_how_many(void)
{
	for (int mode = 1; mode <= 7; mode++) {
		bool many = mode == ACCESS_SINGLE_NODE_MULTI_WRITER ||
			    access_mode_is_multi_node((enum access_mode)mode);

		for (size_t i = 0; i < FL_COUNT(ways); i++) {
			const char *name = fl_arena_printf(rig.arena, "%s-%d", ways[i].name, mode);
			struct rig_use use = ways[i].use;

			use.mode = mode;
			/* A reader finds a file system that is there. */
			if (access_mode_is_reader((enum access_mode)mode) && use.fs)
				continue;
			printf("# %s\n", name);
			second_path_is(volume(name, mode), use, many ? FL_OK : FL_IN_USE);
		}
	}
}

/* Nothing is remembered: the service is another one before each call. */
static void the_rule_outlives_the_service(void)
{
	rig.restarts = true;
	for (size_t i = 0; i < FL_COUNT(ways); i++) {
		struct rig_use use = ways[i].use;

		use.mode = ACCESS_SINGLE_NODE_SINGLE_WRITER;
		second_path_is(
			volume(fl_arena_printf(rig.arena, "restart-%s", ways[i].name), use.mode),
			use, FL_IN_USE);
	}
	rig.restarts = false;
}

/* What the publication says does not make it more than what the attachment said. */
static void an_attachment_for_one_path_stays_one(void)
{
	struct rig_use use = { .fs = "ext4", .mode = ACCESS_SINGLE_NODE_MULTI_WRITER };

	second_path_is(volume("attached", ACCESS_SINGLE_NODE_SINGLE_WRITER), use, FL_IN_USE);
}

/* The same path with other arguments: ALREADY_EXISTS. */
static void a_path_keeps_what_it_is(void)
{
	struct rig_use writer = { .fs = "ext4" }, reader = { .fs = "ext4", .read_only = true };
	struct rig_use flags = { .fs = "ext4", .mount_flag = "noexec" }, xfs = { .fs = "xfs" };
	const char *id = rig_volume(&rig, "kept", 32 * MIB);

	WORKS(rig_stage(&rig, id, &writer, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &writer, &test_error));
	FAILS(rig_publish(&rig, id, rig.target, &reader, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.target, &flags, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.target, &xfs, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.target, &(struct rig_use){ 0 }, &test_error), FL_EXISTS);
	WORKS(rig_publish(&rig, id, rig.other_target, &reader, &test_error));
	FAILS(rig_publish(&rig, id, rig.other_target, &writer, &test_error), FL_EXISTS);
	OK(rig_write_file(rig.target, "a", "b"), "the first path is as it was");
	OK(!rig_write_file(rig.other_target, "a", "c"), "and so is the second");
	take_away(id);
}

static void who_names_no_file_system_means_the_staged_one(void)
{
	struct rig_use btrfs = { .fs = "btrfs" }, any = { .fs = "" }, ext4 = { .fs = "ext4" };
	const char *id = rig_volume(&rig, "any", 128 * MIB);

	WORKS(rig_stage(&rig, id, &btrfs, &test_error));
	FAILS(rig_publish(&rig, id, rig.target, &ext4, &test_error), FL_EXISTS);
	WORKS(rig_publish(&rig, id, rig.target, &any, &test_error));
	take_away(id);
}

static void a_device_keeps_what_it_is(void)
{
	struct rig_use writer = { 0 }, reader = { .read_only = true }, ext4 = { .fs = "ext4" };
	struct rig_use web1 = { .vm = "web1" }, web2 = { .vm = "web2" };
	const char *id = rig_volume(&rig, "device", 32 * MIB);

	WORKS(rig_publish(&rig, id, rig.target, &writer, &test_error));
	FAILS(rig_publish(&rig, id, rig.target, &reader, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.target, &ext4, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.other_target, &reader, &test_error), FL_IN_USE);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &web1, &test_error));
	FAILS(rig_publish(&rig, id, rig.target, &web2, &test_error), FL_EXISTS);
	web1.read_only = true;
	FAILS(rig_publish(&rig, id, rig.target, &web1, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.other_target, &web1, &test_error), FL_IN_USE);
	take_away(id);
}

/* A context of an attachment that is over. */
static void an_old_epoch_is_refused(void)
{
	struct rig_use old = { .fs = "ext4", .epoch = "3" }, now = { .fs = "ext4", .epoch = "4" };
	struct rig_use odd = { .fs = "ext4", .epoch = "four" };
	const char *id = rig_volume(&rig, "epoch", 32 * MIB);

	rig_own_as(&rig, id, ACCESS_SINGLE_NODE_MULTI_WRITER, 4);
	FAILS(rig_stage(&rig, id, &old, &test_error), FL_IN_USE);
	OK(strstr(test_error.text, "epoch 3") && strstr(test_error.text, "epoch 4"), "%s",
	   test_error.text);
	FAILS(rig_stage(&rig, id, &odd, &test_error), FL_IN_USE);
	WORKS(rig_stage(&rig, id, &now, &test_error));
	FAILS(rig_publish(&rig, id, rig.target, &old, &test_error), FL_IN_USE);
	WORKS(rig_publish(&rig, id, rig.target, &now, &test_error));
	take_away(id);
}

static const struct test tests[] = {
	{ "the access mode says at how many paths", the_mode_says_how_many },
	{ "the rule outlives the service", the_rule_outlives_the_service },
	{ "an attachment for one path stays one", an_attachment_for_one_path_stays_one },
	{ "a path keeps what it is", a_path_keeps_what_it_is },
	{ "who names no file system means the staged one",
	  who_names_no_file_system_means_the_staged_one },
	{ "a device keeps what it is", a_device_keeps_what_it_is },
	{ "an old epoch is refused", an_old_epoch_is_refused },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
