/* SPDX-License-Identifier: Apache-2.0 */
#include "capability.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define CAPABILITY_MAX 32
#define CAPABILITY_MAX_FLAGS 64
#define CAPABILITY_MAX_FLAG_BYTES 256
#define CAPABILITY_GROUP_DIGITS 10

static const struct {
	const char *name;
	bool multi_node;
	bool reader;
} access_modes[] = {
	[ACCESS_SINGLE_NODE_WRITER] = { "SINGLE_NODE_WRITER", false, false },
	[ACCESS_SINGLE_NODE_READER_ONLY] = { "SINGLE_NODE_READER_ONLY", false, true },
	[ACCESS_MULTI_NODE_READER_ONLY] = { "MULTI_NODE_READER_ONLY", true, true },
	[ACCESS_MULTI_NODE_SINGLE_WRITER] = { "MULTI_NODE_SINGLE_WRITER", true, false },
	[ACCESS_MULTI_NODE_MULTI_WRITER] = { "MULTI_NODE_MULTI_WRITER", true, false },
	[ACCESS_SINGLE_NODE_SINGLE_WRITER] = { "SINGLE_NODE_SINGLE_WRITER", false, false },
	[ACCESS_SINGLE_NODE_MULTI_WRITER] = { "SINGLE_NODE_MULTI_WRITER", false, false },
};

static const char *const capability_file_systems[] = { "ext4", "xfs", "btrfs" };

const char *access_mode_name(enum access_mode mode)
{
	return (size_t)mode < FL_COUNT(access_modes) ? access_modes[mode].name : NULL;
}

enum access_mode access_mode_of(const char *name)
{
	for (size_t i = 1; i < FL_COUNT(access_modes); i++)
		if (strcmp(access_modes[i].name, name) == 0)
			return (enum access_mode)i;
	return (enum access_mode)0;
}

bool access_mode_is_multi_node(enum access_mode mode)
{
	return access_modes[mode].multi_node;
}

bool access_mode_is_reader(enum access_mode mode)
{
	return access_modes[mode].reader;
}

bool access_mode_is_single_path(enum access_mode mode)
{
	return !access_modes[mode].multi_node && mode != ACCESS_SINGLE_NODE_MULTI_WRITER;
}

int capability_check_fs_type(const char *fs_type, struct fl_error *err)
{
	if (fs_type[0] == '\0')
		return 0;
	for (size_t i = 0; i < FL_COUNT(capability_file_systems); i++)
		if (strcmp(fs_type, capability_file_systems[i]) == 0)
			return 0;
	if (!fl_text_is_printable(fs_type, strnlen(fs_type, 64)) || strlen(fs_type) > 64)
		return fl_error_set(
			err, FL_INVALID,
			"the fs_type is no name of a file system: use ext4, xfs or btrfs");
	return fl_error_set(err, FL_INVALID,
			    "fs_type \"%s\" is not offered: use ext4, xfs or btrfs", fs_type);
}

static int capability_check_flags(const Csi__V1__VolumeCapability__MountVolume *mount,
				  struct fl_error *err)
{
	if (mount->n_mount_flags > CAPABILITY_MAX_FLAGS)
		return fl_error_set(err, FL_INVALID, "%zu mount_flags are too many: at most %d",
				    mount->n_mount_flags, CAPABILITY_MAX_FLAGS);
	for (size_t i = 0; i < mount->n_mount_flags; i++) {
		size_t length = strnlen(mount->mount_flags[i], CAPABILITY_MAX_FLAG_BYTES + 1);
		if (length == 0 || length > CAPABILITY_MAX_FLAG_BYTES ||
		    !fl_text_is_printable(mount->mount_flags[i], length))
			return fl_error_set(err, FL_INVALID,
					    "mount flag %zu is empty, longer than %d bytes or not "
					    "printable",
					    i + 1, CAPABILITY_MAX_FLAG_BYTES);
	}
	return 0;
}

/* The last number means "no group" to the kernel. */
static int capability_read_group(const char *text, struct capability *ret, struct fl_error *err)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long long group = digits <= CAPABILITY_GROUP_DIGITS ? strtoull(text, NULL, 10) : 0;

	if (text[0] == '\0')
		return 0;
	if (text[digits] != '\0' || digits > CAPABILITY_GROUP_DIGITS || group >= UINT32_MAX)
		return fl_error_set(err, FL_INVALID,
				    "the volume_mount_group is no group: give its number, in "
				    "decimal digits");
	ret->has_mount_group = true;
	ret->mount_group = (uint32_t)group;
	return 0;
}

static int capability_read_mount(const Csi__V1__VolumeCapability__MountVolume *mount,
				 struct capability *ret, struct fl_error *err)
{
	if (capability_check_fs_type(mount->fs_type, err) < 0 ||
	    capability_check_flags(mount, err) < 0)
		return -1;
	if (capability_read_group(mount->volume_mount_group, ret, err) < 0)
		return -1;
	ret->any_fs = mount->fs_type[0] == '\0';
	ret->fs_type = mount->fs_type[0] ? mount->fs_type : capability_file_systems[0];
	ret->mount_flags = (const char *const *)mount->mount_flags;
	ret->n_mount_flags = mount->n_mount_flags;
	return 0;
}

static int capability_read_mode(const Csi__V1__VolumeCapability *message, enum access_mode *ret,
				struct fl_error *err)
{
	enum access_mode mode = message->access_mode ? (enum access_mode)message->access_mode->mode
						     : (enum access_mode)0;

	if (mode == 0)
		return fl_error_set(err, FL_INVALID,
				    "a volume capability has no access mode: set access_mode");
	if (!access_mode_name(mode))
		return fl_error_set(err, FL_INVALID,
				    "access mode %d is not known to this version of fairlead",
				    (int)mode);
	*ret = mode;
	return 0;
}

int capability_read(const Csi__V1__VolumeCapability *message, struct capability *ret,
		    struct fl_error *err)
{
	struct capability found = { .fs_type = "" };

	if (!message)
		return fl_error_set(err, FL_INVALID, "volume_capability is missing");
	switch (message->access_type_case) {
	case CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK:
		found.block = true;
		break;
	case CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_MOUNT:
		if (capability_read_mount(message->mount, &found, err) < 0)
			return -1;
		break;
	default:
		return fl_error_set(err, FL_INVALID,
				    "a volume capability says neither block nor mount");
	}
	if (capability_read_mode(message, &found.mode, err) < 0)
		return -1;
	*ret = found;
	return 0;
}

int capability_read_list(struct fl_arena *arena, Csi__V1__VolumeCapability *const *messages,
			 size_t n_messages, struct capability **ret, struct fl_error *err)
{
	struct capability *list;

	if (n_messages == 0)
		return fl_error_set(err, FL_INVALID, "volume_capabilities are missing");
	if (n_messages > CAPABILITY_MAX)
		return fl_error_set(err, FL_INVALID,
				    "%zu volume_capabilities are too many: at most %d", n_messages,
				    CAPABILITY_MAX);
	list = fl_arena_array(arena, n_messages, sizeof(*list));
	for (size_t i = 0; i < n_messages; i++)
		if (capability_read(messages[i], &list[i], err) < 0)
			return -1;
	*ret = list;
	return 0;
}
