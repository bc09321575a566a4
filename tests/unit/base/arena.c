/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

static void memory_is_zeroed_and_aligned(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);

	for (size_t size = 0; size < 10000; size = size * 2 + 1) {
		unsigned char *memory = fl_arena_alloc(arena, size);
		size_t set = 0;

		EQUAL((uintptr_t)memory % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			set += memory[i];
		EQUAL(set, 0);
		memset(memory, 0xff, size);
	}
}

static void pieces_do_not_overlap(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	unsigned char *pieces[600];
	size_t wrong = 0;

	for (size_t i = 0; i < FL_COUNT(pieces); i++) {
		/* Small ones, and now and then one larger than a block. */
		pieces[i] = fl_arena_alloc(arena, i % 50 == 49 ? 9000 : i % 40 + 1);
		memset(pieces[i], (int)(i % 251), i % 50 == 49 ? 9000 : i % 40 + 1);
	}
	for (size_t i = 0; i < FL_COUNT(pieces); i++)
		for (size_t j = 0; j < (i % 50 == 49 ? 9000 : i % 40 + 1); j++)
			wrong += pieces[i][j] != i % 251;
	EQUAL(wrong, 0);
}

static void the_budget_bounds_what_try_gives(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(100);

	OK(fl_arena_try(arena, 60) != NULL);
	OK(fl_arena_try(arena, 41) == NULL);
	OK(fl_arena_try(arena, SIZE_MAX) == NULL);
	/* What is small and our own does not count. */
	OK(fl_arena_alloc(arena, 1000) != NULL);
	OK(fl_arena_try(arena, 40) != NULL);
	OK(fl_arena_try(arena, 1) == NULL);
}

static void without_a_budget_only_memory_bounds(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);

	OK(fl_arena_try(arena, 1 << 20) != NULL);
	OK(fl_arena_try(arena, SIZE_MAX) == NULL);
	OK(fl_arena_try(arena, SIZE_MAX - 10) == NULL);
}

static void used_counts_the_bytes_handed_out(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	char *refused;

	EQUAL(fl_arena_used(arena), 0);
	fl_arena_alloc(arena, 10);
	OK(fl_arena_try(arena, 5) != NULL);
	EQUAL(fl_arena_used(arena), 15);
	refused = fl_arena_try(arena, SIZE_MAX);
	OK(refused == NULL);
	EQUAL(fl_arena_used(arena), 15);
}

static void texts_are_copied(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	char from[] = "hello";
	char *copy = fl_arena_strdup(arena, from);
	char *start = fl_arena_strndup(arena, from, 3);
	char *all = fl_arena_strndup(arena, from, 300);

	from[0] = 'j';
	SAME(copy, "hello");
	SAME(start, "hel");
	SAME(all, "hello");
	SAME(fl_arena_printf(arena, "%s-%d", "a", 5), "a-5");
	EQUAL(strlen(fl_arena_printf(arena, "%10000d", 5)), 10000);
}

static void an_array_grows_and_keeps_its_elements(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	size_t capacity = 0, wrong = 0;
	int *numbers = NULL, *before;

	for (int i = 0; i < 1000; i++) {
		numbers = fl_arena_grow(arena, numbers, (size_t)i, &capacity, sizeof(*numbers));
		OK(capacity > (size_t)i);
		numbers[i] = i;
	}
	for (int i = 0; i < 1000; i++)
		wrong += numbers[i] != i;
	EQUAL(wrong, 0);
	before = numbers;
	OK(fl_arena_grow(arena, numbers, capacity - 1, &capacity, sizeof(*numbers)) == before,
	   "there was room");
	numbers = fl_arena_grow(arena, numbers, 50000, &capacity, sizeof(*numbers));
	OK(capacity > 50000);
	numbers[50000] = 1;
	EQUAL(numbers[999], 999);
}

static void multiply_past_the_end(void)
{
	struct fl_arena *arena = fl_arena_new(0);

	fl_arena_array(arena, SIZE_MAX / 2, 3);
}

static void want_more_than_there_is(void)
{
	struct fl_arena *arena = fl_arena_new(0);

	fl_arena_alloc(arena, SIZE_MAX - 1);
}

/* How a child that calls `what` ends: the number of the signal, or 0. */
static int signal_of(void (*what)(void))
{
	static const struct rlimit no_core;
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		what();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void what_cannot_be_had_aborts(void)
{
	EQUAL(signal_of(multiply_past_the_end), SIGABRT);
	EQUAL(signal_of(want_more_than_there_is), SIGABRT);
}

static void releasing_nothing_is_fine(void)
{
	struct fl_arena *none = NULL;

	fl_arena_free(NULL);
	fl_arena_release(&none);
	OK(none == NULL);
}

static const struct test tests[] = {
	{ "memory is zeroed and aligned", memory_is_zeroed_and_aligned },
	{ "pieces do not overlap", pieces_do_not_overlap },
	{ "the budget bounds what try gives", the_budget_bounds_what_try_gives },
	{ "without a budget only memory bounds", without_a_budget_only_memory_bounds },
	{ "used counts the bytes handed out", used_counts_the_bytes_handed_out },
	{ "texts are copied", texts_are_copied },
	{ "an array grows and keeps its elements", an_array_grows_and_keeps_its_elements },
	{ "what cannot be had aborts", what_cannot_be_had_aborts },
	{ "releasing nothing is fine", releasing_nothing_is_fine },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
