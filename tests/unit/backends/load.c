/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/pools.h"
#include "base/file.h"
#include "tests/test.h"

static struct fl_arena *arena;

static void loading_twice_is_loading_once(void)
{
	const struct fl_backend *first, *again, *by_path;

	WORKS(fl_backend_load(VARIANTS "/variant.so", &first, &test_error));
	WORKS(fl_backend_load(VARIANTS "/../variants/variant.so", &by_path, &test_error));
	OK(first == by_path, "two copies of one object");
	setenv("FAIRLEAD_BACKENDS", VARIANTS, 1);
	WORKS(fl_backend_load("variant", &again, &test_error));
	OK(first == again, "two copies of one name");
	SAME(first->name, "variant");
}

static void structs_of_other_sizes_are_completed(void)
{
	const struct fl_backend *backend;

	WORKS(fl_backend_load(VARIANTS "/newer.so", &backend, &test_error));
	OK(backend->publish != NULL && backend->copies == NULL);
	WORKS(fl_backend_load(VARIANTS "/older.so", &backend, &test_error));
	OK(backend->publish != NULL && backend->copies == NULL);
}

static void unusable_objects_are_refused(void)
{
	static const struct {
		const char *path;
		const char *sentence;
	} bad[] = {
		{ VARIANTS "/abi.so", "was built for interface 99, this program has 1" },
		{ VARIANTS "/tiny.so", "says that its struct has 16 bytes" },
		{ VARIANTS "/incomplete.so", "incomplete.so lacks volume_create" },
		{ VARIANTS "/copies.so", "copies.so lacks copies, which FL_BACKEND_COPIES needs" },
		{ VARIANTS "/changes.so", "changes.so lacks snapshots, which changes need" },
		{ VARIANTS "/stranger.so", "does not export fl_backend" },
		{ "/etc/passwd", "cannot be loaded: " },
	};
	const struct fl_backend *backend;

	for (size_t i = 0; i < FL_COUNT(bad); i++) {
		FAILS(fl_backend_load(bad[i].path, &backend, &test_error), FL_INVALID);
		OK(strstr(test_error.text, bad[i].sentence) != NULL, "%s", test_error.text);
	}
}

static void names_that_are_not_there(void)
{
	const struct fl_backend *backend;

	setenv("FAIRLEAD_BACKENDS", VARIANTS, 1);
	FAILS(fl_backend_load("varaint", &backend, &test_error), FL_NOT_FOUND);
	SAME(test_error.text, "unknown backend \"varaint\": did you mean \"variant\"?");
	FAILS(fl_backend_load("../x", &backend, &test_error), FL_NOT_FOUND);
	FAILS(fl_backend_load("..", &backend, &test_error), FL_NOT_FOUND);
	FAILS(fl_backend_load("", &backend, &test_error), FL_NOT_FOUND);
	FAILS(fl_backend_load("/nowhere/x.so", &backend, &test_error), FL_NOT_FOUND);
	FAILS(fl_backend_load("newer", &backend, &test_error), FL_INVALID);
	OK(strstr(test_error.text, "holds backend \"variant\", not \"newer\"") != NULL, "%s",
	   test_error.text);
}

static void names_are_listed_sorted(void)
{
	struct fl_strings names;

	setenv("FAIRLEAD_BACKENDS", VARIANTS, 1);
	WORKS(fl_backend_names(arena, &names, &test_error));
	EQUAL(names.n, 9);
	SAME(names.items[0], "abi");
	SAME(names.items[names.n - 1], "variant");
	setenv("FAIRLEAD_BACKENDS", "/nowhere", 1);
	FAILS(fl_backend_names(arena, &names, &test_error), FL_NOT_FOUND);
}

static const struct test tests[] = {
	{ "loading twice is loading once", loading_twice_is_loading_once },
	{ "structs of other sizes are completed", structs_of_other_sizes_are_completed },
	{ "unusable objects are refused", unusable_objects_are_refused },
	{ "names that are not there", names_that_are_not_there },
	{ "names are listed sorted", names_are_listed_sorted },
};

int main(int argc, char **argv)
{
	int result;

	arena = fl_arena_new(0);
	result = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	return result;
}
