/* SPDX-License-Identifier: Apache-2.0 */
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "proc_output.h"

#define PROC_MAX_OUTPUT ((size_t)16 << 20)
#define PROC_MAX_ERRORS ((size_t)64 << 10)
#define PROC_KILL_MS 2000 /* for how long a killed child is waited for */

static const char *const proc_folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };
static const char *const proc_environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
						NULL };

struct proc {
	const char *name;
	pid_t pid;
	int pid_fd;
	struct fl_proc_output output;
	struct fl_proc_output errors;
};

static void proc_release(struct proc *proc)
{
	fl_close(&proc->pid_fd);
	fl_proc_output_release(&proc->output);
	fl_proc_output_release(&proc->errors);
}

/* The program's path: posix_spawnp would use our PATH, not the one that is promised. */
static int proc_find(const struct fl_op *op, const char *name, const char **ret,
		     struct fl_error *err)
{
	*ret = name;
	if (strchr(name, '/') && access(name, X_OK) == 0)
		return 0;
	for (size_t i = 0; i < FL_COUNT(proc_folders) && !strchr(name, '/'); i++) {
		*ret = fl_arena_printf(op->arena, "%s/%s", proc_folders[i], name);
		if (access(*ret, X_OK) == 0)
			return 0;
	}
	return fl_error_set(err, FL_UNSUPPORTED, "%s is not installed", name);
}

/* Input lies in a memory file, so nobody has to feed a pipe while the output is read. */
static int proc_open_input(const void *input, size_t size, int *ret_fd, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = input ? memfd_create("input", MFD_CLOEXEC)
					    : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fl_error_sys(err, errno, "opening standard input");
	if (input && fl_file_write_all(fd, input, size, err) < 0)
		return -1;
	if (input && lseek(fd, 0, SEEK_SET) < 0)
		return fl_error_sys(err, errno, "rewinding standard input");
	*ret_fd = fl_take_fd(&fd);
	return 0;
}

/* What the program is given. */
struct proc_gift {
	const void *input; /* NULL: none */
	size_t input_size;
	int fd; /* it inherits as descriptor 3; -1: none */
};

/* `child` are the descriptors 0, 1, 2 and, unless it is -1, 3 of the child. */
static int proc_spawn(struct proc *proc, const char *path, const char *const argv[],
		      const int child[4])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int status = 0, n = child[3] < 0 ? 3 : 4;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	for (int i = 0; i < n && status == 0; i++)
		status = posix_spawn_file_actions_adddup2(&actions, child[i], i);
	/* Libraries may have opened something without close-on-exec. */
	if (status == 0)
		status = posix_spawn_file_actions_addclosefrom_np(&actions, n);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	if (status == 0)
		status = posix_spawn(&proc->pid, path, &actions, &attributes, (char *const *)argv,
				     (char *const *)proc_environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

static void *proc_reap(void *pid)
{
	while (waitpid((pid_t)(intptr_t)pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return NULL;
}

/* Kills the group and reaps its leader; one that the kernel does not let go is left to a thread. */
static void proc_kill(const struct proc *proc)
{
	struct pollfd ended = { .fd = proc->pid_fd, .events = POLLIN };
	struct timespec deadline = fl_clock_after_ms(PROC_KILL_MS);
	pthread_attr_t attributes;
	pthread_t thread;

	kill(-proc->pid, SIGKILL);
	while (waitpid(proc->pid, NULL, WNOHANG) == 0) {
		if (!fl_clock_passed(deadline)) {
			poll(&ended, proc->pid_fd >= 0 ? 1 : 0,
			     proc->pid_fd >= 0 ? (int)fl_clock_left_ms(deadline) : 10);
			continue;
		}
		pthread_attr_init(&attributes);
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		pthread_create(&thread, &attributes, proc_reap, (void *)(intptr_t)proc->pid);
		pthread_attr_destroy(&attributes);
		return;
	}
}

static int proc_start(struct proc *proc, const char *path, const char *const argv[],
		      const struct proc_gift *gift, struct fl_error *err)
{
	fl_cleanup(fl_close) int in = -1;
	fl_cleanup(fl_close) int out = -1;
	fl_cleanup(fl_close) int errors = -1;
	int status;

	if (proc_open_input(gift->input, gift->input_size, &in, err) < 0 ||
	    fl_proc_output_open(&proc->output, &out, err) < 0 ||
	    fl_proc_output_open(&proc->errors, &errors, err) < 0)
		return fl_error_prefix(err, "running %s", proc->name);
	status = proc_spawn(proc, path, argv, (const int[4]){ in, out, errors, gift->fd });
	if (status != 0)
		return fl_error_sys(err, status, "running %s", proc->name);
	proc->pid_fd = (int)syscall(SYS_pidfd_open, proc->pid, 0);
	if (proc->pid_fd < 0) {
		fl_error_sys(err, errno, "watching %s", proc->name);
		proc_kill(proc);
		return -1;
	}
	return 0;
}

/* Reads until the child has ended; -1 when it must be killed. */
static int proc_watch(const struct fl_op *op, struct proc *proc, struct fl_error *err)
{
	struct pollfd fds[3] = { { .events = POLLIN }, { .events = POLLIN }, { .events = POLLIN } };
	uint64_t left;
	int n;

	for (;;) {
		left = fl_clock_left_ms(op->deadline);
		if (left == 0)
			return fl_error_set(err, FL_TIMEOUT,
					    "%s did not end before the deadline and was killed",
					    proc->name);
		fds[0].fd = proc->pid_fd;
		fds[1].fd = proc->output.fd;
		fds[2].fd = proc->errors.fd;
		n = poll(fds, 3, left > 3600000 ? 3600000 : (int)left);
		if (n < 0 && errno != EINTR)
			return fl_error_sys(err, errno, "waiting for %s", proc->name);
		/* Also after its end: what it printed before is in the pipes now, whole. */
		if (fl_proc_output_read(&proc->output, err) < 0 ||
		    fl_proc_output_read(&proc->errors, err) < 0)
			return fl_error_prefix(err, "running %s", proc->name);
		if (proc->output.overflowed)
			return fl_error_set(err, FL_INTERNAL, "%s prints more than %zu MiB",
					    proc->name, PROC_MAX_OUTPUT >> 20);
		if (n > 0 && fds[0].revents)
			return 0;
	}
}

static int proc_exit_status(const struct proc *proc)
{
	int status = 0;

	while (waitpid(proc->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int proc_run(const struct fl_op *op, const char *const argv[], const struct proc_gift *gift,
		    struct fl_proc_result *ret, struct fl_error *err)
{
	fl_cleanup(proc_release) struct proc proc = {
		.name = argv[0],
		.pid_fd = -1,
		.output = { .fd = -1, .max = PROC_MAX_OUTPUT },
		.errors = { .fd = -1, .max = PROC_MAX_ERRORS },
	};
	const char *path;

	if (proc_find(op, argv[0], &path, err) < 0)
		return -1;
	if (fl_clock_passed(op->deadline))
		return fl_error_set(err, FL_TIMEOUT, "the deadline passed before %s was started",
				    argv[0]);
	if (proc_start(&proc, path, argv, gift, err) < 0)
		return -1;
	if (proc_watch(op, &proc, err) < 0) {
		proc_kill(&proc);
		return -1;
	}
	ret->exit_status = proc_exit_status(&proc);
	ret->output = fl_proc_output_text(op->arena, &proc.output);
	ret->output_size = proc.output.size;
	ret->errors = fl_proc_output_text(op->arena, &proc.errors);
	return 0;
}

int fl_proc_run(const struct fl_op *op, const char *const argv[], struct fl_proc_result *ret,
		struct fl_error *err)
{
	return proc_run(op, argv, &(struct proc_gift){ .fd = -1 }, ret, err);
}

int fl_proc_run_input(const struct fl_op *op, const char *const argv[], const void *input,
		      size_t input_size, struct fl_proc_result *ret, struct fl_error *err)
{
	return proc_run(op, argv, &(struct proc_gift){ input, input_size, -1 }, ret, err);
}

int fl_proc_run_with(const struct fl_op *op, const char *const argv[], int fd,
		     struct fl_proc_result *ret, struct fl_error *err)
{
	return proc_run(op, argv, &(struct proc_gift){ .fd = fd }, ret, err);
}

int fl_proc_check(const struct fl_op *op, const char *const argv[], struct fl_proc_result *ret,
		  struct fl_error *err)
{
	struct fl_proc_result result;
	const char *line;

	if (fl_proc_run(op, argv, &result, err) < 0)
		return -1;
	if (ret)
		*ret = result;
	if (result.exit_status == 0)
		return 0;
	line = result.errors + strspn(result.errors, "\n \t");
	if (!*line)
		return fl_error_set(err, FL_INTERNAL, "%s ended with status %d and said nothing",
				    argv[0], result.exit_status);
	return fl_error_set(err, FL_INTERNAL, "%s ended with status %d: %.*s", argv[0],
			    result.exit_status, (int)strcspn(line, "\n"), line);
}
