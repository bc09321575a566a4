/* SPDX-License-Identifier: Apache-2.0 */
/* kills BACKEND DIRECTORY [SECONDS]: a process that lives disks' lives over and over is killed at
 * random moments; after each kill its successor completes the life and leaves nothing over. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/pools.h"
#include "base/clock.h"
#include "leftovers.h"
#include "life.h"
#include "tests/test.h"

static const struct fl_backend *backend;
static const char *directory;
static uint64_t seconds = 10;

/* Shared with the child: the step that it is at, for the statistics and the dice. */
static atomic_size_t *at_step;

static void die_trying(void)
{
	struct fl_error err;
	struct fl_pool *pool;

	if (life_open(backend, directory, &pool, &err) < 0)
		_exit(1);
	for (;;) {
		for (size_t i = 0; i < life_n_making; i++) {
			*at_step = i;
			if (life_insist(&life_making[i], pool, &err) < 0)
				_exit(2);
		}
		for (size_t i = 0; i < life_n_removing; i++) {
			*at_step = life_n_making + i;
			if (life_insist(&life_removing[i], pool, &err) < 0)
				_exit(3);
		}
	}
}

/* Kills a child when it has been at `step` for a random part of a few milliseconds, or, where steps
 * go by too fast to be seen, at any time. */
static void kill_at(size_t step)
{
	struct timespec patience = fl_clock_after_ms(150);
	int status = 0;
	pid_t child;

	*at_step = SIZE_MAX;
	fflush(stdout);
	child = fork();
	if (child == 0)
		die_trying();
	OK(child > 0);
	while (*at_step != step && !fl_clock_passed(patience))
		usleep(50);
	usleep((useconds_t)(random() % 3000));
	kill(child, SIGKILL);
	OK(waitpid(child, &status, 0) == child);
	OK(WIFSIGNALED(status), "the child ended by itself with %d", WEXITSTATUS(status));
}

static void survive(void)
{
	struct fl_error *err = &test_error;
	struct fl_pool *pool;

	WORKS(life_open(backend, directory, &pool, err));
	if (test_failures)
		return;
	for (size_t i = 0; i < life_n_making; i++)
		WORKS(life_insist(&life_making[i], pool, err));
	WORKS(life_check(pool, err));
	for (size_t i = 0; i < life_n_removing; i++)
		WORKS(life_insist(&life_removing[i], pool, err));
	fl_pool_close(pool);
	EQUAL(leftovers_print(directory), 0);
}

/* Deleting alone, without completing anything first, leaves nothing over either. */
static void remove_only(void)
{
	struct fl_error *err = &test_error;
	struct fl_pool *pool;

	WORKS(life_open(backend, directory, &pool, err));
	if (test_failures)
		return;
	for (size_t i = 0; i < life_n_removing; i++)
		WORKS(life_insist(&life_removing[i], pool, err));
	fl_pool_close(pool);
	EQUAL(leftovers_print(directory), 0);
}

static void killed_at_any_moment(void)
{
	struct timespec end = fl_clock_after_ms(seconds * 1000);
	size_t n_steps = life_n_making + life_n_removing, n = 0;

	at_step = mmap(NULL, sizeof(*at_step), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	OK(at_step != MAP_FAILED);
	srandom((unsigned)fl_clock_wall_ns());
	for (; !fl_clock_passed(end) && test_failures == 0; n++) {
		kill_at(n % n_steps);
		if (n / n_steps % 2)
			remove_only();
		else
			survive();
	}
	printf("# %zu processes killed\n", n);
	OK(n >= n_steps, "too few for each step");
}

static const struct test tests[] = {
	{ "a process may be killed at any moment", killed_at_any_moment },
};

int main(int argc, char **argv)
{
	struct fl_error err;

	if (argc < 3) {
		fprintf(stderr, "usage: kills BACKEND DIRECTORY [SECONDS]\n");
		return 2;
	}
	if (fl_backend_load(argv[1], &backend, &err) < 0 ||
	    (argc > 3 && fl_text_parse_number(argv[3], &seconds, &err) < 0)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	directory = argv[2];
	return test_run(tests, FL_COUNT(tests), 1, argv);
}
