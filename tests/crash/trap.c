/* SPDX-License-Identifier: Apache-2.0 */
#include "trap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "syscalls.h"

#define TRAP_MAX_CALLS 64
#define TRAP_MAX_LISTENERS 64
/* How long an orphan of the killed program stands still, so that it meets the successor. */
#define TRAP_HOLD_MS 20

static struct {
	const char *root;
	pthread_t thread;
	int control[2]; /* a listener's descriptor, or -1 for the end */
	struct pollfd fds[1 + TRAP_MAX_LISTENERS];
	size_t n_fds;

	pthread_mutex_t lock; /* guards what follows */
	pid_t program;
	int current; /* the listener of the program that was spawned last */
	struct trap_plan plan;
	struct trap_count count;
	struct {
		int listener;
		uint64_t id; /* 0: none is held */
		struct timespec until;
	} held;
} trap = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void trap_answer(int listener, uint64_t id, int error)
{
	struct seccomp_notif_resp answer = {
		.id = id,
		.error = -error,
		.flags = error ? 0u : (__u32)SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};

	/* ENOENT: whoever asked is dead. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static bool trap_is_program(pid_t thread)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", trap.program, thread);
	return access(path, F_OK) == 0;
}

/* Decides about one call; true when it has its answer or needs none. */
static bool trap_decide_locked(int listener, const struct seccomp_notif *notif)
{
	const struct trap_plan *plan = &trap.plan;
	char what[sizeof(trap.count.what)];
	bool of_child;

	if (listener != trap.current || !plan->classes ||
	    !syscall_match(notif, plan->classes, trap.root, what, sizeof(what)))
		return false;
	of_child = !trap_is_program((pid_t)notif->pid);
	if (of_child && plan->program_only)
		return false;
	trap.count.n++;
	if (plan->kind == TRAP_NONE || trap.count.n != plan->call)
		return false;
	trap.count.hit = true;
	trap.count.of_child = of_child;
	memcpy(trap.count.what, what, sizeof(what));
	if (plan->kind == TRAP_FAIL) {
		trap_answer(listener, notif->id, plan->error);
		return true;
	}
	kill(trap.program, SIGKILL);
	if (of_child) {
		trap.held.listener = listener;
		trap.held.id = notif->id;
		trap.held.until = fl_clock_after_ms(TRAP_HOLD_MS);
	}
	return true;
}

static void trap_serve(int listener)
{
	struct seccomp_notif notif = { 0 };
	bool decided;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notif) < 0)
		return;
	pthread_mutex_lock(&trap.lock);
	decided = trap_decide_locked(listener, &notif);
	pthread_mutex_unlock(&trap.lock);
	if (!decided)
		trap_answer(listener, notif.id, 0);
}

/* Lets the orphan go on, in time or when its time has come; how long it still may stand still. */
static int trap_let_go(void)
{
	int left = -1;

	pthread_mutex_lock(&trap.lock);
	if (trap.held.id) {
		left = (int)fl_clock_left_ms(trap.held.until);
		if (left == 0) {
			trap_answer(trap.held.listener, trap.held.id, 0);
			trap.held.id = 0;
			left = -1;
		}
	}
	pthread_mutex_unlock(&trap.lock);
	return left;
}

static void trap_forget(size_t i)
{
	pthread_mutex_lock(&trap.lock);
	if (trap.held.id && trap.held.listener == trap.fds[i].fd)
		trap.held.id = 0;
	if (trap.current == trap.fds[i].fd)
		trap.current = -1;
	pthread_mutex_unlock(&trap.lock);
	close(trap.fds[i].fd);
	trap.fds[i] = trap.fds[--trap.n_fds];
}

static void *trap_run(void *cookie)
{
	int listener;

	(void)cookie;
	trap.fds[0] = (struct pollfd){ .fd = trap.control[0], .events = POLLIN };
	trap.n_fds = 1;
	for (;;) {
		if (poll(trap.fds, trap.n_fds, trap_let_go()) < 0)
			continue;
		for (size_t i = trap.n_fds; i-- > 1;) {
			if (trap.fds[i].revents & POLLIN)
				trap_serve(trap.fds[i].fd);
			else if (trap.fds[i].revents)
				trap_forget(i);
		}
		if (!(trap.fds[0].revents & POLLIN))
			continue;
		if (read(trap.control[0], &listener, sizeof(listener)) < 0 || listener < 0)
			return NULL;
		if (trap.n_fds <= TRAP_MAX_LISTENERS)
			trap.fds[trap.n_fds++] =
				(struct pollfd){ .fd = listener, .events = POLLIN };
	}
}

/* In the child: installs the filter; returns its listener. */
static int trap_install(void)
{
	struct sock_filter filter[2 * TRAP_MAX_CALLS + 2];
	unsigned numbers[TRAP_MAX_CALLS];
	size_t n_calls = syscall_numbers(~0u, numbers, TRAP_MAX_CALLS);
	unsigned short n = 0;
	struct sock_fprog program = { .filter = filter };

	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < n_calls; i++) {
		filter[n++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

/* A descriptor over a socket: the filter already stops much of what else could bring it across. */
static bool trap_send(int socket, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec byte = { "", 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1;
}

static int trap_receive(int socket)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte;
	struct iovec room = { &byte, 1 };
	struct msghdr message = { .msg_iov = &room,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	const struct cmsghdr *head;
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1) {
		head = CMSG_FIRSTHDR(&message);
		if (head && head->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	}
	return fd;
}

/* Between fork and exec: only what is safe there. */
static void trap_exec(const char *const argv[], const char *log, int socket)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	/* A test that bails out leaves nobody behind. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(126);
	fd = trap_install();
	if (fd < 0 || !trap_send(socket, fd))
		_exit(126);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

pid_t trap_spawn(const char *const argv[], const char *log)
{
	int sockets[2], listener;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		trap_exec(argv, log, sockets[1]);
	close(sockets[1]);
	listener = pid < 0 ? -1 : trap_receive(sockets[0]);
	close(sockets[0]);
	if (listener < 0)
		return -1;
	pthread_mutex_lock(&trap.lock);
	trap.program = pid;
	trap.current = listener;
	pthread_mutex_unlock(&trap.lock);
	if (write(trap.control[1], &listener, sizeof(listener)) != sizeof(listener))
		return -1;
	return pid;
}

bool trap_open(const char *root)
{
	static const char *const argv[] = { "/bin/true", NULL };
	pid_t probe;

	trap.root = root;
	trap.current = -1;
	if (pipe2(trap.control, O_CLOEXEC) < 0 ||
	    pthread_create(&trap.thread, NULL, trap_run, NULL) != 0)
		return false;
	probe = trap_spawn(argv, "/dev/null");
	if (probe < 0) {
		printf("# seccomp's user notification is not to be had here\n");
		return false;
	}
	return true;
}

void trap_close(void)
{
	int end = -1;

	if (write(trap.control[1], &end, sizeof(end)) == sizeof(end))
		pthread_join(trap.thread, NULL);
	for (size_t i = 1; i < trap.n_fds; i++)
		close(trap.fds[i].fd);
	close(trap.control[0]);
	close(trap.control[1]);
}

void trap_arm(const struct trap_plan *plan)
{
	pthread_mutex_lock(&trap.lock);
	trap.plan = *plan;
	trap.count = (struct trap_count){ 0 };
	pthread_mutex_unlock(&trap.lock);
}

struct trap_count trap_look(void)
{
	struct trap_count count;

	pthread_mutex_lock(&trap.lock);
	count = trap.count;
	pthread_mutex_unlock(&trap.lock);
	return count;
}

struct trap_count trap_disarm(void)
{
	struct trap_count count = trap_look();
	static const struct trap_plan nothing = { TRAP_NONE, 0, false, 0, 0 };

	trap_arm(&nothing);
	return count;
}
