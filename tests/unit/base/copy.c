/* SPDX-License-Identifier: Apache-2.0 */
/* fl_file_copy_sparse of base/file.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/test.h"

#define MIB ((off_t)1 << 20)

static struct fl_progress progress;
static struct fl_op op = { .id = "t", .progress = &progress };

/* An unlinked file of `size` bytes in the working folder (a disk) or in memory. */
static int new_file(off_t size, int flags, bool in_memory)
{
	char path[] = "fl-copy-XXXXXX";
	int fd = in_memory ? memfd_create("copy", MFD_CLOEXEC)
			   : mkostemp(path, O_CLOEXEC | (flags & ~O_DIRECT));

	if (!in_memory)
		unlink(path);
	if (fd < 0 || ftruncate(fd, size) < 0)
		abort();
	if ((flags & O_DIRECT) && fcntl(fd, F_SETFL, O_DIRECT) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void put(int fd, off_t at, off_t length, int seed)
{
	char *data = aligned_alloc(4096, (size_t)(length + 4095) / 4096 * 4096);

	for (off_t i = 0; i < length; i++)
		data[i] = (char)(1 + (i * 31 + seed) % 255);
	if (pwrite(fd, data, (size_t)length, at) != length)
		abort();
	free(data);
}

static off_t size_of(int fd)
{
	struct stat st;

	fstat(fd, &st);
	return st.st_size;
}

static off_t allocated(int fd)
{
	struct stat st;

	fsync(fd);
	fstat(fd, &st);
	return st.st_blocks * 512;
}

/* Compares through mappings, which do not care about O_DIRECT. */
static bool equal_up_to(int a, int b, off_t size)
{
	char *x = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, a, 0);
	char *y = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, b, 0);
	bool equal = x != MAP_FAILED && y != MAP_FAILED && memcmp(x, y, (size_t)size) == 0;

	munmap(x, (size_t)size);
	munmap(y, (size_t)size);
	return equal;
}

/* A source with data at the start, in the middle (not aligned) and at the very end. */
static void fill_source(int fd, off_t size)
{
	put(fd, 0, 10000, 1);
	put(fd, 20 * MIB + 4096 + 77, 3 * MIB + 123, 2);
	put(fd, size - 5000, 5000, 3);
}

static void check_copy(off_t size, int src_flags, int dst_flags, bool src_in_memory,
		       bool dst_in_memory)
{
	fl_cleanup(fl_close) int plain = new_file(size, O_RDWR, src_in_memory);
	fl_cleanup(fl_close) int src = -1;
	fl_cleanup(fl_close) int dst = new_file(size, dst_flags, dst_in_memory);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", plain);
	src = open(path, O_RDONLY | O_CLOEXEC | src_flags);
	if (src < 0 || dst < 0)
		SKIP("this file system has no direct I/O");
	fill_source(plain, size);
	WORKS(fl_file_copy_sparse(&op, src, dst, (uint64_t)size, &test_error));
	EQUAL(size_of(dst), size);
	/* Before the comparison: reading a hole of a memory file through a mapping fills it. */
	OK(allocated(dst) < 6 * MIB, "holes stay holes: %jd", (intmax_t)allocated(dst));
	OK(equal_up_to(plain, dst, size), "content");
	EQUAL(progress.done, size);
	EQUAL(progress.total, size);
	SAME(progress.step, "syncing");
}

static void data_is_copied_and_holes_stay_holes(void)
{
	check_copy(64 * MIB, 0, 0, false, false);
}

static void a_size_off_the_blocks_is_kept(void)
{
	check_copy(40 * MIB + 513, 0, 0, false, false);
}

static void other_file_systems_are_copied_by_hand(void)
{
	check_copy(64 * MIB, 0, 0, true, false);
	check_copy(40 * MIB + 513, 0, 0, false, true);
}

static void direct_descriptors_work(void)
{
	check_copy(64 * MIB, O_DIRECT, O_DIRECT, false, false);
	check_copy(64 * MIB, O_DIRECT, 0, false, true);
	check_copy(64 * MIB, 0, O_DIRECT, true, false);
}

static void direct_descriptors_keep_an_odd_size(void)
{
	check_copy(40 * MIB + 513, O_DIRECT, O_DIRECT, false, false);
	check_copy(40 * MIB + 513, 0, O_DIRECT, true, false);
}

static void direct_io_is_on_again_after_an_odd_end(void)
{
	fl_cleanup(fl_close) int src = new_file(5000, O_RDWR, true);
	fl_cleanup(fl_close) int dst = new_file(5000, O_RDWR | O_DIRECT, false);

	if (dst < 0)
		SKIP("this file system has no direct I/O");
	put(src, 0, 5000, 9);
	WORKS(fl_file_copy_sparse(&op, src, dst, 5000, &test_error));
	OK(fcntl(dst, F_GETFL) & O_DIRECT);
	OK(equal_up_to(src, dst, 5000));
}

static void only_the_first_bytes_are_copied(void)
{
	for (int in_memory = 0; in_memory < 2; in_memory++) {
		fl_cleanup(fl_close) int src = new_file(8 * MIB, O_RDWR, in_memory);
		fl_cleanup(fl_close) int dst = new_file(8 * MIB, O_RDWR, false);
		char byte = 1;

		put(src, 0, 8 * MIB, 4);
		WORKS(fl_file_copy_sparse(&op, src, dst, (uint64_t)(2 * MIB + 100), &test_error));
		OK(equal_up_to(src, dst, 2 * MIB + 100));
		EQUAL(pread(dst, &byte, 1, 2 * MIB + 100), 1);
		EQUAL(byte, 0);
		EQUAL(size_of(dst), 8 * MIB);
	}
}

static void a_larger_destination_keeps_its_size(void)
{
	fl_cleanup(fl_close) int src = new_file(MIB, O_RDWR, true);
	fl_cleanup(fl_close) int dst = new_file(4 * MIB, O_RDWR, false);

	put(src, 0, MIB, 5);
	WORKS(fl_file_copy_sparse(&op, src, dst, (uint64_t)MIB, &test_error));
	EQUAL(size_of(dst), 4 * MIB);
	OK(equal_up_to(src, dst, MIB));
}

static void nothing_but_a_hole_is_quickly_copied(void)
{
	fl_cleanup(fl_close) int src = new_file((off_t)1 << 40, O_RDWR, false);
	fl_cleanup(fl_close) int dst = new_file((off_t)1 << 40, O_RDWR, false);
	uint64_t before = fl_clock_us();

	WORKS(fl_file_copy_sparse(&op, src, dst, UINT64_C(1) << 40, &test_error));
	OK(fl_clock_us() - before < 5000000);
	EQUAL(allocated(dst), 0);
	WORKS(fl_file_copy_sparse(&op, src, dst, 0, &test_error));
}

/* ext4 takes data of a file without extents that is only in memory yet for a hole. */
static void data_that_has_no_place_yet_is_copied(void)
{
	fl_cleanup(fl_close) int src = new_file(MIB, 0, false), dst = new_file(MIB, 0, false);
	int flags = 0;

	if (ioctl(src, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & FS_EXTENT_FL))
		SKIP("not on ext4 here");
	flags &= ~FS_EXTENT_FL;
	if (ioctl(src, FS_IOC_SETFLAGS, &flags) < 0)
		SKIP("this ext4 has no files without extents");
	put(src, MIB / 2, MIB / 4, 6);
	WORKS(fl_file_copy_sparse(&op, src, dst, MIB, &test_error));
	OK(equal_up_to(src, dst, MIB));
}

static void failures_are_told(void)
{
	fl_cleanup(fl_close) int src = new_file(MIB, O_RDWR, true);
	fl_cleanup(fl_close) int read_only = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int pipes[2];

	put(src, 0, MIB, 6);
	FAILS(fl_file_copy_sparse(&op, src, read_only, (uint64_t)MIB, &test_error), FL_INTERNAL);
	OK(strstr(test_error.text, "destination") != NULL, "%s", test_error.text);
	OK(pipe2(pipes, O_CLOEXEC) == 0);
	FAILS(fl_file_copy_sparse(&op, pipes[0], src, (uint64_t)MIB, &test_error), FL_INTERNAL);
	OK(strstr(test_error.text, "source") != NULL, "%s", test_error.text);
	close(pipes[0]);
	close(pipes[1]);
}

static const struct test tests[] = {
	{ "data is copied and holes stay holes", data_is_copied_and_holes_stay_holes },
	{ "a size off the blocks is kept", a_size_off_the_blocks_is_kept },
	{ "other file systems are copied by hand", other_file_systems_are_copied_by_hand },
	{ "direct descriptors work", direct_descriptors_work },
	{ "direct descriptors keep an odd size", direct_descriptors_keep_an_odd_size },
	{ "direct I/O is on again after an odd end", direct_io_is_on_again_after_an_odd_end },
	{ "only the first bytes are copied", only_the_first_bytes_are_copied },
	{ "a larger destination keeps its size", a_larger_destination_keeps_its_size },
	{ "nothing but a hole is quickly copied", nothing_but_a_hole_is_quickly_copied },
	{ "data that has no place yet is copied", data_that_has_no_place_yet_is_copied },
	{ "failures are told", failures_are_told },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
