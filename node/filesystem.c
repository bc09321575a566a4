/* SPDX-License-Identifier: Apache-2.0 */
#include "node/filesystem.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"

#define FILESYSTEM_EDGE ((size_t)1 << 20)
#define FILESYSTEM_ALIGN 4096
#define FILESYSTEM_UNIT 65536 /* file systems use whole units of a device, at most this large */
#define FILESYSTEM_WORDS_MAX 32
/* Exit status of flock(1) when the lock is held. */
#define FILESYSTEM_LOCKED "75"
/* udev holds the lock for a moment after a device has appeared. */
#define FILESYSTEM_LOCK_SECONDS "5"

struct filesystem {
	const char *name;
	const char *make[6];    /* command and its fixed arguments */
	const char *options;    /* letters of options that may be given and take a value … */
	const char *switches;   /* … and that take none */
	const char *grow[4];    /* the command before its argument */
	bool grow_by_device;    /* its argument is the device, else the mount point */
	bool tells_size;        /* statvfs counts all of it */
	const char *mount_data; /* always mounted with this */
};

/* Without discard: a blank volume is blank, and a thick one would lose its space.  nouuid: a clone
 * on the same node has its source's UUID. */
static const struct filesystem filesystems[] = {
	{
		.name = "ext4",
		.make = { "mkfs.ext4", "-F", "-q", "-E", "nodiscard" },
		.options = "bCEGgIiJmNOT",
		.switches = "jv",
		.grow = { "resize2fs" },
		.grow_by_device = true,
		.mount_data = "",
	},
	{
		.name = "xfs",
		.make = { "mkfs.xfs", "-f", "-q", "-K" },
		.options = "bdilmns",
		.switches = "",
		.grow = { "xfs_growfs", "-d" },
		.mount_data = "nouuid",
	},
	{
		.name = "btrfs",
		.make = { "mkfs.btrfs", "-f", "-q", "-K" },
		.options = "OdmnsR",
		.switches = "M",
		.grow = { "btrfs", "filesystem", "resize", "max" },
		.tells_size = true,
		.mount_data = "",
	},
};

/* Keys in the values of options that name files or devices, or move the file system. */
static const char *const filesystem_refused[] = { "logdev", "rtdev",  "device", "name",
						  "file",   "offset", "logfile" };

int filesystem_get(const char *name, const struct filesystem **ret, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(filesystems); i++) {
		if (strcmp(filesystems[i].name, name) == 0) {
			*ret = &filesystems[i];
			return 0;
		}
	}
	return fl_error_set(err, FL_INVALID, "file system \"%s\" is not ext4, xfs or btrfs", name);
}

const char *filesystem_name(const struct filesystem *type)
{
	return type->name;
}

const char *filesystem_mount_data(const struct filesystem *type)
{
	return type->mount_data;
}

static void filesystem_free_probe(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

static int filesystem_read_probe(struct fl_arena *arena, blkid_probe probe, const char **ret)
{
	const char *value;

	if (blkid_probe_lookup_value(probe, "TYPE", &value, NULL) == 0)
		*ret = fl_arena_strdup(arena, value);
	else if (blkid_probe_lookup_value(probe, "PTTYPE", &value, NULL) == 0)
		*ret = fl_arena_printf(arena, "a partition table (%s)", value);
	else
		return -1;
	return 0;
}

int filesystem_probe(const struct fl_op *op, const char *device, const char **ret_found,
		     struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(device, O_RDONLY | O_CLOEXEC);
	fl_cleanup(filesystem_free_probe) blkid_probe probe = fd < 0 ? NULL : blkid_new_probe();
	int found;

	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", device);
	if (!probe || blkid_probe_set_device(probe, fd, 0, 0) < 0)
		return fl_error_set(err, FL_UNAVAILABLE, "%s cannot be looked at", device);
	/* A damaged superblock is somebody's data as well. */
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(probe, 1);
	errno = 0;
	found = blkid_do_safeprobe(probe);
	if (found == -1)
		return fl_error_set(err, FL_UNAVAILABLE,
				    "%s cannot be read, so what is on it is not known: %s", device,
				    errno ? strerrordesc_np(errno) : "probing failed");
	if (found == 1)
		*ret_found = NULL;
	else if (found == -2)
		*ret_found = "several signatures at once";
	else if (filesystem_read_probe(op->arena, probe, ret_found) < 0)
		*ret_found = "something without a name";
	return 0;
}

/* Reads one edge of the device; an end that comes early is an error, not zeros. */
static int filesystem_edge_is_zero(int fd, const char *device, char *buffer, size_t size,
				   off_t offset, bool *ret, struct fl_error *err)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, buffer + done, size - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fl_error_sys(err, errno, "reading %s", device);
		if (n == 0)
			return fl_error_set(err, FL_INTERNAL, "%s ends before its size", device);
		done += (size_t)n;
	}
	*ret = buffer[0] == '\0' && memcmp(buffer, buffer + 1, size - 1) == 0;
	return 0;
}

/* Where the last edge begins: aligned for direct I/O. */
static off_t filesystem_last_edge(uint64_t size)
{
	return size <= FILESYSTEM_EDGE
		       ? 0
		       : (off_t)((size - FILESYSTEM_EDGE) / FILESYSTEM_ALIGN * FILESYSTEM_ALIGN);
}

int filesystem_is_blank(const struct connection *connection, bool *ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(connection->path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	fl_cleanup(fl_free) char *buffer =
		aligned_alloc(FILESYSTEM_ALIGN, FILESYSTEM_EDGE + FILESYSTEM_ALIGN);
	uint64_t size = connection->size_bytes;
	off_t last = filesystem_last_edge(size);
	size_t first_size = size < FILESYSTEM_EDGE ? (size_t)size : FILESYSTEM_EDGE;
	bool first_is_zero, last_is_zero;

	if (fd < 0)
		return fl_error_sys(err, errno, "opening %s", connection->path);
	if (!buffer || size == 0)
		return fl_error_set(err, FL_UNAVAILABLE, "%s cannot be read: no memory or no size",
				    connection->path);
	if (filesystem_edge_is_zero(fd, connection->path, buffer, first_size, 0, &first_is_zero,
				    err) < 0 ||
	    filesystem_edge_is_zero(fd, connection->path, buffer, (size_t)(size - (uint64_t)last),
				    last, &last_is_zero, err) < 0)
		return -1;
	*ret = first_is_zero && last_is_zero;
	return 0;
}

int filesystem_blank(const struct connection *connection, struct fl_error *err)
{
	/* O_EXCL and the lock: a mkfs that outlived its service still writes. */
	fl_cleanup(fl_close) int fd = open(connection->path, O_WRONLY | O_EXCL | O_CLOEXEC);
	fl_cleanup(fl_free) char *zeros = calloc(1, FILESYSTEM_EDGE + FILESYSTEM_ALIGN);
	uint64_t size = connection->size_bytes;
	off_t last = filesystem_last_edge(size);

	if (fd < 0 && errno != EBUSY)
		return fl_error_sys(err, errno, "opening %s", connection->path);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fl_error_set(err, FL_BUSY,
				    "a mkfs of an earlier attempt still runs on %s: ask again",
				    connection->path);
	if (!zeros)
		return fl_error_set(err, FL_UNAVAILABLE, "no memory");
	if (fl_file_write_all(fd, zeros, size < FILESYSTEM_EDGE ? (size_t)size : FILESYSTEM_EDGE,
			      err) < 0)
		return fl_error_prefix(err, "clearing %s", connection->path);
	if (lseek(fd, last, SEEK_SET) < 0)
		return fl_error_sys(err, errno, "clearing %s", connection->path);
	if (fl_file_write_all(fd, zeros, (size_t)(size - (uint64_t)last), err) < 0)
		return fl_error_prefix(err, "clearing %s", connection->path);
	if (fsync(fd) < 0)
		return fl_error_sys(err, errno, "clearing %s", connection->path);
	return 0;
}

/* A value: plain characters, and no key that names files or devices. */
static bool filesystem_value_is_allowed(const char *value)
{
	if (!*value || strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_.,:+-=^") != strlen(value))
		return false;
	for (const char *at = value; at; at = strchr(at, ',')) {
		at += *at == ',';
		for (size_t i = 0; i < FL_COUNT(filesystem_refused); i++) {
			size_t length = strlen(filesystem_refused[i]);

			if (strncmp(at, filesystem_refused[i], length) == 0 && at[length] == '=')
				return false;
		}
	}
	return true;
}

/* One word, of which *need_value tells and remembers whether it is the value of the one before. */
static bool filesystem_word_is_allowed(const struct filesystem *type, const char *word,
				       bool *need_value)
{
	if (*need_value) {
		*need_value = false;
		return word[0] != '-' && filesystem_value_is_allowed(word);
	}
	if (word[0] != '-' || word[1] == '\0')
		return false;
	if (strchr(type->switches, word[1]))
		return word[2] == '\0';
	if (!strchr(type->options, word[1]))
		return false;
	*need_value = word[2] == '\0';
	return *need_value || filesystem_value_is_allowed(word + 2);
}

int filesystem_options(struct fl_arena *arena, const struct filesystem *type, const char *text,
		       const char *const **ret_words, struct fl_error *err)
{
	const char **words = fl_arena_array(arena, FILESYSTEM_WORDS_MAX + 1, sizeof(*words));
	bool need_value = false;
	size_t n = 0;

	for (const char *at = text + strspn(text, " "); *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");

		if (n == FILESYSTEM_WORDS_MAX)
			return fl_error_set(err, FL_INVALID, "more than %d words of mkfs options",
					    FILESYSTEM_WORDS_MAX);
		words[n] = fl_arena_strndup(arena, at, length);
		if (!filesystem_word_is_allowed(type, words[n], &need_value))
			return fl_error_set(err, FL_INVALID,
					    "mkfs option \"%s\" is not allowed for %s", words[n],
					    type->name);
		at += length;
		n++;
	}
	if (need_value)
		return fl_error_set(err, FL_INVALID, "mkfs option \"%s\" has no value",
				    words[n - 1]);
	*ret_words = words;
	return 0;
}

/* Where tools say what went wrong, after their banner. */
static const char *filesystem_last_line(struct fl_arena *arena, const char *text)
{
	size_t length = strlen(text);
	const char *line;

	while (length > 0 && text[length - 1] == '\n')
		length--;
	for (line = text + length; line > text && line[-1] != '\n';)
		line--;
	return fl_arena_strndup(arena, line, (size_t)(text + length - line));
}

int filesystem_make(const struct fl_op *op, const struct filesystem *type, const char *device,
		    const char *const *words, struct fl_error *err)
{
	/* flock(1) hands the lock on the device to mkfs: it holds as long as that lives, also when we
	 * do not, and udev keeps away meanwhile. */
	const char *argv[7 + FL_COUNT(type->make) + FILESYSTEM_WORDS_MAX + 2] = {
		"flock",
		"--timeout",
		FILESYSTEM_LOCK_SECONDS,
		"--no-fork",
		"--conflict-exit-code",
		FILESYSTEM_LOCKED,
		device
	};
	struct fl_proc_result result;
	size_t n = 7;

	for (size_t i = 0; i < FL_COUNT(type->make) && type->make[i]; i++)
		argv[n++] = type->make[i];
	for (size_t i = 0; words[i]; i++)
		argv[n++] = words[i];
	argv[n] = device;
	if (fl_proc_run(op, argv, &result, err) < 0)
		return fl_error_prefix(err, "making %s on %s", type->name, device);
	if (result.exit_status == atoll(FILESYSTEM_LOCKED))
		return fl_error_set(err, FL_BUSY,
				    "a mkfs of an earlier attempt still runs on %s: ask again",
				    device);
	if (result.exit_status != 0)
		return fl_error_set(err, FL_INTERNAL, "%s on %s ended with status %d: %s",
				    type->make[0], device, result.exit_status,
				    filesystem_last_line(op->arena, result.errors));
	return 0;
}

/* btrfs tells its exact size, and the kernel refuses to resize one below 256 MiB even to the size that
 * it has. */
static bool filesystem_fills(const struct filesystem *type, const char *point, uint64_t size)
{
	struct statvfs st;

	return type->tells_size && statvfs(point, &st) == 0 &&
	       st.f_blocks * st.f_frsize >= size / FILESYSTEM_UNIT * FILESYSTEM_UNIT;
}

int filesystem_grow(const struct fl_op *op, const struct filesystem *type,
		    const struct connection *connection, const char *point, struct fl_error *err)
{
	const char *argv[FL_COUNT(type->grow) + 2] = { NULL };
	struct fl_proc_result result;
	size_t n = 0;

	if (filesystem_fills(type, point, connection->size_bytes))
		return 0;
	for (size_t i = 0; i < FL_COUNT(type->grow) && type->grow[i]; i++)
		argv[n++] = type->grow[i];
	argv[n] = type->grow_by_device ? connection->path : point;
	if (fl_proc_run(op, argv, &result, err) < 0)
		return fl_error_prefix(err, "growing %s at %s", type->name, point);
	if (result.exit_status == 0)
		return 0;
	if (type->grow_by_device && prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 0)
		return fl_error_set(err, FL_DENIED,
				    "growing a mounted %s needs CAP_SYS_RESOURCE, which this "
				    "process does not have",
				    type->name);
	return fl_error_set(err, FL_INTERNAL, "growing %s at %s: %s ended with status %d: %s",
			    type->name, point, argv[0], result.exit_status,
			    filesystem_last_line(op->arena, result.errors));
}
