/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"

static struct fl_op op;

static void fresh_op(uint64_t ms)
{
	fl_arena_free(op.arena);
	op = (struct fl_op){ .id = "t",
			     .deadline = fl_clock_after_ms(ms),
			     .arena = fl_arena_new(0) };
}

/* What `sh -c SCRIPT` does. */
static struct fl_proc_result shell(const char *script)
{
	struct fl_proc_result result = { .exit_status = -1 };

	fresh_op(20000);
	WORKS(fl_proc_run(&op, (const char *const[]){ "sh", "-c", script, NULL }, &result,
			  &test_error));
	return result;
}

static void output_errors_and_status_come_back(void)
{
	struct fl_proc_result result = shell("echo out; echo err >&2; exit 3");

	EQUAL(result.exit_status, 3);
	SAME(result.output, "out\n");
	EQUAL(result.output_size, 4);
	SAME(result.errors, "err\n");
	result = shell("printf 'a\\0b'");
	EQUAL(result.exit_status, 0);
	EQUAL(result.output_size, 3);
	EQUAL(memcmp(result.output, "a\0b", 4), 0);
	SAME(result.errors, "");
}

static void arguments_are_passed_as_they_are(void)
{
	struct fl_proc_result result;

	fresh_op(20000);
	WORKS(fl_proc_run(&op,
			  (const char *const[]){ "printf", "%s|", "a b", "$HOME", "*", "", NULL },
			  &result, &test_error));
	SAME(result.output, "a b|$HOME|*||");
}

static void the_environment_is_ours_alone(void)
{
	setenv("FL_CANARY", "seen", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	/* "env" prints what it got; a shell would add its own. */
	fresh_op(20000);
	{
		struct fl_proc_result result;

		WORKS(fl_proc_run(&op, (const char *const[]){ "env", NULL }, &result, &test_error));
		SAME(result.output, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
	}
	unsetenv("FL_CANARY");
	unsetenv("LC_ALL");
}

static void programs_are_sought_in_the_promised_folders_only(void)
{
	char folder[] = "/tmp/fl-proc-XXXXXX", path[64];
	struct fl_proc_result result;
	int fd;

	OK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/fl-only-here", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	dprintf(fd, "#!/bin/sh\necho here\n");
	close(fd);
	setenv("PATH", folder, 1);
	fresh_op(20000);
	FAILS(fl_proc_run(&op, (const char *const[]){ "fl-only-here", NULL }, &result, &test_error),
	      FL_UNSUPPORTED);
	SAME(test_error.text, "fl-only-here is not installed");
	WORKS(fl_proc_run(&op, (const char *const[]){ path, NULL }, &result, &test_error));
	SAME(result.output, "here\n");
	WORKS(fl_proc_run(&op, (const char *const[]){ "true", NULL }, &result, &test_error));
	unlink(path);
	FAILS(fl_proc_run(&op, (const char *const[]){ path, NULL }, &result, &test_error),
	      FL_UNSUPPORTED);
	rmdir(folder);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
}

static void standard_input_is_empty_or_the_given_text(void)
{
	static char large[300000];
	struct fl_proc_result result = shell("cat; echo end");

	SAME(result.output, "end\n");
	fresh_op(20000);
	WORKS(fl_proc_run_input(&op, (const char *const[]){ "cat", NULL }, "hello", 5, &result,
				&test_error));
	SAME(result.output, "hello");
	/* More than pipes hold, both ways: nobody may wait for the other. */
	memset(large, 'x', sizeof(large));
	WORKS(fl_proc_run_input(&op, (const char *const[]){ "cat", NULL }, large, sizeof(large),
				&result, &test_error));
	EQUAL(result.output_size, sizeof(large));
	EQUAL(memcmp(result.output, large, sizeof(large)), 0);
	/* Unread input is no error. */
	WORKS(fl_proc_run_input(&op, (const char *const[]){ "true", NULL }, large, sizeof(large),
				&result, &test_error));
	EQUAL(result.exit_status, 0);
	WORKS(fl_proc_run_input(&op, (const char *const[]){ "cat", NULL }, "", 0, &result,
				&test_error));
	SAME(result.output, "");
}

static void descriptors_of_ours_do_not_leak(void)
{
	/* 3 is the folder that ls reads. */
	struct fl_proc_result result = shell("exec ls /proc/self/fd");

	SAME(result.output, "0\n1\n2\n3\n");
}

/* A process that the program leaves behind has it, too. */
static void a_given_descriptor_is_held_until_the_program_has_ended(void)
{
	char path[] = "/tmp/fairlead-proc.XXXXXX";
	fl_cleanup(fl_close) int given = mkostemp(path, O_CLOEXEC);
	fl_cleanup(fl_close) int other = open(path, O_RDONLY | O_CLOEXEC);
	struct fl_proc_result result = { .exit_status = -1 };

	fresh_op(20000);
	OK(given >= 0 && other >= 0 && unlink(path) == 0 && flock(given, LOCK_EX) == 0);
	WORKS(fl_proc_run_with(&op,
			       (const char *const[]){ "sh", "-c",
						      "ls /proc/self/fd; "
						      "sleep 1 <&- >&- 2>&- &",
						      NULL },
			       given, &result, &test_error));
	/* 4 is the folder that ls reads. */
	SAME(result.output, "0\n1\n2\n3\n4\n");
	fl_close(&given);
	OK(flock(other, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	OK(flock(other, LOCK_EX) == 0);
}

static void signals_are_as_at_the_start(void)
{
	unsigned long long blocked_there = 1, ignored_there = 1;
	sigset_t blocked, before;
	struct fl_proc_result result;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	signal(SIGPIPE, SIG_IGN);
	result = shell("grep -E '^Sig(Blk|Ign)' /proc/self/status");
	EQUAL(sscanf(result.output, "SigBlk: %llx SigIgn: %llx", &blocked_there, &ignored_there),
	      2);
	/* 32 and 33 belong to the C library, which leaves them as it found them. */
	EQUAL(blocked_there & ~0x180000000ULL, 0);
	EQUAL(ignored_there & ~0x180000000ULL, 0);
	signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void the_child_leads_a_group(void)
{
	struct fl_proc_result result = shell("echo $$; exec ps -o pgid= -p $$");
	long pid = 0, group = -1;

	EQUAL(sscanf(result.output, "%ld %ld", &pid, &group), 2);
	EQUAL(pid, group);
	OK(group != (long)getpgrp());
}

static void a_signal_is_a_status(void)
{
	EQUAL(shell("kill -TERM $$").exit_status, 128 + SIGTERM);
}

static void the_deadline_kills_the_whole_group(void)
{
	char path[] = "/tmp/fl-proc-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);
	struct fl_proc_result result;
	char script[200], text[64] = "";
	long grandchild = 0;
	uint64_t before = fl_clock_us();

	snprintf(script, sizeof(script), "trap '' TERM; sleep 600 & echo $! >%s; wait", path);
	fresh_op(300);
	FAILS(fl_proc_run(&op, (const char *const[]){ "sh", "-c", script, NULL }, &result,
			  &test_error),
	      FL_TIMEOUT);
	SAME(test_error.text, "sh did not end before the deadline and was killed");
	OK(fl_clock_us() - before < 5000000);
	OK(read(fd, text, sizeof(text) - 1) > 0 && sscanf(text, "%ld", &grandchild) == 1);
	for (int i = 0; i < 100 && kill((pid_t)grandchild, 0) == 0; i++)
		fl_clock_sleep_ms(10);
	snprintf(script, sizeof(script), "grep -s '^State:.[^Z]' /proc/%ld/status", grandchild);
	SAME(shell(script).output, "");
	close(fd);
	unlink(path);
}

static void nothing_starts_after_the_deadline(void)
{
	struct fl_proc_result result;

	fresh_op(0);
	FAILS(fl_proc_run(&op, (const char *const[]){ "touch", "/tmp/fl-proc-never", NULL },
			  &result, &test_error),
	      FL_TIMEOUT);
	OK(access("/tmp/fl-proc-never", F_OK) != 0);
}

static void who_prints_for_ever_does_not_outlive_the_deadline(void)
{
	struct fl_proc_result result;

	fresh_op(500);
	FAILS(fl_proc_run(&op, (const char *const[]){ "sh", "-c", "exec yes >&2", NULL }, &result,
			  &test_error),
	      FL_TIMEOUT);
}

static void output_has_a_limit(void)
{
	struct fl_proc_result result;

	fresh_op(20000);
	FAILS(fl_proc_run(&op, (const char *const[]){ "yes", NULL }, &result, &test_error),
	      FL_INTERNAL);
	SAME(test_error.text, "yes prints more than 16 MiB");
	result = shell("head -c 16777216 /dev/zero");
	EQUAL(result.output_size, 16777216);
	/* Of errors the first part is kept, and the rest harms nobody. */
	result = shell("head -c 1000000 /dev/zero | tr '\\0' e >&2; echo done");
	EQUAL(strlen(result.errors), 65536);
	SAME(result.output, "done\n");
}

static void a_process_left_behind_is_not_waited_for(void)
{
	uint64_t before = fl_clock_us();
	struct fl_proc_result result = shell("sleep 30 & echo $!");
	int pid = 0;

	EQUAL(result.exit_status, 0);
	OK(fl_clock_us() - before < 10000000);
	OK(sscanf(result.output, "%d", &pid) == 1 && kill(pid, SIGKILL) == 0);
}

static void no_child_is_left_unreaped(void)
{
	struct fl_proc_result result;

	shell("true");
	fresh_op(100);
	FAILS(fl_proc_run(&op, (const char *const[]){ "sleep", "10", NULL }, &result, &test_error),
	      FL_TIMEOUT);
	OK(waitpid(-1, NULL, WNOHANG) == -1, "there is a child");
}

static void check_makes_a_status_an_error(void)
{
	struct fl_proc_result result;

	fresh_op(20000);
	WORKS(fl_proc_check(&op, (const char *const[]){ "true", NULL }, NULL, &test_error));
	WORKS(fl_proc_check(&op, (const char *const[]){ "echo", "x", NULL }, &result, &test_error));
	SAME(result.output, "x\n");
	FAILS(fl_proc_check(&op,
			    (const char *const[]){
				    "sh", "-c",
				    "echo >&2; echo '  first' >&2; echo second >&2; exit 7", NULL },
			    &result, &test_error),
	      FL_INTERNAL);
	SAME(test_error.text, "sh ended with status 7: first");
	EQUAL(result.exit_status, 7);
	FAILS(fl_proc_check(&op, (const char *const[]){ "false", NULL }, NULL, &test_error),
	      FL_INTERNAL);
	SAME(test_error.text, "false ended with status 1 and said nothing");
	FAILS(fl_proc_check(&op, (const char *const[]){ "fl-no-such", NULL }, NULL, &test_error),
	      FL_UNSUPPORTED);
}

static const struct test tests[] = {
	{ "output, errors and status come back", output_errors_and_status_come_back },
	{ "arguments are passed as they are", arguments_are_passed_as_they_are },
	{ "the environment is ours alone", the_environment_is_ours_alone },
	{ "programs are sought in the promised folders only",
	  programs_are_sought_in_the_promised_folders_only },
	{ "standard input is empty or the given text", standard_input_is_empty_or_the_given_text },
	{ "descriptors of ours do not leak", descriptors_of_ours_do_not_leak },
	{ "a given descriptor is held until the program has ended",
	  a_given_descriptor_is_held_until_the_program_has_ended },
	{ "signals are as at the start", signals_are_as_at_the_start },
	{ "the child leads a group", the_child_leads_a_group },
	{ "a signal is a status", a_signal_is_a_status },
	{ "the deadline kills the whole group", the_deadline_kills_the_whole_group },
	{ "nothing starts after the deadline", nothing_starts_after_the_deadline },
	{ "who prints for ever does not outlive the deadline",
	  who_prints_for_ever_does_not_outlive_the_deadline },
	{ "output has a limit", output_has_a_limit },
	{ "a process left behind is not waited for", a_process_left_behind_is_not_waited_for },
	{ "no child is left unreaped", no_child_is_left_unreaped },
	{ "check makes a status an error", check_makes_a_status_an_error },
};

int main(int argc, char **argv)
{
	int status = test_run(tests, FL_COUNT(tests), argc, argv);

	fl_arena_free(op.arena);
	return status;
}
