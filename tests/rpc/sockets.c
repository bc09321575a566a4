/* SPDX-License-Identifier: Apache-2.0 */
/* The socket's path: who is there, who takes over, and a process without descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "desk.h"
#include "raw.h"
#include "tests/test.h"

static struct desk desk;

static void the_socket_has_the_mode_it_was_given(void)
{
	struct stat there;

	desk_open(&desk, "mode", NULL);
	EQUAL(stat(desk.path, &there), 0);
	EQUAL(there.st_mode & 07777, 0600);
	OK(S_ISSOCK(there.st_mode));
	desk_close(&desk);
}

static void who_serves(struct desk *at, const char *wanted)
{
	const Csi__V1__GetPluginInfoResponse *info = NULL;

	WORKS(desk_info(at, &info, &test_error));
	if (info)
		SAME(info->name, wanted);
}

static void a_successor_takes_over_and_stays(void)
{
	struct desk successor;

	desk_open(&desk, "first", NULL);
	who_serves(&desk, "first");
	desk_open_at(&successor, "second", desk.path);
	who_serves(&successor, "second");
	/* The old connection still leads to the old server. */
	who_serves(&desk, "first");
	WORKS(rpc_server_stop(desk.server, 1000, &test_error));
	OK(access(desk.path, F_OK) == 0, "the successor's socket is gone");
	/* The client of the first finds the second. */
	who_serves(&desk, "second");
	WORKS(rpc_server_stop(successor.server, 1000, &test_error));
	OK(access(desk.path, F_OK) < 0, "the successor's socket is still there");
	desk_forget(&successor);
	desk_forget(&desk);
}

static void one_server_can_have_two_sockets(void)
{
	char second[128];

	desk_open(&desk, "two", NULL);
	snprintf(second, sizeof(second), "unix://%s/other.sock", desk.folder);
	WORKS(rpc_server_listen(desk.server, second, 0666, &test_error));
	rpc_client_release(&desk.client);
	WORKS(rpc_client_new(second, &desk.client, &test_error));
	who_serves(&desk, "two");
	desk_close(&desk);
	OK(access(second + strlen("unix://"), F_OK) < 0);
}

static void a_path_that_cannot_be_a_socket_is_refused(void)
{
	char path[256];

	desk_open(&desk, "path", NULL);
	FAILS(rpc_server_listen(desk.server, "tcp://localhost:80", 0600, &test_error), FL_INVALID);
	SAME(test_error.text,
	     "endpoint \"tcp://localhost:80\" is not unix:///absolute/path of a socket");
	FAILS(rpc_server_listen(desk.server, "", 0600, &test_error), FL_INVALID);
	FAILS(rpc_server_listen(desk.server, "unix:relative.sock", 0600, &test_error), FL_INVALID);
	FAILS(rpc_server_listen(desk.server, "unix:///tmp/", 0600, &test_error), FL_INVALID);
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	FAILS(rpc_server_listen(desk.server, path, 0600, &test_error), FL_INVALID);
	OK(strstr(test_error.text, "too long"), "%s", test_error.text);
	FAILS(rpc_server_listen(desk.server, "/tmp/no-such-folder-of-fairlead/csi.sock", 0600,
				&test_error),
	      FL_NOT_FOUND);
	desk_close(&desk);
}

static void a_file_at_the_path_is_left_alone(void)
{
	char path[128];

	desk_open(&desk, "file", NULL);
	snprintf(path, sizeof(path), "%s/data", desk.folder);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	OK(fd >= 0);
	close(fd);
	FAILS(rpc_server_listen(desk.server, path, 0600, &test_error), FL_EXISTS);
	OK(access(path, F_OK) == 0);
	unlink(path);
	desk_close(&desk);
}

static void a_client_without_a_server_fails_at_once(void)
{
	Csi__V1__ProbeRequest message = CSI__V1__PROBE_REQUEST__INIT;
	struct rpc_request request = { &csi__v1__identity__descriptor, "Probe", &message, 20000 };
	fl_cleanup(rpc_client_release) struct rpc_client *client = NULL;
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const void *answer;
	uint64_t start = fl_clock_us();

	WORKS(rpc_client_new("unix:///tmp/fairlead-nobody.sock", &client, &test_error));
	FAILS(rpc_client_call(client, arena, &request, &answer, &test_error), FL_UNAVAILABLE);
	SAME(test_error.text,
	     "no fairlead at unix:///tmp/fairlead-nobody.sock: it is not there; is "
	     "the service running?");
	OK(fl_clock_us() - start < 1000000);
}

/* What a server that was killed leaves behind. */
static void a_dead_socket_is_told_and_replaced(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	desk_open(&desk, "dead", NULL);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/dead.sock", desk.folder);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	close(fd);
	rpc_client_release(&desk.client);
	WORKS(rpc_client_new(address.sun_path, &desk.client, &test_error));
	FAILS(desk_probe(&desk, &test_error), FL_UNAVAILABLE);
	OK(strstr(test_error.text, "nobody listens there"), "%s", test_error.text);
	WORKS(rpc_server_listen(desk.server, address.sun_path, 0600, &test_error));
	who_serves(&desk, "dead");
	desk_close(&desk);
}

static volatile sig_atomic_t asked_to_go_on;

static void go_on(int signal)
{
	(void)signal;
	asked_to_go_on = 1;
}

static void limit_descriptors(rlim_t most)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = most ? most : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Serves at `path` with no descriptor left until SIGUSR1, then with all; ends with SIGTERM. */
static int starve(const char *path)
{
	struct desk starved;

	signal(SIGUSR1, go_on);
	desk_open_at(&starved, "starved", path);
	WORKS(desk_probe(&starved, &test_error));
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(lowest);
	limit_descriptors((rlim_t)lowest);
	if (write(STDOUT_FILENO, "starving\n", 9) != 9)
		return 1;
	while (!asked_to_go_on)
		fl_clock_sleep_ms(10);
	limit_descriptors(0);
	for (;;)
		pause();
}

static pid_t spawn_starving(const char *path, int *ret_output)
{
	char *argv[] = { (char *)"/proc/self/exe", (char *)"--starve", (char *)path, NULL };
	posix_spawn_file_actions_t actions;
	int output[2];
	pid_t pid = -1;

	OK(pipe2(output, O_CLOEXEC) == 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
	OK(posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) == 0);
	posix_spawn_file_actions_destroy(&actions);
	close(output[1]);
	*ret_output = output[0];
	return pid;
}

static void a_server_without_descriptors_recovers(void)
{
	char line[64] = "", path[] = "/tmp/fairlead-starved-XXXXXX";
	struct desk starved = { .name = "starved" };
	int output = -1;

	OK(mkdtemp(path) != NULL);
	snprintf(starved.path, sizeof(starved.path), "%s/csi.sock", path);
	pid_t pid = spawn_starving(starved.path, &output);
	OK(read(output, line, sizeof(line) - 1) > 0);
	SAME(line, "starving\n");
	WORKS(rpc_client_new(starved.path, &starved.client, &test_error));
	starved.arena = fl_arena_new(0);
	FAILS(desk_create(&starved, "early", 700, &test_error), FL_TIMEOUT);
	kill(pid, SIGUSR1);
	WORKS(desk_create(&starved, "late", 10000, &test_error));
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	close(output);
	rpc_client_release(&starved.client);
	fl_arena_release(&starved.arena);
	unlink(starved.path);
	rmdir(path);
}

static const struct test tests[] = {
	{ "the socket has the mode it was given", the_socket_has_the_mode_it_was_given },
	{ "a successor takes over and stays", a_successor_takes_over_and_stays },
	{ "one server can have two sockets", one_server_can_have_two_sockets },
	{ "a path that cannot be a socket is refused", a_path_that_cannot_be_a_socket_is_refused },
	{ "a file at the path is left alone", a_file_at_the_path_is_left_alone },
	{ "a client without a server fails at once", a_client_without_a_server_fails_at_once },
	{ "a dead socket is told and replaced", a_dead_socket_is_told_and_replaced },
	{ "a server without descriptors recovers", a_server_without_descriptors_recovers },
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--starve") == 0)
		return starve(argv[2]);
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
