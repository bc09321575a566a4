/* SPDX-License-Identifier: Apache-2.0 */
#include "mkfs.h"

#include <string.h>

#include "base/text.h"

struct mkfs_rules {
	const char *file_system;
	const char *options;  /* letters of options that may be given and take a value … */
	const char *switches; /* … and that take none */
};

static const struct mkfs_rules mkfs_rules[] = {
	{ "ext4", "bCEGgIiJmNOT", "jv" },
	{ "xfs", "bdilmns", "" },
	{ "btrfs", "OdmnsR", "M" },
};

/* Keys in the values of options that name files or devices, or move the file system. */
static const char *const mkfs_refused[] = { "logdev", "rtdev",  "device", "name",
					    "file",   "offset", "logfile" };

/* A value: plain characters, and no key that names files or devices. */
static bool mkfs_value_is_allowed(const char *value)
{
	if (!*value || strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_.,:+-=^") != strlen(value))
		return false;
	for (const char *at = value; at; at = strchr(at, ',')) {
		at += *at == ',';
		for (size_t i = 0; i < FL_COUNT(mkfs_refused); i++) {
			size_t length = strlen(mkfs_refused[i]);

			if (strncmp(at, mkfs_refused[i], length) == 0 && at[length] == '=')
				return false;
		}
	}
	return true;
}

/* One word, of which *need_value tells and remembers whether it is the value of the one before. */
static bool mkfs_word_is_allowed(const struct mkfs_rules *rules, const char *word, bool *need_value)
{
	if (*need_value) {
		*need_value = false;
		return word[0] != '-' && mkfs_value_is_allowed(word);
	}
	if (word[0] != '-' || word[1] == '\0')
		return false;
	if (strchr(rules->switches, word[1]))
		return word[2] == '\0';
	if (!strchr(rules->options, word[1]))
		return false;
	*need_value = word[2] == '\0';
	return *need_value || mkfs_value_is_allowed(word + 2);
}

static struct mkfs_rules mkfs_rules_of(const char *file_system)
{
	for (size_t i = 0; i < FL_COUNT(mkfs_rules); i++)
		if (strcmp(mkfs_rules[i].file_system, file_system) == 0)
			return mkfs_rules[i];
	return (struct mkfs_rules){ file_system, "", "" };
}

int mkfs_words(struct fl_arena *arena, const char *file_system, const char *text,
	       const char *const **ret, struct fl_error *err)
{
	const char **words = fl_arena_array(arena, MKFS_WORDS_MAX + 1, sizeof(*words));
	const struct mkfs_rules rules = mkfs_rules_of(file_system);
	bool need_value = false;
	size_t n = 0;

	for (const char *at = text + strspn(text, " "); *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");

		if (n == MKFS_WORDS_MAX)
			return fl_error_set(err, FL_INVALID, "more than %d words of mkfs options",
					    MKFS_WORDS_MAX);
		words[n] = fl_arena_strndup(arena, at, length);
		if (!mkfs_word_is_allowed(&rules, words[n], &need_value))
			return fl_error_set(err, FL_INVALID,
					    "mkfs option \"%s\" is not allowed for %s", words[n],
					    file_system);
		at += length;
		n++;
	}
	if (need_value)
		return fl_error_set(err, FL_INVALID, "mkfs option \"%s\" has no value",
				    words[n - 1]);
	*ret = words;
	return 0;
}
