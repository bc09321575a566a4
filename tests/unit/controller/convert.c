/* SPDX-License-Identifier: Apache-2.0 */
/* What requests carry, and sizes. */
#include "csi/convert.h"

#include "controller/size.h"
#include "csi/capability.h"
#include "csi/csi.pb-c.h"
#include "csi/reply.h"
#include "csi/rpc/map.h"
#include "tests/test.h"

static struct fl_arena *arena;

static void names_have_1_to_128_printable_bytes(void)
{
	char name[130];

	memset(name, 'n', sizeof(name));
	name[128] = '\0';
	WORKS(convert_name("volume", name, &test_error));
	name[128] = 'n';
	name[129] = '\0';
	FAILS(convert_name("volume", name, &test_error), FL_INVALID);
	WORKS(convert_name("volume", "диск 1 ☂", &test_error));
	FAILS(convert_name("volume", "", &test_error), FL_INVALID);
	WORKS(convert_name("volume", "a\nb", &test_error));
	FAILS(convert_name("volume", "a\vb", &test_error), FL_INVALID);
	FAILS(convert_name("volume", "\xff\xfe", &test_error), FL_INVALID);
}

static void ids_that_cannot_be_ours_are_not_found(void)
{
	char id[2000];

	memset(id, 'i', sizeof(id));
	id[1024] = '\0';
	WORKS(convert_id("volume", id, &test_error));
	id[1024] = 'i';
	id[1025] = '\0';
	FAILS(convert_id("volume", id, &test_error), FL_NOT_FOUND);
	FAILS(convert_id("volume", "a\x01", &test_error), FL_NOT_FOUND);
	FAILS(convert_id("volume", "", &test_error), FL_INVALID);
	SAME(test_error.text, "volume_id is missing");
}

static Csi__V1__VolumeCapability__MountVolume mount_volume;

static int read_mount(const char *fs_type, char **flags, size_t n, struct capability *ret)
{
	Csi__V1__VolumeCapability message = CSI__V1__VOLUME_CAPABILITY__INIT;
	Csi__V1__VolumeCapability__AccessMode access =
		CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__INIT;

	csi__v1__volume_capability__mount_volume__init(&mount_volume);
	mount_volume.fs_type = (char *)fs_type;
	mount_volume.mount_flags = flags;
	mount_volume.n_mount_flags = n;
	access.mode = CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__MODE__SINGLE_NODE_WRITER;
	message.access_mode = &access;
	message.access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_MOUNT;
	message.mount = &mount_volume;
	return capability_read(&message, ret, &test_error);
}

static void mounts_have_a_file_system_of_ours(void)
{
	char *flags[] = { "noatime", "discard" }, *bad[] = { "a\nb" }, *empty[] = { "" };
	struct capability capability;

	WORKS(read_mount("", flags, 2, &capability));
	SAME(capability.fs_type, "ext4");
	EQUAL(capability.n_mount_flags, 2);
	SAME(capability.mount_flags[1], "discard");
	WORKS(read_mount("btrfs", NULL, 0, &capability));
	SAME(capability.fs_type, "btrfs");
	FAILS(read_mount("EXT4", NULL, 0, &capability), FL_INVALID);
	FAILS(read_mount("ext4; rm", NULL, 0, &capability), FL_INVALID);
	FAILS(read_mount("ext4", bad, 1, &capability), FL_INVALID);
	FAILS(read_mount("ext4", empty, 1, &capability), FL_INVALID);
}

static void capabilities_are_whole(void)
{
	Csi__V1__VolumeCapability message = CSI__V1__VOLUME_CAPABILITY__INIT;
	Csi__V1__VolumeCapability__AccessMode access =
		CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__INIT;
	Csi__V1__VolumeCapability__BlockVolume block =
		CSI__V1__VOLUME_CAPABILITY__BLOCK_VOLUME__INIT;
	struct capability capability;

	FAILS(capability_read(NULL, &capability, &test_error), FL_INVALID);
	FAILS(capability_read(&message, &capability, &test_error), FL_INVALID);
	message.access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK;
	message.block = &block;
	FAILS(capability_read(&message, &capability, &test_error), FL_INVALID);
	message.access_mode = &access;
	FAILS(capability_read(&message, &capability, &test_error), FL_INVALID);
	access.mode = (Csi__V1__VolumeCapability__AccessMode__Mode)8;
	FAILS(capability_read(&message, &capability, &test_error), FL_INVALID);
	access.mode = (Csi__V1__VolumeCapability__AccessMode__Mode)-1;
	FAILS(capability_read(&message, &capability, &test_error), FL_INVALID);
	for (int mode = 1; mode <= 7; mode++) {
		access.mode = (Csi__V1__VolumeCapability__AccessMode__Mode)mode;
		WORKS(capability_read(&message, &capability, &test_error));
		OK(capability.block && (int)capability.mode == mode);
		EQUAL(access_mode_of(access_mode_name(capability.mode)), mode);
		EQUAL(access_mode_is_multi_node(capability.mode), mode >= 3 && mode <= 5);
		EQUAL(access_mode_is_reader(capability.mode), mode == 2 || mode == 3);
	}
	EQUAL(access_mode_of("SINGLE"), 0);
}

static int read_pairs(const struct fl_pair *pairs, size_t n, struct fl_pair **ret, size_t *ret_n)
{
	void *entries = rpc_map_entries(
		arena, &csi__v1__create_volume_request__parameters_entry__descriptor, pairs, n);

	return convert_pairs(arena, "parameters", entries, n, ret, ret_n, &test_error);
}

static void the_last_of_equal_keys_counts(void)
{
	const struct fl_pair pairs[] = { { "b", "1" }, { "a", "2" }, { "b", "3" } };
	struct fl_pair *read = NULL;
	size_t n = 0;

	WORKS(read_pairs(pairs, FL_COUNT(pairs), &read, &n));
	EQUAL(n, 2);
	SAME(read[0].key, "a");
	SAME(fl_pair_get(read, n, "b"), "3");
}

static void maps_have_bounds(void)
{
	struct fl_pair many[300], *read;
	char value[5000];
	size_t n;

	for (size_t i = 0; i < FL_COUNT(many); i++)
		many[i] = (struct fl_pair){ fl_arena_printf(arena, "k%zu", i), "v" };
	WORKS(read_pairs(many, 256, &read, &n));
	FAILS(read_pairs(many, 257, &read, &n), FL_INVALID);
	memset(value, 'v', sizeof(value));
	value[4097] = '\0';
	many[0].value = value;
	FAILS(read_pairs(many, 1, &read, &n), FL_INVALID);
	value[4096] = '\0';
	WORKS(read_pairs(many, 1, &read, &n));
	many[0] = (struct fl_pair){ "", "v" };
	FAILS(read_pairs(many, 1, &read, &n), FL_INVALID);
	many[0] = (struct fl_pair){ "k", "a\x02" };
	FAILS(read_pairs(many, 1, &read, &n), FL_INVALID);
}

static void sizes_lie_in_their_range(void)
{
	static const struct {
		struct capacity_range range;
		uint64_t content, min, max;
		enum fl_error_code code;
	} rows[] = {
		{ { 0, 0 }, 0, (uint64_t)1 << 30, 0, FL_OK },
		{ { 0, 1 << 20 }, 0, 1 << 20, 1 << 20, FL_OK },
		{ { 1, 0 }, 0, 4096, 0, FL_OK },
		{ { 4096, 4096 }, 0, 4096, 4096, FL_OK },
		{ { 4097, 5000 }, 0, 4608, 4608, FL_OK },
		{ { 4097, 4200 }, 0, 0, 0, FL_OUT_OF_RANGE },
		{ { 1 << 20, 0 }, 8 << 20, 8 << 20, 0, FL_OK },
		{ { 0, 0 }, 8 << 20, 8 << 20, 0, FL_OK },
		{ { 16 << 20, 0 }, 8 << 20, 16 << 20, 0, FL_OK },
		{ { 0, 4 << 20 }, 8 << 20, 0, 0, FL_OUT_OF_RANGE },
		{ { 4 << 20, 8 << 20 }, 8 << 20, 8 << 20, 8 << 20, FL_OK },
		{ { INT64_MAX, 0 }, 0, 0, 0, FL_OUT_OF_RANGE },
	};
	uint64_t min = 0, max = 0;

	for (size_t i = 0; i < FL_COUNT(rows); i++) {
		int status = size_choose(&rows[i].range, rows[i].content, &min, &max, &test_error);
		if (rows[i].code == FL_OK)
			OK(status == 0 && min == rows[i].min && max == rows[i].max,
			   "row %zu: %llu to %llu", i, (unsigned long long)min,
			   (unsigned long long)max);
		else
			OK(status < 0 && test_error.code == rows[i].code, "row %zu", i);
	}
}

static void contents_are_of_a_known_kind(void)
{
	Csi__V1__VolumeContentSource message = CSI__V1__VOLUME_CONTENT_SOURCE__INIT;
	Csi__V1__VolumeContentSource__VolumeSource volume =
		CSI__V1__VOLUME_CONTENT_SOURCE__VOLUME_SOURCE__INIT;
	struct content_source content;

	WORKS(convert_content(NULL, &content, &test_error));
	EQUAL(content.kind, CONTENT_NONE);
	FAILS(convert_content(&message, &content, &test_error), FL_INVALID);
	message.type_case = CSI__V1__VOLUME_CONTENT_SOURCE__TYPE_VOLUME;
	message.volume = &volume;
	FAILS(convert_content(&message, &content, &test_error), FL_INVALID);
	volume.volume_id = (char *)"near/v";
	WORKS(convert_content(&message, &content, &test_error));
	EQUAL(content.kind, CONTENT_VOLUME);
	SAME(content.id, "near/v");
}

static void times_have_no_negative_nanoseconds(void)
{
	const Google__Protobuf__Timestamp *time = reply_time(arena, 1500000000123456789);

	EQUAL(time->seconds, 1500000000);
	EQUAL(time->nanos, 123456789);
	time = reply_time(arena, -1);
	EQUAL(time->seconds, -1);
	EQUAL(time->nanos, 999999999);
	EQUAL(reply_size(UINT64_MAX), INT64_MAX);
}

static const struct test tests[] = {
	{ "names have 1 to 128 printable bytes", names_have_1_to_128_printable_bytes },
	{ "ids that cannot be ours are not found", ids_that_cannot_be_ours_are_not_found },
	{ "mounts have a file system of ours", mounts_have_a_file_system_of_ours },
	{ "capabilities are whole", capabilities_are_whole },
	{ "the last of equal keys counts", the_last_of_equal_keys_counts },
	{ "maps have bounds", maps_have_bounds },
	{ "sizes lie in their range", sizes_lie_in_their_range },
	{ "contents are of a known kind", contents_are_of_a_known_kind },
	{ "times have no negative nanoseconds", times_have_no_negative_nanoseconds },
};

int main(int argc, char **argv)
{
	arena = fl_arena_new(0);
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	return status;
}
