/* SPDX-License-Identifier: Apache-2.0 */
#include "stories.h"

#include "base/text.h"

#define BLOCK "{block={},access_mode.mode=1}"
#define MOUNT(fs) "{mount={fs_type=" fs "},access_mode.mode=1}"
#define ID(name) "default/~/" name
#define FOR_VM " volume_context={key=fairlead.io/vm,value=web1}"

#define CREATE(name, bytes, capability)                                                            \
	"Controller.CreateVolume name=" name " capacity_range.required_bytes=" bytes               \
	" volume_capabilities=" capability
#define DELETE(name) "Controller.DeleteVolume volume_id=" ID(name)
#define ATTACH(capability)                                                                         \
	"Controller.ControllerPublishVolume volume_id=" ID(                                        \
		"a") " node_id=~ volume_capability=" capability
#define DETACH "Controller.ControllerUnpublishVolume volume_id=" ID("a") " node_id=~"
#define GROW(bytes)                                                                                \
	"Controller.ControllerExpandVolume volume_id=" ID(                                         \
		"a") " capacity_range.required_bytes=" bytes
#define MODIFY                                                                                     \
	"Controller.ControllerModifyVolume volume_id=" ID(                                         \
		"a") " mutable_parameters={key=iops,value=500}"
#define SNAPSHOT "Controller.CreateSnapshot name=s source_volume_id=" ID("a")
#define FORGET "Controller.DeleteSnapshot snapshot_id=" ID("s")
#define STAGE(capability)                                                                          \
	"Node.NodeStageVolume volume_id=" ID(                                                      \
		"a") " staging_target_path=@/staging volume_capability=" capability
#define UNSTAGE "Node.NodeUnstageVolume volume_id=" ID("a") " staging_target_path=@/staging"
#define PUBLISH(capability)                                                                        \
	"Node.NodePublishVolume volume_id=" ID(                                                    \
		"a") " staging_target_path=@/staging target_path=@/target volume_capability=" capability
#define UNPUBLISH "Node.NodeUnpublishVolume volume_id=" ID("a") " target_path=@/target"
#define GROW_NODE(bytes)                                                                           \
	"Node.NodeExpandVolume volume_id=" ID(                                                     \
		"a") " volume_path=@/target staging_target_path=@/staging capacity_range.required_bytes=" bytes

#define BACK(...) ((const char *const[]){ __VA_ARGS__, NULL })
/* From a volume that is published to a new one that is. */
#define ANEW(bytes, capability)                                                                    \
	UNPUBLISH, UNSTAGE, DETACH, DELETE("a"), CREATE("a", bytes, capability),                   \
		ATTACH(capability), STAGE(capability), PUBLISH(capability)

#define SMALL "4194304"
#define LARGER "8388608"

static const struct step block[] = {
	{ "create", CREATE("a", SMALL, BLOCK), BACK(DELETE("a")), 0, 0 },
	{ "attach", ATTACH(BLOCK), BACK(DETACH), 0, 0 },
	{ "stage", STAGE(BLOCK),
	  BACK(UNSTAGE, DETACH, DELETE("a"), CREATE("a", SMALL, BLOCK), ATTACH(BLOCK)), 0, 0 },
	{ "publish", PUBLISH(BLOCK), BACK(UNPUBLISH, UNSTAGE, STAGE(BLOCK)), 0, 0 },
	{ "expand", GROW(LARGER), BACK(ANEW(SMALL, BLOCK)), 0, 0 },
	{ "expand on the node", GROW_NODE(LARGER), BACK(UNPUBLISH, PUBLISH(BLOCK)), 0, 0 },
	{ "unpublish", UNPUBLISH, BACK(PUBLISH(BLOCK)), 0, 0 },
	{ "unstage", UNSTAGE, BACK(STAGE(BLOCK), PUBLISH(BLOCK), UNPUBLISH), 0, 0 },
	{ "detach", DETACH, BACK(ATTACH(BLOCK)), 0, 0 },
	{ "modify", MODIFY,
	  BACK(DELETE("a"), CREATE("a", LARGER, BLOCK), ATTACH(BLOCK), STAGE(BLOCK), UNSTAGE,
	       DETACH),
	  0, 0 },
	{ "delete", DELETE("a"),
	  BACK(CREATE("a", LARGER, BLOCK), MODIFY, ATTACH(BLOCK), STAGE(BLOCK), UNSTAGE, DETACH), 0,
	  0 },
};

/* The same with a file system. */
#define FILE_SYSTEM(fs, size, larger)                                                              \
	{ "create", CREATE("a", size, MOUNT(fs)), BACK(DELETE("a")), 0, 0 },                       \
		{ "attach", ATTACH(MOUNT(fs)), BACK(DETACH), 0, 0 },                               \
		{ "stage", STAGE(MOUNT(fs)),                                                       \
		  BACK(UNSTAGE, DETACH, DELETE("a"), CREATE("a", size, MOUNT(fs)),                 \
		       ATTACH(MOUNT(fs))),                                                         \
		  0, 0 },                                                                          \
		{ "publish", PUBLISH(MOUNT(fs)), BACK(UNPUBLISH), 0, 0 },                          \
		{ "unpublish", UNPUBLISH, BACK(PUBLISH(MOUNT(fs))), 0, 0 },                        \
		{ "unstage", UNSTAGE, BACK(STAGE(MOUNT(fs))), 0, 0 },                              \
		{ "detach", DETACH, BACK(ATTACH(MOUNT(fs))), 0, 0 },                               \
		{ "expand", GROW(larger),                                                          \
		  BACK(DELETE("a"), CREATE("a", size, MOUNT(fs)), ATTACH(MOUNT(fs)),               \
		       STAGE(MOUNT(fs)), UNSTAGE, DETACH),                                         \
		  0, 0 },                                                                          \
	{                                                                                          \
		"delete", DELETE("a"),                                                             \
			BACK(CREATE("a", larger, MOUNT(fs)), ATTACH(MOUNT(fs)), STAGE(MOUNT(fs)),  \
			     UNSTAGE, DETACH),                                                     \
			0, 0                                                                       \
	}

static const struct step ext4[] = { FILE_SYSTEM("ext4", "4194304", "8388608") };
static const struct step xfs[] = { FILE_SYSTEM("xfs", "314572800", "335544320") };

/* It grows while it is mounted, in a story of its own: not every machine lets ext4 do so. */
#define GROWTH(fs, size, larger)                                                                   \
	{ .call = CREATE("a", size, MOUNT(fs)) }, { .call = ATTACH(MOUNT(fs)) },                   \
		{ .call = STAGE(MOUNT(fs)) }, { .call = PUBLISH(MOUNT(fs)) },                      \
		{ .call = GROW(larger) },                                                          \
		{ "expand on the node", GROW_NODE(larger),                                         \
		  BACK(ANEW(size, MOUNT(fs)), GROW(larger)), 0, "CAP_SYS_RESOURCE" },              \
		{ .call = UNPUBLISH }, { .call = UNSTAGE }, { .call = DETACH },                    \
	{                                                                                          \
		.call = DELETE("a")                                                                \
	}

static const struct step larger_ext4[] = { GROWTH("ext4", "4194304", "8388608") };
static const struct step larger_xfs[] = { GROWTH("xfs", "314572800", "335544320") };
static const struct step larger_btrfs[] = { GROWTH("btrfs", "268435456", "301989888") };

/* A VM's disk: a disk pass in place of a device. */
static const struct step vm[] = {
	{ "create", CREATE("a", SMALL, BLOCK), BACK(DELETE("a")), 0, 0 },
	{ "attach", ATTACH(BLOCK), BACK(DETACH), 0, 0 },
	{ "stage", STAGE(BLOCK) FOR_VM,
	  BACK(UNSTAGE, DETACH, DELETE("a"), CREATE("a", SMALL, BLOCK), ATTACH(BLOCK)), 0, 0 },
	{ "publish", PUBLISH(BLOCK) FOR_VM, BACK(UNPUBLISH), 0, 0 },
	{ "expand", GROW(LARGER),
	  BACK(UNPUBLISH, UNSTAGE, DETACH, DELETE("a"), CREATE("a", SMALL, BLOCK), ATTACH(BLOCK),
	       STAGE(BLOCK) FOR_VM, PUBLISH(BLOCK) FOR_VM),
	  0, 0 },
	{ "modify", MODIFY,
	  BACK(UNPUBLISH, UNSTAGE, DETACH, DELETE("a"), CREATE("a", LARGER, BLOCK), ATTACH(BLOCK),
	       STAGE(BLOCK) FOR_VM, PUBLISH(BLOCK) FOR_VM),
	  0, 0 },
	{ "unpublish", UNPUBLISH, BACK(PUBLISH(BLOCK) FOR_VM), 0, 0 },
	{ "unstage", UNSTAGE, BACK(STAGE(BLOCK) FOR_VM), 0, 0 },
	{ "detach", DETACH, BACK(ATTACH(BLOCK)), 0, 0 },
	{ "delete", DELETE("a"),
	  BACK(CREATE("a", LARGER, BLOCK), MODIFY, ATTACH(BLOCK), STAGE(BLOCK) FOR_VM, UNSTAGE,
	       DETACH),
	  0, 0 },
};

#define FROM_SNAPSHOT                                                                              \
	CREATE("b", LARGER, BLOCK) " volume_content_source.snapshot.snapshot_id=" ID("s")
#define CLONE CREATE("c", SMALL, BLOCK) " volume_content_source.volume.volume_id=" ID("a")

/* Blocks of their own letters, with holes between them. */
static const char *const letters[] = {
	"sh", "-c",
	"for i in 0 2 4 6 8; do head -c 65536 /dev/zero | tr '\\0' $i |"
	" dd of=$1 bs=65536 seek=$i conv=notrunc,fsync status=none; done",
	"letters", NULL
};

static const struct step contents[] = {
	{ "create", CREATE("a", SMALL, BLOCK), BACK(DELETE("a")), 0, 0 },
	{ .fills = letters },
	{ "snapshot", SNAPSHOT, BACK(FORGET), 0, 0 },
	{ "restore", FROM_SNAPSHOT, BACK(DELETE("b")), 0, 0 },
	{ "clone", CLONE, BACK(DELETE("c")), 0, 0 },
	{ "delete a clone", DELETE("c"), BACK(CLONE), 0, 0 },
	{ "delete a restored volume", DELETE("b"), BACK(FROM_SNAPSHOT), 0, 0 },
	{ "delete a snapshot", FORGET, BACK(SNAPSHOT), 0, 0 },
	{ .call = DELETE("a") },
};

#define TOGETHER                                                                                   \
	"GroupController.CreateVolumeGroupSnapshot name=g source_volume_ids=" ID(                  \
		"a") " source_volume_ids=" ID("b")
#define FORGET_ALL "GroupController.DeleteVolumeGroupSnapshot group_snapshot_id=" ID("g*")

static const struct step groups[] = {
	{ .call = CREATE("a", SMALL, BLOCK) },
	{ .call = CREATE("b", LARGER, BLOCK) },
	{ "snapshot together", TOGETHER, BACK(FORGET_ALL), 0, 0 },
	{ "delete together", FORGET_ALL, BACK(TOGETHER), 0, 0 },
	{ .call = DELETE("a") },
	{ .call = DELETE("b") },
};

/* A clone, which gets a UUID of its own, and grows to its size, when it is first staged. */
#define AT_C(call) "Node." call " volume_id=" ID("c") " staging_target_path=@/staging"
#define ATTACH_C(fs)                                                                               \
	"Controller.ControllerPublishVolume volume_id=" ID(                                        \
		"c") " node_id=~ volume_capability=" MOUNT(fs)
#define DETACH_C "Controller.ControllerUnpublishVolume volume_id=" ID("c") " node_id=~"
#define STAGE_C(fs) AT_C("NodeStageVolume") " volume_capability=" MOUNT(fs)
#define CLONE_FS(fs, size)                                                                         \
	CREATE("c", size, MOUNT(fs)) " volume_content_source.volume.volume_id=" ID("a")

#define CLONED(fs, larger)                                                                         \
	{ .call = ATTACH(MOUNT(fs)) }, { .call = STAGE(MOUNT(fs)) }, { .call = UNSTAGE },          \
		{ .call = DETACH }, { .call = CLONE_FS(fs, larger) }, { .call = ATTACH_C(fs) },    \
		{ "stage", STAGE_C(fs),                                                            \
		  BACK(AT_C("NodeUnstageVolume"), DETACH_C, DELETE("c"), CLONE_FS(fs, larger),     \
		       ATTACH_C(fs)),                                                              \
		  0, 0 },                                                                          \
		{ .call = AT_C("NodeUnstageVolume") }, { .call = DETACH_C },                       \
		{ .call = DELETE("c") },                                                           \
	{                                                                                          \
		.call = DELETE("a")                                                                \
	}

/* Changing its UUID writes all of the log, by the same call over and over: 256 times with the log
 * that mkfs.xfs makes of itself. */
static const char *const small_log[] = { "mkfs.xfs", "-q", "--unsupported", NULL };

static const struct step cloned_btrfs[] = {
	{ .call = CREATE("a", "268435456", MOUNT("btrfs")) },
	CLONED("btrfs", "301989888"),
};
static const struct step cloned_xfs[] = {
	{ .call = CREATE("a", "67108864", MOUNT("xfs")) },
	{ .fills = small_log },
	CLONED("xfs", "83886080"),
};

/* A volume that a pod asks for inline: made and deleted with its publication. */
#define PUBLISH_INLINE                                                                             \
	"Node.NodePublishVolume volume_id=csi-1 target_path=@/target volume_capability=" MOUNT(    \
		"ext4") " volume_context={key=csi.storage.k8s.io/ephemeral,value=true}"            \
			" volume_context={key=size,value=4Mi}"
#define UNPUBLISH_INLINE "Node.NodeUnpublishVolume volume_id=csi-1 target_path=@/target"

static const struct step ephemeral[] = {
	{ "publish", PUBLISH_INLINE, BACK(UNPUBLISH_INLINE), 0, 0 },
	{ "unpublish", UNPUBLISH_INLINE, BACK(PUBLISH_INLINE), 0, 0 },
};

#define STORY(name, told, compared)                                                                \
	{                                                                                          \
		told, name, FL_COUNT(name), compared                                               \
	}
const struct story stories[] = {
	STORY(block, "a block volume", false),
	STORY(vm, "a disk of a VM", false),
	STORY(contents, "snapshots and clones", true),
	STORY(groups, "group snapshots", false),
	STORY(ext4, "a volume with ext4", false),
	STORY(xfs, "a volume with xfs", false),
	STORY(larger_ext4, "an ext4 that grows", false),
	STORY(larger_xfs, "an xfs that grows", false),
	STORY(larger_btrfs, "a btrfs that grows", false),
	STORY(ephemeral, "an ephemeral volume", false),
	STORY(cloned_btrfs, "a clone with btrfs", false),
	STORY(cloned_xfs, "a clone with xfs", false),
};
const size_t n_stories = FL_COUNT(stories);
