/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes that live as long as the pod that asked for them. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;

/* What kubelet calls such a volume. */
static const char id[] = "csi-8b1f6d2c0e4a7395b1f6d2c0e4a7395b1f6d2c0e4a7395b1f6d2c0e4a73951";

static const struct fl_pair small[] = { { "size", "64Mi" }, { NULL, NULL } };
static const struct fl_pair smaller[] = { { "size", "48Mi" }, { NULL, NULL } };
static const struct rig_use pod = { .fs = "ext4", .ephemeral = true, .attributes = small };

static struct fl_pool *pool(void)
{
	return fl_pools_get(rig.pools, "default");
}

static int count_volume(void *cookie, const struct fl_volume *volume)
{
	printf("# left over: volume %s\n", volume->name);
	++*(unsigned *)cookie;
	return 0;
}

static const char *record(void)
{
	struct fl_op op = rig_op(&rig);
	struct fl_record got = { 0, "" };

	WORKS(fl_pool_record_get(pool(), &op, fl_arena_printf(rig.arena, "%s.ephemeral", id), &got,
				 &test_error));
	return got.value;
}

/* No mount, no device, no target, no volume, no record. */
static bool nothing_is_left(void)
{
	struct fl_op op = rig_op(&rig);
	unsigned n = 0;

	WORKS(fl_volume_list(pool(), &op, NULL, count_volume, &n, &test_error));
	SAME(record(), "");
	return rig_is_clean(&rig) && n == 0;
}

static void it_lives_as_long_as_its_pod(void)
{
	struct rig_use use = pod;
	uint64_t bytes, inodes;

	use.group = "4242";
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	OK(rig_write_file(rig.target, "scratch", "data"));
	WORKS(rig_stats(&rig, id, rig.target, &bytes, &inodes, &test_error));
	OK(bytes > 32 * MIB && bytes <= 64 * MIB && inodes > 0, "%ju bytes", (uintmax_t)bytes);
	FAILS(rig_stats(&rig, id, rig.other_target, &bytes, &inodes, &test_error), FL_NOT_FOUND);
	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	OK(rig_file_says(rig.target, "scratch", "data"));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(nothing_is_left());
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	FAILS(rig_stats(&rig, id, rig.target, &bytes, &inodes, &test_error), FL_NOT_FOUND);
}

static void all_file_systems_do(void)
{
	static const struct fl_pair large[] = {
		{ "size", "320Mi" }, { "pool", "default" }, { "thin", "false" }, { NULL, NULL }
	};
	static const char *const kinds[] = { "ext4", "xfs", "btrfs", "" };

	for (size_t i = 0; i < FL_COUNT(kinds); i++) {
		struct rig_use use = { .fs = kinds[i], .ephemeral = true, .attributes = large };

		WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
		OK(rig_write_file(rig.target, "a", "b"));
		WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
		OK(nothing_is_left());
	}
}

static void it_outlives_the_service(void)
{
	rig.restarts = true;
	it_lives_as_long_as_its_pod();
	rig.restarts = false;
}

/* A call that does not fit changes nothing of what is there. */
static void a_pod_keeps_what_it_has(void)
{
	struct rig_use other = pod, reader = pod, xfs = pod;

	other.attributes = smaller;
	reader.read_only = true;
	xfs.fs = "xfs";
	WORKS(rig_publish(&rig, id, rig.target, &pod, &test_error));
	OK(rig_write_file(rig.target, "scratch", "data"));
	FAILS(rig_publish(&rig, id, rig.target, &other, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.target, &reader, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.target, &xfs, &test_error), FL_EXISTS);
	FAILS(rig_publish(&rig, id, rig.other_target, &pod, &test_error), FL_IN_USE);
	FAILS(rig_unpublish(&rig, id, rig.other_target, &test_error), FL_IN_USE);
	OK(rig_file_says(rig.target, "scratch", "data"));
	fl_cleanup(fl_close) int fd = open(rig.target, O_RDONLY | O_CLOEXEC);

	FAILS(rig_unpublish(&rig, id, rig.target, &test_error), FL_IN_USE);
	fl_close(&fd);
	fd = -1;
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(nothing_is_left());
}

static void a_reader_gets_an_empty_one(void)
{
	struct rig_use reader = pod;

	reader.read_only = true;
	WORKS(rig_publish(&rig, id, rig.target, &reader, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &reader, &test_error));
	OK(!rig_write_file(rig.target, "a", "b"));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(nothing_is_left());
}

/* Mounts, devices and the state directory are gone; images and records are not. */
static void reboot(void)
{
	const char *image = fl_arena_printf(rig.arena, "%s/state", rig.root);

	rig_kill_server(&rig);
	OK(umount(rig.target) == 0);
	rig_detach_all(&rig);
	rig_run((const char *[]){ "rm", "-rf", image, NULL });
	rig_start_server(&rig);
}

static void a_reboot_does_not_lose_it(void)
{
	WORKS(rig_publish(&rig, id, rig.target, &pod, &test_error));
	reboot();
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(nothing_is_left());

	WORKS(rig_publish(&rig, id, rig.target, &pod, &test_error));
	OK(rig_write_file(rig.target, "scratch", "data"));
	reboot();
	WORKS(rig_publish(&rig, id, rig.target, &pod, &test_error));
	OK(rig_file_says(rig.target, "scratch", "data"), "the pod that goes on has its data");
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(nothing_is_left());
}

static uint64_t write_record(const char *value)
{
	const char *key = fl_arena_printf(rig.arena, "%s.ephemeral", id);
	struct fl_op op = rig_op(&rig);
	uint64_t version = 0;

	WORKS(fl_pool_record_set(pool(), &op, key, 0, value, &version, &test_error));
	return version;
}

/* The volume that such a publication makes. */
static const char *make_volume(void)
{
	struct fl_volume_spec spec = {
		.name = fl_arena_printf(rig.arena, "ephemeral-%s", id),
		.min_bytes = 64 * MIB,
		.thin = true,
	};
	struct fl_op op = rig_op(&rig);
	struct fl_volume volume = { 0 };

	WORKS(fl_volume_create(pool(), &op, &spec, &volume, &test_error));
	return volume.handle;
}

/* Somebody else took the name: theirs is not used, and not deleted. */
static void a_volume_of_somebody_else_stays(void)
{
	const char *handle = make_volume();
	struct fl_op op = rig_op(&rig);
	struct fl_volume volume;

	rig_own(&rig, fl_object_id_format(rig.arena, rig.pools, pool(), handle), "n1", false);
	FAILS(rig_publish(&rig, id, rig.target, &pod, &test_error), FL_EXISTS);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	SAME(record(), "");
	WORKS(fl_volume_get(pool(), &op, handle, &volume, &test_error));
	WORKS(fl_volume_delete(pool(), &op, handle, &test_error));
	OK(nothing_is_left());
}

/* The service died after it wrote the record, before and after it made the volume. */
static void what_was_begun_is_found(void)
{
	struct fl_op op = rig_op(&rig);
	uint64_t version;
	static const char begun[] = "{\"size\": 67108864, \"thin\": true}";

	write_record(begun);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(nothing_is_left());
	write_record(begun);
	make_volume();
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(nothing_is_left());
	write_record("{\"handle\": \"gone\", \"size\": 67108864, \"thin\": true}");
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(nothing_is_left());
	write_record(begun);
	WORKS(rig_publish(&rig, id, rig.target, &pod, &test_error));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	OK(nothing_is_left());
	version = write_record("{\"size\": \"7\"}");
	FAILS(rig_unpublish(&rig, id, rig.target, &test_error), FL_INTERNAL);
	WORKS(fl_pool_record_remove(pool(), &op, fl_arena_printf(rig.arena, "%s.ephemeral", id),
				    version, &test_error));
}

/* The orchestrator never asks again after such an error, not even to unpublish. */
static void what_fails_for_good_leaves_nothing(void)
{
	struct rig_use bad_flag = pod;

	OK(rig_write_file(rig.root, "target", "a file"));
	FAILS(rig_publish(&rig, id, rig.target, &pod, &test_error), FL_IN_USE);
	OK(unlink(rig.target) == 0);
	OK(nothing_is_left());
	bad_flag.mount_flag = "data=nonsense";
	FAILS(rig_publish(&rig, id, rig.target, &bad_flag, &test_error), FL_INVALID);
	rmdir(rig.target);
	OK(nothing_is_left());
}

static void refuses(struct rig_use use, const char *volume_id, const char *why)
{
	FAILS(rig_publish(&rig, volume_id, rig.target, &use, &test_error), FL_INVALID);
	OK(strstr(test_error.text, why) != NULL, "%s", test_error.text);
}

static void what_does_not_fit_is_named(void)
{
	static const struct {
		struct fl_pair attributes[2];
		const char *why;
	} wrong[] = {
		{ { { "sise", "1Gi" } }, "\"size\"" },
		{ { { "size", "11Gi" } }, "ephemeral_max" },
		{ { { "size", "0" } }, "ephemeral_max" },
		{ { { "size", "much" } }, "size" },
		{ { { "pool", "fast" } }, "fast" },
		{ { { "thin", "perhaps" } }, "thin" },
		{ { { "mkfs_options", "-E offset=4096" } }, "offset" },
	};
	struct rig_use use = pod;

	for (size_t i = 0; i < FL_COUNT(wrong); i++) {
		use.attributes = wrong[i].attributes;
		refuses(use, id, wrong[i].why);
	}
	use = pod;
	refuses(use, "default/n1/a", "no id of an ephemeral volume");
	use.mode = 3;
	refuses(use, id, "MULTI_NODE_READER_ONLY");
	use = pod;
	use.fs = NULL;
	refuses(use, id, "file system");
	OK(nothing_is_left());
}

static const struct test tests[] = {
	{ "it lives as long as its pod", it_lives_as_long_as_its_pod },
	{ "all file systems do", all_file_systems_do },
	{ "it outlives the service", it_outlives_the_service },
	{ "a pod keeps what it has", a_pod_keeps_what_it_has },
	{ "a reader gets an empty one", a_reader_gets_an_empty_one },
	{ "a reboot does not lose it", a_reboot_does_not_lose_it },
	{ "what was begun is found", what_was_begun_is_found },
	{ "a volume of somebody else stays", a_volume_of_somebody_else_stays },
	{ "what fails for good leaves nothing", what_fails_for_good_leaves_nothing },
	{ "what does not fit is named", what_does_not_fit_is_named },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
