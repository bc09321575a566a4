/* SPDX-License-Identifier: Apache-2.0 */
#include "node/mountinfo.h"

#include <sys/sysmacros.h>

#include "tests/test.h"

static struct fl_arena *arena;

static int parse(const char *text, struct mountinfo *ret)
{
	return mountinfo_parse(arena, text, strlen(text), ret, &test_error);
}

static void a_line_is_read(void)
{
	struct mountinfo table;

	WORKS(parse("36 35 7:3 /sub /mnt/a rw,noatime master:1 shared:2 - ext4 /dev/loop3 rw,a=b\n",
		    &table));
	EQUAL(table.n, 1);
	EQUAL(table.entries[0].id, 36);
	EQUAL(table.entries[0].parent, 35);
	OK(table.entries[0].device == makedev(7, 3));
	SAME(table.entries[0].root, "/sub");
	SAME(table.entries[0].point, "/mnt/a");
	SAME(table.entries[0].type, "ext4");
	SAME(table.entries[0].source, "/dev/loop3");
	OK(!table.entries[0].read_only);
}

static void read_only_is_the_mount_or_the_file_system(void)
{
	struct mountinfo table;

	WORKS(parse(
		"1 0 7:0 / /a ro,noatime - ext4 /dev/loop0 rw\n"
		"2 0 7:0 / /b rw - ext4 /dev/loop0 rw,ro\n"
		"3 0 7:0 / /c rw,errors=remount-ro - ext4 /dev/loop0 rw,errors=remount-ro,rox\n",
		&table));
	EQUAL(table.n, 3);
	OK(table.entries[0].read_only && table.entries[1].read_only);
	OK(!table.entries[2].read_only);
}

static void a_file_system_that_has_failed_is_told_from_one_that_is_read(void)
{
	struct mountinfo table;

	WORKS(parse("1 0 7:0 / /a rw - ext4 /dev/loop0 rw,errors=remount-ro,emergency_ro\n"
		    "2 0 7:0 / /b rw - btrfs /dev/loop0 ro,space_cache=v2\n"
		    "3 0 7:0 / /c rw - ext4 /dev/loop0 rw,shutdown\n"
		    "4 0 7:0 / /d ro - ext4 /dev/loop0 ro\n"
		    "5 0 7:0 / /e ro - ext4 /dev/loop0 rw\n"
		    "6 0 7:0 / /f rw - ext4 /dev/loop0 rw\n",
		    &table));
	for (size_t i = 0; i < 6; i++) {
		EQUAL(table.entries[i].failed, i < 3);
		EQUAL(table.entries[i].read_only, i < 5);
	}
}

static void blanks_are_unescaped(void)
{
	struct mountinfo table;

	WORKS(parse("1 0 0:5 / /a\\040b\\011c\\134d\\012e rw - tmpfs no\\040ne rw\n", &table));
	SAME(table.entries[0].point, "/a b\tc\\d\ne");
	SAME(table.entries[0].source, "no ne");
}

static void an_empty_source_and_no_end_of_line_are_fine(void)
{
	struct mountinfo table;

	WORKS(parse("1 0 0:5 / /a rw - tmpfs  rw", &table));
	SAME(table.entries[0].source, "");
	WORKS(parse("", &table));
	EQUAL(table.n, 0);
}

static void other_lines_are_refused(void)
{
	static const char *const lines[] = {
		"x 0 7:0 / /a rw - ext4 /dev/loop0 rw\n",
		"1 0 7 / /a rw - ext4 /dev/loop0 rw\n",
		"1 0 7:99999999999 / /a rw - ext4 /dev/loop0 rw\n",
		"1 0 7:0 / /a rw shared:1 ext4 /dev/loop0 rw\n",
		"1 0 7:0 /\n",
		"\n",
	};
	struct mountinfo table;

	for (size_t i = 0; i < FL_COUNT(lines); i++)
		FAILS(parse(lines[i], &table), FL_INTERNAL);
}

static void the_device_tells_a_file_system(void)
{
	struct mountinfo table;

	WORKS(parse("1 0 7:3 / /a rw - ext4 /dev/loop9 rw\n"
		    "2 0 0:44 / /b rw - tmpfs /dev/null rw\n"
		    "3 0 0:45 / /c rw - btrfs /dev/no-such-device rw\n",
		    &table));
	OK(mountinfo_is_filesystem_of(&table.entries[0], makedev(7, 3)), "whatever its source");
	OK(!mountinfo_is_filesystem_of(&table.entries[0], makedev(7, 9)));
	OK(!mountinfo_is_filesystem_of(&table.entries[1], makedev(7, 3)));
	OK(!mountinfo_is_filesystem_of(&table.entries[2], makedev(7, 3)));
}

/* /var/data is bound to /srv: what is mounted below one is shown below the other as well. */
static void a_place_has_several_paths(void)
{
	struct mountinfo_entry entries[6];
	struct mountinfo table;

	WORKS(parse("1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
		    "2 1 8:1 /var/data /srv rw shared:1 - ext4 /dev/sda1 rw\n"
		    "3 2 7:3 / /srv/a rw - ext4 /dev/loop3 rw\n"
		    "4 1 7:3 / /var/data/a rw - ext4 /dev/loop3 rw\n"
		    "5 1 7:3 / /var/data/b rw - ext4 /dev/loop3 rw\n"
		    "6 3 7:3 / /srv/a rw - ext4 /dev/loop3 rw\n",
		    &table));
	for (size_t i = 0; i < FL_COUNT(entries); i++) {
		entries[i] = table.entries[i];
		mountinfo_find_place(arena, &table, &entries[i]);
	}
	SAME(entries[2].place, "/var/data/a");
	OK(mountinfo_is_same_place(&entries[2], &entries[3]));
	OK(!mountinfo_is_same_place(&entries[2], &entries[4]));
	OK(!mountinfo_is_same_place(&entries[2], &entries[5]), "one is mounted over the other");
	OK(!mountinfo_is_same_place(&entries[0], &entries[3]));
}

static void the_kernels_own_table_is_read(void)
{
	const struct mountinfo_entry *entry;
	struct mountinfo table;

	WORKS(mountinfo_read(arena, &table, &test_error));
	OK(table.n > 0);
	WORKS(mountinfo_at(arena, "/proc", &entry, &test_error));
	OK(entry != NULL, "/proc is a mount");
	SAME(entry ? entry->type : NULL, "proc");
	WORKS(mountinfo_at(arena, "/proc/self", &entry, &test_error));
	OK(entry == NULL, "nothing is mounted at /proc/self");
	WORKS(mountinfo_at(arena, "/no/such/path", &entry, &test_error));
	OK(entry == NULL);
}

static const struct test tests[] = {
	{ "a line is read", a_line_is_read },
	{ "read-only is the mount or the file system", read_only_is_the_mount_or_the_file_system },
	{ "blanks are unescaped", blanks_are_unescaped },
	{ "a file system that has failed is told from one that is read",
	  a_file_system_that_has_failed_is_told_from_one_that_is_read },
	{ "an empty source and no end of line are fine",
	  an_empty_source_and_no_end_of_line_are_fine },
	{ "other lines are refused", other_lines_are_refused },
	{ "the device tells a file system", the_device_tells_a_file_system },
	{ "a place has several paths", a_place_has_several_paths },
	{ "the kernel's own table is read", the_kernels_own_table_is_read },
};

int main(int argc, char **argv)
{
	int rc;

	arena = fl_arena_new(0);
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	return rc;
}
