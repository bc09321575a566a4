/* SPDX-License-Identifier: Apache-2.0 */
/* Parallel: the same work in several processes or threads at once. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "statement.h"
#include "trace.h"

#define MAX_PARALLEL (TRACE_ROOMS - 1)

static int process_work(struct check *c, void (*work)(struct check *c, int i), int i)
{
	struct fl_pool *pool;

	if (!WORKS(fl_pool_open(c->plan->backend, &c->op, "check", c->plan->options, &pool,
				&c->err)))
		return 1;
	/* The parent's pool is the parent's to close. */
	c->pool = pool;
	work(c, i);
	fl_pool_close(pool);
	return check_has_failed(c) ? 1 : 0;
}

int check_in_processes(struct check *c, int n, void (*work)(struct check *c, int i))
{
	pid_t children[MAX_PARALLEL];
	char how[100];
	int failed = 0;

	for (int i = 0; i < n; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			trace_enter_room((unsigned)i + 1);
			_exit(process_work(c, work, i));
		}
	}
	for (int i = 0; i < n; i++) {
		int status = 1;

		if (children[i] < 0 || waitpid(children[i], &status, 0) < 0 || status != 0)
			failed++;
		if (children[i] >= 0 && WIFSIGNALED(status)) {
			snprintf(how, sizeof(how), "a process was ended by signal %d (%s)",
				 WTERMSIG(status), strsignal(WTERMSIG(status)));
			check_note_lost(c->failure, (unsigned)i + 1, how);
		}
	}
	if (failed == 0)
		return 0;
	return fl_error_set(&c->err, FL_INTERNAL, "%d of %d processes failed", failed, n);
}

struct thread_work {
	struct check check;
	void (*work)(struct check *c, int i);
	int i;
};

static void *thread_run(void *argument)
{
	struct thread_work *thread = argument;

	thread->work(&thread->check, thread->i);
	return NULL;
}

int check_in_threads(struct check *c, int n, void (*work)(struct check *c, int i))
{
	struct thread_work threads[MAX_PARALLEL];
	pthread_t ids[MAX_PARALLEL];
	int started = 0;

	for (; started < n; started++) {
		struct thread_work *thread = &threads[started];

		*thread = (struct thread_work){ .check = *c, .work = work, .i = started };
		thread->check.op.arena = fl_arena_new(0);
		if (pthread_create(&ids[started], NULL, thread_run, thread) != 0) {
			fl_arena_free(thread->check.op.arena);
			break;
		}
	}
	for (int i = 0; i < started; i++) {
		pthread_join(ids[i], NULL);
		fl_arena_free(threads[i].check.op.arena);
	}
	if (started == n && !check_has_failed(c))
		return 0;
	return fl_error_set(&c->err, FL_INTERNAL, "a thread failed");
}
