/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mount.h>

#include "csi/mkfs.h"
#include "node/mount.h"
#include "tests/test.h"

static struct fl_arena *arena;

static int parse(const char *word, struct mount_options *ret)
{
	return mount_options_parse(arena, &word, 1, ret, &test_error);
}

static void words_become_flags(void)
{
	struct mount_options options;

	WORKS(parse("ro,nosuid,noexec,noatime", &options));
	OK(options.flags == (MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NOATIME));
	SAME(options.data, "");
	WORKS(mount_options_parse(arena, NULL, 0, &options, &test_error));
	EQUAL(options.flags, 0);
}

static void the_last_word_counts(void)
{
	const char *const words[] = { "ro", "rw", "noexec,exec", "dev,nodev" };
	struct mount_options options;

	WORKS(mount_options_parse(arena, words, FL_COUNT(words), &options, &test_error));
	OK(options.flags == MS_NODEV);
}

static void other_words_are_the_file_systems(void)
{
	const char *const words[] = { "discard", "noatime,data=ordered", "errors=remount-ro" };
	struct mount_options options;

	WORKS(mount_options_parse(arena, words, FL_COUNT(words), &options, &test_error));
	SAME(options.data, "discard,data=ordered,errors=remount-ro");
}

static void what_leads_elsewhere_is_refused(void)
{
	static const char *const words[] = {
		"bind",
		"remount,ro",
		"loop=/dev/loop0",
		"offset=4096",
		"logdev=/dev/sda",
		"device=x",
		"subvol=a",
		"shared",
		"",
		"a,,b",
		"data=a\nb",
		"a b",
		"x=\"y\"",
		"a;b",
		"journal_path=j",
	};
	struct mount_options options;

	for (size_t i = 0; i < FL_COUNT(words); i++)
		FAILS(parse(words[i], &options), FL_INVALID);
}

static void what_endangers_the_machine_or_the_data_is_refused(void)
{
	static const char *const words[] = { "errors=panic",  "fatal_errors=panic", "abort",
					     "noload",        "norecovery",         "noload,rw",
					     "discard,noload" };
	struct mount_options options;

	for (size_t i = 0; i < FL_COUNT(words); i++)
		FAILS(parse(words[i], &options), FL_INVALID);
	WORKS(parse("norecovery,ro", &options));
	SAME(options.data, "norecovery");
	WORKS(parse("errors=remount-ro", &options));
}

static void a_value_is_not_told(void)
{
	struct mount_options options;

	FAILS(parse("password=hunter2/x", &options), FL_INVALID);
	OK(!strstr(test_error.text, "hunter2"), "%s", test_error.text);
}

static void many_words_are_refused(void)
{
	const char *many[100];
	struct mount_options options;

	for (size_t i = 0; i < FL_COUNT(many); i++)
		many[i] = "noatime";
	FAILS(mount_options_parse(arena, many, FL_COUNT(many), &options, &test_error), FL_INVALID);
}

static int mkfs(const char *file_system, const char *text, const char *const **ret)
{
	return mkfs_words(arena, file_system, text, ret, &test_error);
}

static void mkfs_options_are_words(void)
{
	const char *const *words;

	WORKS(mkfs("ext4", "  -b 4096 -Ostride=4  -j ", &words));
	SAME(words[0], "-b");
	SAME(words[1], "4096");
	SAME(words[2], "-Ostride=4");
	SAME(words[3], "-j");
	OK(words[4] == NULL);
	WORKS(mkfs("xfs", "-m reflink=1,crc=1", &words));
	WORKS(mkfs("btrfs", "-m single -M", &words));
	WORKS(mkfs("ext4", "", &words));
	OK(words[0] == NULL);
}

static void mkfs_reads_no_files(void)
{
	static const char *const bad[][2] = {
		{ "ext4", "-d etc" },
		{ "ext4", "-J device=x" },
		{ "ext4", "-E offset=5" },
		{ "ext4", "-b" },
		{ "ext4", "-b -j" },
		{ "ext4", "-b ../x" },
		{ "ext4", "/dev/sda" },
		{ "ext4", "x" },
		{ "ext4", "-" },
		{ "xfs", "-l logdev=x" },
		{ "xfs", "-d su=4,file"
			 "=1" },
		{ "xfs", "-p proto" },
		{ "xfs", "-c options=x" },
		{ "btrfs", "-r etc" },
		{ "btrfs", "--rootdir=etc" },
		{ "btrfs", "-Mx" },
		{ "zfs", "-b 512" },
	};
	const char *const *words;

	for (size_t i = 0; i < FL_COUNT(bad); i++)
		FAILS(mkfs(bad[i][0], bad[i][1], &words), FL_INVALID);
}

static const struct test tests[] = {
	{ "words become flags", words_become_flags },
	{ "the last word counts", the_last_word_counts },
	{ "other words are the file system's", other_words_are_the_file_systems },
	{ "what leads elsewhere is refused", what_leads_elsewhere_is_refused },
	{ "what endangers the machine or the data is refused",
	  what_endangers_the_machine_or_the_data_is_refused },
	{ "a value is not told", a_value_is_not_told },
	{ "many words are refused", many_words_are_refused },
	{ "mkfs options are words", mkfs_options_are_words },
	{ "mkfs reads no files", mkfs_reads_no_files },
};

int main(int argc, char **argv)
{
	int rc;

	arena = fl_arena_new(0);
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	return rc;
}
