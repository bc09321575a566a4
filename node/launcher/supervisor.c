/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "exit.h"

#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 10000
#define STEADY_US 1000000   /* a launcher that has lived this long is no start that fails */
#define KILL_GRACE_MS 30000 /* after the guest's time: quitting, flushing */
#define FINISH_MS 20000     /* for the launcher to release disks after QEMU's end */
#define LONG_MS 3600000

struct supervisor {
	const struct supervisor_input *input;
	sigset_t signals;
	pid_t qemu, launcher; /* -1: not running */
	int qemu_status, launcher_exit;
	bool stopping, killed;
	struct timespec kill_at;   /* when stopping */
	struct timespec finish_at; /* when QEMU has ended */
	struct timespec start_at;  /* of the next launcher */
	uint64_t started_us, pause_ms;
};

/* For people, and qemu.pid also for the launcher: it is there exactly as long as QEMU runs. */
static int supervisor_write_pid(int dir_fd, const char *name, pid_t pid, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", (int)pid);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		return fl_error_sys(err, errno, "writing %s", name);
	return 0;
}

/* In the child: only calls that are safe after fork. */
static void supervisor_exec(const char *const argv[], pid_t parent, bool is_qemu, int lock_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	/* A terminal's ^C is for the supervisor alone. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(null, STDIN_FILENO);
	sigemptyset(&none);
	/* A launcher keeps the signals blocked until it listens, so that none is lost. */
	if (is_qemu)
		sigprocmask(SIG_SETMASK, &none, NULL);
	if (is_qemu)
		fcntl(lock_fd, F_SETFD, 0);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

static int supervisor_spawn(const struct supervisor *s, const char *const argv[], bool is_qemu,
			    pid_t *ret, struct fl_error *err)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return fl_error_sys(err, errno, "starting %s", argv[0]);
	if (pid == 0)
		supervisor_exec(argv, parent, is_qemu, s->input->lock_fd);
	*ret = pid;
	return 0;
}

static int supervisor_start_qemu(struct supervisor *s, struct fl_error *err)
{
	if (supervisor_spawn(s, s->input->qemu, true, &s->qemu, err) < 0)
		return -1;
	if (supervisor_write_pid(s->input->dir_fd, "qemu.pid", s->qemu, err) == 0)
		return 0;
	kill(s->qemu, SIGKILL);
	while (waitpid(s->qemu, &s->qemu_status, 0) < 0 && errno == EINTR)
		;
	return -1;
}

static void supervisor_start_launcher(struct supervisor *s)
{
	struct fl_error err = { .code = FL_OK };

	s->start_at = fl_clock_after_ms(s->pause_ms);
	s->started_us = fl_clock_us();
	if (supervisor_spawn(s, s->input->launcher, false, &s->launcher, &err) < 0 ||
	    supervisor_write_pid(s->input->dir_fd, "launcher.pid", s->launcher, &err) < 0)
		fl_log(FL_LOG_ERROR, "supervisor", "%s", err.text);
	if (s->stopping && s->launcher > 0)
		kill(s->launcher, SIGTERM);
}

static void supervisor_qemu_ended(struct supervisor *s, int status)
{
	s->qemu = -1;
	s->qemu_status = status;
	s->finish_at = fl_clock_after_ms(FINISH_MS);
	s->start_at = fl_clock_after_ms(0);
	if (unlinkat(s->input->dir_fd, "qemu.pid", 0) < 0)
		fl_log(FL_LOG_ERROR, "supervisor", "qemu.pid: %s", strerror(errno));
	if (WIFEXITED(status))
		fl_log(FL_LOG_INFO, "supervisor", "QEMU of VM %s has ended with status %d",
		       s->input->name, WEXITSTATUS(status));
	else
		fl_log(FL_LOG_ERROR, "supervisor", "QEMU of VM %s was ended by signal %d",
		       s->input->name, WTERMSIG(status));
}

static void supervisor_launcher_ended(struct supervisor *s, int status)
{
	s->launcher = -1;
	s->launcher_exit = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_LAUNCHER_FAULT;
	if (s->qemu < 0 && (s->launcher_exit == EXIT_LAUNCHER_DONE ||
			    s->launcher_exit == EXIT_LAUNCHER_NOT_STARTED))
		return;
	if (fl_clock_us() - s->started_us > STEADY_US)
		s->pause_ms = PAUSE_FIRST_MS;
	s->start_at = fl_clock_after_ms(s->pause_ms);
	fl_log(FL_LOG_WARNING, "supervisor",
	       "the launcher of VM %s has ended (%s %d) and is started again in %d ms",
	       s->input->name, WIFEXITED(status) ? "status" : "signal",
	       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), (int)s->pause_ms);
	s->pause_ms = s->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : s->pause_ms * 2;
}

static void supervisor_reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	/* As the first process of a container we get strangers' children too. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->qemu)
			supervisor_qemu_ended(s, status);
		else if (pid == s->launcher)
			supervisor_launcher_ended(s, status);
	}
}

static void supervisor_stop(struct supervisor *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->kill_at = fl_clock_after_ms(s->input->stop_timeout_ms + KILL_GRACE_MS);
	fl_log(FL_LOG_INFO, "supervisor", "VM %s is being stopped", s->input->name);
	if (s->launcher > 0)
		kill(s->launcher, SIGTERM);
}

static void supervisor_kill_qemu(struct supervisor *s)
{
	if (s->qemu < 0 || s->killed)
		return;
	s->killed = true;
	fl_log(FL_LOG_ERROR, "supervisor", "QEMU of VM %s is killed", s->input->name);
	kill(s->qemu, SIGKILL);
}

static void supervisor_signal(struct supervisor *s, int number)
{
	switch (number) {
	case SIGCHLD:
		supervisor_reap(s);
		break;
	case SIGTERM:
	case SIGINT:
		supervisor_stop(s);
		break;
	case SIGUSR1:
		supervisor_kill_qemu(s);
		break;
	}
}

/* What a deadline asks for, and until when there is nothing to do. */
static struct timespec supervisor_due(struct supervisor *s)
{
	struct timespec next = fl_clock_after_ms(LONG_MS);

	if (s->stopping && s->qemu > 0 && fl_clock_passed(s->kill_at))
		supervisor_kill_qemu(s);
	if (s->qemu < 0 && s->launcher > 0 && fl_clock_passed(s->finish_at))
		kill(s->launcher, SIGKILL);
	if (s->launcher < 0 && fl_clock_passed(s->start_at))
		supervisor_start_launcher(s);
	if (s->launcher < 0)
		next = fl_clock_earlier(next, s->start_at);
	if (s->stopping && s->qemu > 0 && !s->killed)
		next = fl_clock_earlier(next, s->kill_at);
	if (s->qemu < 0)
		next = fl_clock_earlier(next, s->finish_at);
	return next;
}

static bool supervisor_is_over(const struct supervisor *s)
{
	return s->qemu < 0 && s->launcher < 0 &&
	       (s->launcher_exit == EXIT_LAUNCHER_DONE ||
		s->launcher_exit == EXIT_LAUNCHER_NOT_STARTED || fl_clock_passed(s->finish_at));
}

static void supervisor_hold(struct supervisor *s)
{
	while (!supervisor_is_over(s)) {
		uint64_t ms = fl_clock_left_ms(supervisor_due(s)) + 1;
		struct timespec wait = { .tv_sec = (time_t)(ms / 1000),
					 .tv_nsec = (long)(ms % 1000) * 1000000 };
		int number = sigtimedwait(&s->signals, NULL, &wait);

		if (number > 0)
			supervisor_signal(s, number);
	}
}

int supervisor_run(const struct supervisor_input *input, struct supervisor_end *ret,
		   struct fl_error *err)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGCHLD, SIGUSR1 };
	struct supervisor s = {
		.input = input,
		.qemu = -1,
		.launcher = -1,
		.launcher_exit = EXIT_LAUNCHER_FAULT,
		.pause_ms = PAUSE_FIRST_MS,
	};

	sigemptyset(&s.signals);
	for (size_t i = 0; i < FL_COUNT(numbers); i++)
		sigaddset(&s.signals, numbers[i]);
	sigprocmask(SIG_BLOCK, &s.signals, NULL);
	if (supervisor_write_pid(input->dir_fd, "supervisor.pid", getpid(), err) < 0 ||
	    supervisor_start_qemu(&s, err) < 0)
		return -1;
	supervisor_start_launcher(&s);
	supervisor_hold(&s);
	*ret = (struct supervisor_end){ s.qemu_status, s.launcher_exit };
	return 0;
}
