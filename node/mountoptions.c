/* SPDX-License-Identifier: Apache-2.0 */
/* The part of mount.h that reads mount_flags. */
#include <string.h>
#include <sys/mount.h>

#include "node/mount.h"

#define MOUNT_WORDS_MAX 64
#define MOUNT_DATA_MAX 2048 /* the kernel takes a page less a little */

static const struct mount_word {
	const char *word;
	unsigned long set;
	unsigned long clear;
} mount_words[] = {
	{ "defaults", 0, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "atime", 0, MS_NOATIME },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "diratime", 0, MS_NODIRATIME },
	{ "relatime", MS_RELATIME, 0 },
	{ "norelatime", 0, MS_RELATIME },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "lazytime", MS_LAZYTIME, 0 },
	{ "nolazytime", 0, MS_LAZYTIME },
};

/* Options that point at other devices or files, shift where the file system begins, make another
 * kind of mount, or bring the machine down with the file system.  Whatever else a file system does
 * not know, it refuses itself. */
static const char *const mount_refused[] = {
	"bind",        "rbind",        "move",        "remount",      "loop",   "offset",
	"sizelimit",   "shared",       "rshared",     "slave",        "rslave", "private",
	"rprivate",    "unbindable",   "runbindable", "logdev",       "rtdev",  "device",
	"journal_dev", "journal_path", "encryption",  "keybits",      "subvol", "subvolid",
	"degraded",    "sb",           "abort",       "fatal_errors",
};

/* Without the log, a file system that was in use is damaged by the first write. */
static const char *const mount_readers_only[] = { "noload", "norecovery", "nologreplay" };

static const struct mount_word *mount_word_find(const char *word)
{
	for (size_t i = 0; i < FL_COUNT(mount_words); i++) {
		if (strcmp(mount_words[i].word, word) == 0)
			return &mount_words[i];
	}
	return NULL;
}

/* [a-z0-9_.:+-]+ with an optional =value of the same and capital letters. */
static bool mount_word_is_plain(const char *word)
{
	return *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_.:+-=") == strlen(word);
}

static int mount_word_check(const char *word, struct fl_error *err)
{
	size_t length = strcspn(word, "=");

	if (!mount_word_is_plain(word))
		return fl_error_set(err, FL_INVALID,
				    "a mount flag is empty or has characters that mount flags "
				    "do not have");
	if (strcmp(word, "errors=panic") == 0)
		return fl_error_set(err, FL_INVALID,
				    "mount flag \"errors=panic\" is not allowed for a volume");
	for (size_t i = 0; i < FL_COUNT(mount_refused); i++) {
		if (strlen(mount_refused[i]) == length &&
		    strncmp(word, mount_refused[i], length) == 0)
			return fl_error_set(err, FL_INVALID,
					    "mount flag \"%s\" is not allowed for a volume",
					    mount_refused[i]);
	}
	return 0;
}

static int mount_word_add(struct fl_arena *arena, const char *word, struct mount_options *options,
			  struct fl_error *err)
{
	const struct mount_word *known = mount_word_find(word);

	if (mount_word_check(word, err) < 0)
		return -1;
	if (known) {
		options->flags = (options->flags & ~known->clear) | known->set;
		return 0;
	}
	options->has_words = true;
	options->data =
		fl_arena_printf(arena, "%s%s%s", options->data, *options->data ? "," : "", word);
	if (strlen(options->data) > MOUNT_DATA_MAX)
		return fl_error_set(err, FL_INVALID, "the mount flags have more than %d bytes",
				    MOUNT_DATA_MAX);
	return 0;
}

static int mount_check_readers(struct fl_arena *arena, const struct mount_options *options,
			       struct fl_error *err)
{
	const char *data = fl_arena_printf(arena, ",%s,", options->data);

	for (size_t i = 0; i < FL_COUNT(mount_readers_only); i++) {
		if (!(options->flags & MS_RDONLY) &&
		    strstr(data, fl_arena_printf(arena, ",%s,", mount_readers_only[i])))
			return fl_error_set(err, FL_INVALID,
					    "mount flag \"%s\" is allowed only with \"ro\"",
					    mount_readers_only[i]);
	}
	return 0;
}

int mount_options_parse(struct fl_arena *arena, const char *const *words, size_t n_words,
			struct mount_options *ret, struct fl_error *err)
{
	struct mount_options options = { .data = "" };
	size_t n = 0;

	for (size_t i = 0; i < n_words; i++) {
		const char *at = words[i];

		while (at) {
			const char *comma = strchr(at, ',');
			size_t length = comma ? (size_t)(comma - at) : strlen(at);

			if (++n > MOUNT_WORDS_MAX)
				return fl_error_set(err, FL_INVALID, "more than %d mount flags",
						    MOUNT_WORDS_MAX);
			if (mount_word_add(arena, fl_arena_strndup(arena, at, length), &options,
					   err) < 0)
				return -1;
			at = comma ? comma + 1 : NULL;
		}
	}
	if (mount_check_readers(arena, &options, err) < 0)
		return -1;
	*ret = options;
	return 0;
}
