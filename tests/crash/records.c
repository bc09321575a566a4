/* SPDX-License-Identifier: Apache-2.0 */
/* records DIRECTORY: every record that a service keeps is cut off after each byte, and has a
 * flipped bit in each byte.  Each call that needs it says so, names the volume or snapshot and the
 * record, uses nothing of it and leaves it as it is; restored, it is used as ever. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "bed.h"
#include "tests/test.h"

#define ID(name) "default/~/" name
#define BLOCK "{block={},access_mode.mode=1}"
#define XFS "{mount={fs_type=xfs},access_mode.mode=1}"
#define FOR_VM " volume_context={key=fairlead.io/vm,value=web1}"
#define XFS_BYTES "314572800"

#define CREATE(name, bytes, capability)                                                            \
	"Controller.CreateVolume name=" name " capacity_range.required_bytes=" bytes               \
	" volume_capabilities=" capability
#define ATTACH(name, capability)                                                                   \
	"Controller.ControllerPublishVolume volume_id=" ID(                                        \
		name) " node_id=~ volume_capability=" capability
#define DETACH(name) "Controller.ControllerUnpublishVolume volume_id=" ID(name) " node_id=~"
#define STAGE(name, capability)                                                                    \
	"Node.NodeStageVolume volume_id=" ID(                                                      \
		name) " staging_target_path=@/staging volume_capability=" capability
#define UNSTAGE(name) "Node.NodeUnstageVolume volume_id=" ID(name) " staging_target_path=@/staging"
#define PUBLISH                                                                                     \
	"Node.NodePublishVolume volume_id=" ID(                                                     \
		"a") " staging_target_path=@/staging target_path=@/target volume_capability=" BLOCK \
		FOR_VM
#define MODIFY                                                                                     \
	"Controller.ControllerModifyVolume volume_id=" ID(                                         \
		"a") " mutable_parameters={key=iops,value=500}"
#define SNAPSHOT "Controller.CreateSnapshot name=s source_volume_id=" ID("a")
#define RESTORE CREATE("b", "4194304", BLOCK) " volume_content_source.snapshot.snapshot_id=" ID("s")

/* Volume a with a snapshot, published for a VM; c, a clone of an XFS that was mounted once. */
static const char *const making[] = {
	CREATE("a", "4194304", BLOCK),
	SNAPSHOT,
	MODIFY,
	ATTACH("a", BLOCK),
	STAGE("a", BLOCK),
	PUBLISH,
	CREATE("x", XFS_BYTES, XFS),
	ATTACH("x", XFS),
	STAGE("x", XFS),
	UNSTAGE("x"),
	DETACH("x"),
	CREATE("c", XFS_BYTES, XFS) " volume_content_source.volume.volume_id=" ID("x"),
	ATTACH("c", XFS),
	STAGE("c", XFS),
	UNSTAGE("c"),
};

struct victim {
	const char *path;     /* below the bed's root; a last part of "*" is the one file there */
	const char *calls[2]; /* that need the record, and work while it is whole */
	const char *names;    /* what the answer has to name besides the damage */
};

static const struct victim victims[] = {
	{ "pool/volumes/a/meta",
	  { ATTACH("a", BLOCK), CREATE("a", "4194304", BLOCK) },
	  "volume a" },
	{ "pool/volumes/a/owner", { ATTACH("a", BLOCK), STAGE("a", BLOCK) }, "record owner" },
	{ "pool/volumes/a/format", { STAGE("a", BLOCK), NULL }, "record format" },
	{ "pool/volumes/a/limits", { MODIFY, NULL }, "record limits" },
	{ "pool/volumes/c/uuid", { STAGE("c", XFS), NULL }, "record uuid" },
	{ "pool/snapshots/s/meta", { SNAPSHOT, RESTORE }, "snapshot s" },
	{ "pool/snapshots/s/format", { RESTORE, NULL }, "record format" },
	{ "pool/records/*", { ATTACH("a", BLOCK), NULL }, ".attached is damaged" },
	{ "state/*", { PUBLISH, NULL }, "disk pass of volume" },
};
/* What takes back what a call of a victim makes, for the next round. */
static const char *const undoing[] = { UNSTAGE("c"), "Controller.DeleteVolume volume_id=" ID("b") };

static const struct trap_plan quiet = { TRAP_NONE, 0, false, 0, 0 };
static unsigned n_damaged;

static const char *victim_path(const struct victim *victim)
{
	const char *path = fl_arena_printf(bed_arena(), "%s/%s", bed_root(), victim->path);
	fl_cleanup(fl_closedir) DIR *dir = NULL;
	const struct dirent *entry;

	if (!fl_text_ends_with(path, "/*"))
		return path;
	path = fl_arena_strndup(bed_arena(), path, strlen(path) - 2);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_REG && strcmp(entry->d_name, "lock") != 0)
			return fl_arena_printf(bed_arena(), "%s/%s", path, entry->d_name);
	OK(false, "nothing in %s", path);
	return path;
}

static void put(const char *path, const char *text, size_t size)
{
	fl_cleanup(fl_close) int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	OK(fd >= 0, "%s", path);
	WORKS(fl_file_write_all(fd, text, size, &test_error));
}

/* With the damaged text in the file, each call is refused in the right words. */
static void refuse(const struct victim *victim, const char *path, const char *text, size_t size)
{
	const char *after;
	size_t after_size;

	put(path, text, size);
	for (size_t i = 0; i < FL_COUNT(victim->calls) && victim->calls[i]; i++) {
		FAILS(bed_call(victim->calls[i], &test_error), FL_INTERNAL);
		OK(strstr(test_error.text, "damaged") && strstr(test_error.text, victim->names) &&
			   strstr(test_error.text, "errors.md"),
		   "%s", test_error.text);
	}
	WORKS(fl_file_read(bed_arena(), AT_FDCWD, path, 1 << 20, &after, &after_size, &test_error));
	OK(after_size == size && memcmp(after, text, size) == 0, "%s was changed", path);
	n_damaged++;
}

static void use_whole(const struct victim *victim)
{
	for (size_t i = 0; i < FL_COUNT(victim->calls) && victim->calls[i]; i++)
		WORKS(bed_call(victim->calls[i], &test_error));
	for (size_t i = 0; i < FL_COUNT(undoing); i++)
		WORKS(bed_call(undoing[i], &test_error));
}

static void damage(const struct victim *victim, unsigned stride)
{
	const char *path = victim_path(victim), *whole;
	char *broken;
	size_t size;

	use_whole(victim);
	WORKS(fl_file_read(bed_arena(), AT_FDCWD, path, 1 << 20, &whole, &size, &test_error));
	if (test_failures)
		return;
	for (size_t i = 0; i < size && test_failures == 0; i += stride)
		refuse(victim, path, whole, i);
	broken = fl_arena_strndup(bed_arena(), whole, size);
	for (size_t i = 0; i < size && test_failures == 0; i += stride) {
		broken[i] = (char)(whole[i] ^ 1 << i % 7);
		refuse(victim, path, broken, size);
		broken[i] = whole[i];
	}
	put(path, whole, size);
	use_whole(victim);
}

static void every_record(void)
{
	const char *words = getenv("FAIRLEAD_STRIDE");
	unsigned stride = words ? (unsigned)strtoul(words, NULL, 10) : 1;

	OK(bed_start(&quiet));
	for (size_t i = 0; i < FL_COUNT(making); i++)
		WORKS(bed_insist(making[i], &test_error));
	for (size_t i = 0; i < FL_COUNT(victims) && test_failures == 0; i++) {
		unsigned n_before = n_damaged;

		damage(&victims[i], stride);
		printf("# %-24s damaged %4u times\n", victims[i].path, n_damaged - n_before);
		bed_forget();
	}
	OK(!bed_is_dead(), "the service has ended");
}

/* The pass at the target is the VM's: what the node knows is in its own copy, so a damaged one is
 * replaced or refused, and never stays as the answer of a call that worked. */
static void the_pass_at_the_target(void)
{
	const char *path = fl_arena_printf(bed_arena(), "%s/target", bed_root());
	const char *whole, *after;
	size_t size, after_size;
	char *broken;

	WORKS(fl_file_read(bed_arena(), AT_FDCWD, path, 4096, &whole, &size, &test_error));
	broken = fl_arena_strndup(bed_arena(), whole, size);
	for (size_t i = 0; i < size && test_failures == 0; i++) {
		broken[i] = (char)(whole[i] ^ 1 << i % 7);
		put(path, broken, size);
		broken[i] = whole[i];
		if (bed_call(PUBLISH, &test_error) < 0) {
			OK(test_error.code == FL_IN_USE && strstr(test_error.text, path), "%s",
			   test_error.text);
			put(path, whole, size);
		}
		WORKS(fl_file_read(bed_arena(), AT_FDCWD, path, 4096, &after, &after_size,
				   &test_error));
		OK(after_size == size && memcmp(after, whole, size) == 0, "byte %zu", i);
	}
}

static const struct test tests[] = {
	{ "each prefix of each record, and a flipped bit in each byte, is found and named",
	  every_record },
	{ "a damaged disk pass at its target is replaced or refused", the_pass_at_the_target },
};

int main(int argc, char **argv)
{
	int result;

	if (argc < 2 || !bed_open(argv[1])) {
		printf("1..0 # SKIP see above\n");
		return 77;
	}
	result = test_run(tests, FL_COUNT(tests), 1, argv);
	return bed_close() | result;
}
