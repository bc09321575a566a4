/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/test.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int open_something(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void a_descriptor_is_closed_at_the_end_of_its_scope(void)
{
	int number;

	{
		fl_cleanup(fl_close) int fd = open_something();

		number = fd;
		OK(is_open(number));
	}
	OK(!is_open(number));
}

static void a_taken_descriptor_stays_open(void)
{
	int kept;

	{
		fl_cleanup(fl_close) int fd = open_something();

		kept = fl_take_fd(&fd);
		EQUAL(fd, -1);
	}
	OK(is_open(kept));
	fl_close(&kept);
	EQUAL(kept, -1);
}

static void releasing_keeps_errno(void)
{
	int closed = open_something();
	int bad = closed;
	char *memory = strdup("x");
	DIR *dir = opendir("/");
	FILE *file = fopen("/dev/null", "re");

	close(closed);
	errno = ERANGE;
	/* The system call itself fails, and its EBADF must not be seen. */
	fl_close(&bad);
	EQUAL(errno, ERANGE);
	fl_free(&memory);
	fl_closedir(&dir);
	fl_fclose(&file);
	EQUAL(errno, ERANGE);
	OK(!memory && !dir && !file);
}

static void the_empty_value_is_released_without_harm(void)
{
	int fd = -1;
	char *memory = NULL;
	DIR *dir = NULL;
	FILE *file = NULL;

	errno = 0;
	fl_close(&fd);
	fl_free(&memory);
	fl_closedir(&dir);
	fl_fclose(&file);
	EQUAL(errno, 0);
}

static void heap_memory_of_any_type_is_freed(void)
{
	/* The leak checker is the judge of this one. */
	fl_cleanup(fl_free) char *text = strdup("text");
	fl_cleanup(fl_free) struct test *structs = calloc(3, sizeof(*structs));
	fl_cleanup(fl_closedir) DIR *dir = opendir("/");
	fl_cleanup(fl_fclose) FILE *file = fopen("/dev/null", "re");

	OK(text && structs && dir && file);
}

static void an_array_s_elements_are_counted(void)
{
	static const int numbers[7];

	EQUAL(FL_COUNT(numbers), 7);
}

static const struct test tests[] = {
	{ "a descriptor is closed at the end of its scope",
	  a_descriptor_is_closed_at_the_end_of_its_scope },
	{ "a taken descriptor stays open", a_taken_descriptor_stays_open },
	{ "releasing keeps errno", releasing_keeps_errno },
	{ "the empty value is released without harm", the_empty_value_is_released_without_harm },
	{ "heap memory of any type is freed", heap_memory_of_any_type_is_freed },
	{ "an array's elements are counted", an_array_s_elements_are_counted },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
