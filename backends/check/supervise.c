/* SPDX-License-Identifier: Apache-2.0 */
/* Statements in a process of their own: what crashes or hangs in it costs one statement. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "suite.h"
#include "trace.h"

#define SUPERVISE_LOOK_MS 200
#define SUPERVISE_GRACE_MS 3000 /* after the deadline of a call */
#define SUPERVISE_HANGS 3       /* then the rest is skipped: each takes its whole time */

struct worker {
	pid_t pid;
	int fd; /* one byte comes for each step, and one goes back when it has been seen */
};

/* In the worker: the step is made by the supervisor. */
static void worker_step(void *cookie, enum suite_event event)
{
	const struct worker *worker = cookie;
	char byte = (char)event;

	if (write(worker->fd, &byte, 1) != 1 || read(worker->fd, &byte, 1) != 1)
		_exit(EXIT_FAILURE);
}

static int worker_run(struct suite *suite, size_t first, int fd)
{
	struct worker self = { .fd = fd };

	/* A group, so that what it has started ends with it; and it ends with us. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return suite_run(suite, first, worker_step, &self, &suite->board->error) < 0 ? EXIT_FAILURE
										     : EXIT_SUCCESS;
}

static int worker_start(struct suite *suite, size_t first, struct worker *ret, struct fl_error *err)
{
	int pair[2];

	memset(&suite->board->error, 0, sizeof(suite->board->error));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fl_error_sys(err, errno, "starting a process for the statements");
	ret->pid = fork();
	if (ret->pid == 0) {
		close(pair[0]);
		_exit(worker_run(suite, first, pair[1]));
	}
	ret->fd = pair[0];
	close(pair[1]);
	if (ret->pid > 0)
		return 0;
	fl_close(&ret->fd);
	return fl_error_sys(err, errno, "starting a process for the statements");
}

/* Changes as long as anything goes on in the worker. */
static uint64_t worker_life(const struct suite *suite)
{
	return trace_moves() + atomic_load(&suite->board->progress.done);
}

/* 1: a step; 0: it has ended; -1: nothing has gone on in it for longer than a call may take. */
static int worker_wait(const struct suite *suite, const struct worker *worker,
		       enum suite_event *ret_event)
{
	uint64_t patience_ms = suite->plan->timeout_ms + SUPERVISE_GRACE_MS;
	struct timespec until = fl_clock_after_ms(patience_ms);
	struct pollfd poller = { .fd = worker->fd, .events = POLLIN };
	uint64_t life = worker_life(suite);
	char byte;

	while (poll(&poller, 1, SUPERVISE_LOOK_MS) <= 0) {
		if (worker_life(suite) != life)
			until = fl_clock_after_ms(patience_ms);
		else if (fl_clock_passed(until))
			return -1;
		life = worker_life(suite);
	}
	if (read(worker->fd, &byte, 1) != 1)
		return 0;
	*ret_event = (enum suite_event)byte;
	return 1;
}

/* How a worker ended that hung, crashed or left, as a phrase. */
static void worker_end(struct worker *worker, bool hangs, char text[100])
{
	int status = 0;

	if (hangs)
		kill(-worker->pid, SIGKILL);
	waitpid(worker->pid, &status, 0);
	/* What it has started and left. */
	kill(-worker->pid, SIGKILL);
	fl_close(&worker->fd);
	if (hangs)
		snprintf(text, 100, "a process was killed because nothing went on in it");
	else if (WIFSIGNALED(status))
		snprintf(text, 100, "a process was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, 100, "a process ended itself with exit code %d",
			 WEXITSTATUS(status));
}

/* What the worker was at when it was lost. */
static int supervise_note_lost(struct suite *suite, const char *how, struct fl_error *err)
{
	struct suite_board *board = suite->board;
	struct backend_check_failure failure = { 0 };
	unsigned room = trace_waiting_room();

	check_note_lost(&failure, room, how);
	if (!board->is_open)
		return fl_error_set(err, FL_UNAVAILABLE, "a first volume: %.400s", failure.got);
	if (board->is_cleaning)
		snprintf(board->skipped, sizeof(board->skipped), SUITE_NOT_CLEAN "%s", failure.got);
	else
		check_note_lost(&board->failure, room, how);
	return 0;
}

/* The pool does not open any more. */
static int supervise_note_closed(struct suite *suite, struct fl_error *err)
{
	struct suite_board *board = suite->board;

	if (!board->is_open) {
		*err = board->error;
		return -1;
	}
	check_note_lost(&board->failure, trace_room(), board->error.text);
	return 0;
}

/* Runs a worker to its end.  1: it has run all; 0: it was lost at board->at, which is noted;
 * *ret_hangs: by hanging. */
static int supervise_one(struct suite *suite, size_t first, suite_step *step, void *cookie,
			 bool *ret_hangs, struct fl_error *err)
{
	enum suite_event event = SUITE_OPENED;
	struct worker worker;
	char how[100];
	int state;

	if (worker_start(suite, first, &worker, err) < 0)
		return -1;
	while ((state = worker_wait(suite, &worker, &event)) > 0) {
		step(cookie, event);
		/* From here on it is at the next one, as far as anybody knows. */
		if (event == SUITE_RAN)
			suite_clear(suite->board, suite->board->at + 1);
		(void)!write(worker.fd, &(char){ 0 }, 1);
	}
	*ret_hangs = state < 0;
	worker_end(&worker, *ret_hangs, how);
	/* It is at its end also when the pool has not closed: others have told. */
	if (event == SUITE_ENDED || (suite->board->at == suite->n && suite->board->is_open))
		return 1;
	return suite->board->error.code != FL_OK ? supervise_note_closed(suite, err)
						 : supervise_note_lost(suite, how, err);
}

static void supervise_skip_rest(struct suite *suite, size_t first, suite_step *step, void *cookie)
{
	for (size_t at = first; at < suite->n; at++) {
		suite_clear(suite->board, at);
		snprintf(suite->board->skipped, sizeof(suite->board->skipped),
			 "not checked: calls hung %d times already", SUPERVISE_HANGS);
		step(cookie, SUITE_RAN);
	}
}

int suite_supervise(struct suite *suite, suite_step *step, void *cookie, struct fl_error *err)
{
	unsigned n_hangs = 0;
	size_t first = 0;
	int result;

	do {
		bool hangs = false;

		/* After a loss of the last one, too: what it made is removed. */
		result = supervise_one(suite, first, step, cookie, &hangs, err);
		if (result != 0)
			break;
		step(cookie, SUITE_RAN);
		first = suite->board->at + 1;
		n_hangs += hangs;
	} while (n_hangs < SUPERVISE_HANGS);
	if (result < 0)
		return -1;
	if (n_hangs == SUPERVISE_HANGS)
		supervise_skip_rest(suite, first, step, cookie);
	return 0;
}
