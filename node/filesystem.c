/* SPDX-License-Identifier: Apache-2.0 */
#include "node/filesystem.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

#include "node/btrfs.h"
#include "node/tool.h"
#include "node/xfs.h"

#define FILESYSTEM_UNIT 65536 /* file systems use whole units of a device, at most this large */
#define FILESYSTEM_WORDS_MAX 32
struct filesystem {
	const char *name;
	const char *make[6];    /* command and its fixed arguments */
	const char *options;    /* letters of options that may be given and take a value … */
	const char *switches;   /* … and that take none */
	const char *grow[4];    /* the command before its argument */
	bool grow_by_device;    /* its argument is the device, else the mount point */
	bool tells_size;        /* statvfs counts all of it */
	const char *mount_data; /* always mounted with this */
	const struct uuid_change *uuid; /* NULL: the kernel does not mind two with the same UUID */
};

/* Without discard: a blank volume is blank, and a thick one would lose its space.  nouuid: a clone
 * that is only read keeps its source's UUID. */
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
		.uuid = &xfs_uuid,
	},
	{
		.name = "btrfs",
		.make = { "mkfs.btrfs", "-f", "-q", "-K" },
		.options = "OdmnsR",
		.switches = "M",
		.grow = { "btrfs", "filesystem", "resize", "max" },
		.tells_size = true,
		.mount_data = "",
		.uuid = &btrfs_uuid,
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

const struct uuid_change *filesystem_uuid(const struct filesystem *type)
{
	return type->uuid;
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

int filesystem_make(const struct fl_op *op, const struct filesystem *type, const char *device,
		    const char *const *words, struct fl_error *err)
{
	const char *argv[FL_COUNT(type->make) + FILESYSTEM_WORDS_MAX + 2] = { NULL };
	struct fl_proc_result result;
	size_t n = 0;

	for (size_t i = 0; i < FL_COUNT(type->make) && type->make[i]; i++)
		argv[n++] = type->make[i];
	for (size_t i = 0; words[i]; i++)
		argv[n++] = words[i];
	argv[n] = device;
	if (tool_run(op, device, argv, &result, err) < 0)
		return fl_error_prefix(err, "making %s on %s", type->name, device);
	if (result.exit_status != 0)
		return fl_error_set(err, FL_INTERNAL, "%s on %s ended with status %d: %s",
				    type->make[0], device, result.exit_status,
				    tool_complaint(op, &result));
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
	/* Two at a time get in each other's way: btrfs refuses the second one. */
	if (tool_run(op, connection->path, argv, &result, err) < 0)
		return fl_error_prefix(err, "growing %s at %s", type->name, point);
	if (result.exit_status == 0)
		return 0;
	if (type->grow_by_device && strstr(result.errors, "Permission denied") &&
	    prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 0)
		return fl_error_set(err, FL_DENIED,
				    "growing a mounted %s needs CAP_SYS_RESOURCE, which this "
				    "process does not have",
				    type->name);
	return fl_error_set(err, FL_INTERNAL, "growing %s at %s: %s ended with status %d: %s",
			    type->name, point, argv[0], result.exit_status,
			    tool_complaint(op, &result));
}
