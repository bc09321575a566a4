/* SPDX-License-Identifier: Apache-2.0 */
/* The health of a mounted file system: what it has counted itself, and whether it still answers. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/btrfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "node/health.h"

#define HEALTH_SYSFS_MAX 8192 /* the kernel calls each file one page long */

/* A number that ext4 shows in /sys/fs/ext4/NAME; 0 when it does not. */
static uint64_t health_ext4_number(const struct fl_op *op, const char *name, const char *file)
{
	const char *path = fl_arena_printf(op->arena, "/sys/fs/ext4/%s/%s", name, file);
	struct fl_error ignored;
	const char *text;
	uint64_t number;

	if (fl_file_read(op->arena, AT_FDCWD, path, HEALTH_SYSFS_MAX, &text, NULL, &ignored) < 0)
		return 0;
	text = fl_arena_strndup(op->arena, text, strcspn(text, "\n"));
	return fl_text_parse_number(text, &number, &ignored) < 0 ? 0 : number;
}

static const char *health_time(const struct fl_op *op, uint64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm;
	char text[32];

	if (!gmtime_r(&when, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return "an unknown time";
	return fl_arena_strdup(op->arena, text);
}

/* ext4 keeps its count in the superblock: it is there until e2fsck has run. */
static void health_add_ext4(const struct fl_op *op, const struct connection *c,
			    const struct mountinfo_entry *mount, struct fl_health *health)
{
	uint64_t n = health_ext4_number(op, c->name, "errors_count");

	(void)mount;
	if (n == 0)
		return;
	fl_health_add(op->arena, health, FL_HEALTH_DEGRADED, "FileSystemErrors",
		      "the kernel has met %" PRIu64 " error(s) in the ext4 on %s, the first at %s, "
		      "the last at %s: unstage the volume and run e2fsck on it",
		      n, c->path,
		      health_time(op, health_ext4_number(op, c->name, "first_error_time")),
		      health_time(op, health_ext4_number(op, c->name, "last_error_time")));
}

/* btrfs keeps its counts, too: until `btrfs device stats --reset`. */
static void health_add_btrfs(const struct fl_op *op, const struct connection *c,
			     const struct mountinfo_entry *mount, struct fl_health *health)
{
	fl_cleanup(fl_close) int fd =
		open(mount->point, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	struct btrfs_ioctl_get_dev_stats stats = { .devid = 1,
						   .nr_items = BTRFS_DEV_STAT_VALUES_MAX };
	uint64_t io, corrupt;

	if (fd < 0 || ioctl(fd, BTRFS_IOC_GET_DEV_STATS, &stats) < 0)
		return;
	io = stats.values[BTRFS_DEV_STAT_WRITE_ERRS] + stats.values[BTRFS_DEV_STAT_READ_ERRS] +
	     stats.values[BTRFS_DEV_STAT_FLUSH_ERRS];
	corrupt = stats.values[BTRFS_DEV_STAT_CORRUPTION_ERRS] +
		  stats.values[BTRFS_DEV_STAT_GENERATION_ERRS];
	if (io)
		fl_health_add(op->arena, health, FL_HEALTH_DEGRADED, "DeviceErrors",
			      "btrfs has met %" PRIu64 " I/O error(s) on %s: look at the device, "
			      "then btrfs device stats --reset %s",
			      io, c->path, mount->point);
	if (corrupt)
		fl_health_add(
			op->arena, health, FL_HEALTH_DATA_LOSS, "FileSystemCorrupted",
			"btrfs has read %" PRIu64 " block(s) from %s that are not what was "
			"written: btrfs scrub start %s tells which files; put them back from a "
			"backup, then btrfs device stats --reset %s",
			corrupt, c->path, mount->point, mount->point);
}

static const struct {
	const char *type;
	void (*add)(const struct fl_op *op, const struct connection *c,
		    const struct mountinfo_entry *mount, struct fl_health *health);
} health_counters[] = {
	{ "ext4", health_add_ext4 },
	{ "btrfs", health_add_btrfs },
};

void node_health_add_filesystem(const struct fl_op *op, const struct connection *c,
				const struct mountinfo_entry *mount, struct fl_health *health)
{
	struct stat st;

	/* A file system that has shut itself down refuses even this (XFS, and ext4 since 6.6). */
	if (stat(mount->point, &st) < 0)
		fl_health_add(op->arena, health, FL_HEALTH_INACCESSIBLE, "FileSystemError",
			      "the %s at %s does not answer (%s): look for its errors in the "
			      "kernel's log; unstage the volume, repair it and stage it again",
			      mount->type, mount->point, strerrordesc_np(errno));
	else if (mount->failed)
		fl_health_add(op->arena, health, FL_HEALTH_INACCESSIBLE, "FileSystemReadOnly",
			      "the %s at %s has become read-only after an error: look for it in "
			      "the kernel's log; unstage the volume, repair it and stage it again",
			      mount->type, mount->point);
	for (size_t i = 0; i < FL_COUNT(health_counters); i++)
		if (strcmp(health_counters[i].type, mount->type) == 0)
			health_counters[i].add(op, c, mount, health);
}
