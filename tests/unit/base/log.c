/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/test.h"

/* What was written to standard error between these two.  A socket of datagrams keeps the borders
 * between write(2)s, so that one can see how many there were. */
static int capture_socket[2];
static int capture_saved;

static void capture_begin(void)
{
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, capture_socket) < 0)
		abort();
	capture_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(capture_socket[1], STDERR_FILENO);
}

/* The next thing written, or "" when there is none. */
static const char *captured(void)
{
	static char text[8192];
	ssize_t n = recv(capture_socket[0], text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void capture_end(void)
{
	dup2(capture_saved, STDERR_FILENO);
	close(capture_saved);
	close(capture_socket[0]);
	close(capture_socket[1]);
}

/* The line behind its time stamp. */
static const char *behind_time(const char *line)
{
	const char *space = strchr(line, ' ');

	return space ? space + 1 : line;
}

static void a_line_is_one_write(void)
{
	struct fl_log_line line;
	const char *got;
	int year, month, day, hour, minute, second, ms, length = 0;

	capture_begin();
	fl_log_begin(&line, FL_LOG_INFO, "rpc");
	fl_log_text(&line, "method", "CreateVolume");
	fl_log_number(&line, "ms", 12);
	fl_log_number(&line, "left", INT64_MIN);
	fl_log_end(&line);
	got = captured();
	SAME(behind_time(got),
	     "level=info event=rpc method=CreateVolume ms=12 left=-9223372036854775808\n");
	EQUAL(sscanf(got, "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour,
		     &minute, &second, &ms, &length),
	      7);
	EQUAL(length, strlen("time=2026-01-02T03:04:05.678Z "));
	SAME(captured(), "");
	capture_end();
}

static void values_are_quoted_where_they_must(void)
{
	static const struct {
		const char *value;
		const char *written;
	} cases[] = {
		{ "plain-1./:,x", "plain-1./:,x" },
		{ "", "\"\"" },
		{ NULL, "" },
		{ "two words", "\"two words\"" },
		{ "a=b", "\"a=b\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "a\nlevel=error", "\"a\\nlevel=error\"" },
		{ "\x1b[31m\t", "\"\\x1b[31m\\x09\"" },
		{ "größe €😀", "\"größe €😀\"" },
		{ "bad \xff\xc3", "\"bad \\xff\\xc3\"" },
		{ "\xc2\x80", "\"\\xc2\\x80\"" },
	};

	capture_begin();
	for (size_t i = 0; i < FL_COUNT(cases); i++) {
		struct fl_log_line line;
		char wanted[200];

		fl_log_begin(&line, FL_LOG_WARNING, "e");
		fl_log_text(&line, "k", cases[i].value);
		fl_log_end(&line);
		snprintf(wanted, sizeof(wanted), "level=warning event=e k=%s\n", cases[i].written);
		SAME(behind_time(captured()), wanted);
	}
	capture_end();
}

static void lines_below_the_level_are_dropped(void)
{
	struct fl_log_line line;

	capture_begin();
	fl_log(FL_LOG_DEBUG, "e", "not at the start");
	SAME(captured(), "");
	fl_log_set_level(FL_LOG_ERROR);
	fl_log_begin(&line, FL_LOG_WARNING, "e");
	fl_log_text(&line, "k", "v");
	fl_log_end(&line);
	fl_log(FL_LOG_WARNING, "e", "no");
	SAME(captured(), "");
	fl_log(FL_LOG_ERROR, "e", "yes");
	SAME(behind_time(captured()), "level=error event=e message=yes\n");
	fl_log_set_level(FL_LOG_DEBUG);
	fl_log(FL_LOG_DEBUG, "e", "%s %d", "now", 1);
	SAME(behind_time(captured()), "level=debug event=e message=\"now 1\"\n");
	fl_log_set_level(FL_LOG_INFO);
	capture_end();
}

static void levels_have_words(void)
{
	enum fl_log_level level = FL_LOG_ERROR;

	WORKS(fl_log_parse_level("debug", &level, &test_error));
	EQUAL(level, FL_LOG_DEBUG);
	WORKS(fl_log_parse_level("info", &level, &test_error));
	EQUAL(level, FL_LOG_INFO);
	WORKS(fl_log_parse_level("warning", &level, &test_error));
	EQUAL(level, FL_LOG_WARNING);
	WORKS(fl_log_parse_level("error", &level, &test_error));
	EQUAL(level, FL_LOG_ERROR);
	FAILS(fl_log_parse_level("loud", &level, &test_error), FL_INVALID);
	SAME(test_error.text, "log level \"loud\" is none of debug, info, warning, error");
	EQUAL(level, FL_LOG_ERROR);
}

static void an_error_is_two_pairs(void)
{
	struct fl_log_line line;
	struct fl_error err;

	capture_begin();
	fl_error_set(&err, FL_NOT_FOUND, "volume a is not there");
	fl_log_begin(&line, FL_LOG_INFO, "rpc");
	fl_log_error(&line, &err);
	fl_log_end(&line);
	SAME(behind_time(captured()),
	     "level=info event=rpc code=NOT_FOUND error=\"volume a is not there\"\n");
	capture_end();
}

static void a_long_line_is_cut_at_4_kib_and_stays_one_line(void)
{
	struct fl_log_line line;
	char text[6000];
	const char *got;
	size_t n;

	capture_begin();
	for (size_t size = 3900; size < 4200; size++) {
		memset(text, 'x', size);
		text[0] = ' ';
		text[size] = '\0';
		fl_log_begin(&line, FL_LOG_INFO, "e");
		fl_log_text(&line, "k", text);
		fl_log_text(&line, "next", "v");
		fl_log_end(&line);
		got = captured();
		n = strlen(got);
		OK(n > 0 && n <= 4096, "%zu", n);
		OK(got[n - 1] == '\n' && !memchr(got, '\n', n - 1));
		OK(strstr(got, "next=v\n") || strstr(got, "x\"\n") || strstr(got, "...\"\n"),
		   "size %zu ends with %s", size, got + n - 20);
	}
	memset(text, 'p', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fl_log(FL_LOG_INFO, "e", "%s", text);
	got = captured();
	OK(strlen(got) <= 4096 && strstr(got, "ppp...\"\n"));
	capture_end();
}

static void logging_keeps_errno(void)
{
	capture_begin();
	errno = ERANGE;
	fl_log(FL_LOG_INFO, "e", "x");
	EQUAL(errno, ERANGE);
	close(STDERR_FILENO);
	fl_log(FL_LOG_INFO, "e", "nobody hears it");
	EQUAL(errno, ERANGE);
	capture_end();
}

static void *log_many(void *word)
{
	for (int i = 0; i < 200; i++)
		fl_log(FL_LOG_INFO, "thread", "%s %s %s", (char *)word, (char *)word, (char *)word);
	return NULL;
}

static void lines_of_threads_do_not_mix(void)
{
	static const char *const words[] = { "aaaa", "bbbb", "cccc" };
	char path[] = "/tmp/fl-log-XXXXXX", text[256];
	int fd = mkostemp(path, O_CLOEXEC | O_APPEND);
	pthread_t threads[3];
	size_t lines = 0;
	FILE *file;

	unlink(path);
	capture_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(fd, STDERR_FILENO);
	for (size_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, log_many, (void *)words[i]);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	dup2(capture_saved, STDERR_FILENO);
	close(capture_saved);
	lseek(fd, 0, SEEK_SET);
	file = fdopen(fd, "r");
	while (fgets(text, sizeof(text), file)) {
		lines++;
		OK(strstr(text, "message=\"aaaa aaaa aaaa\"\n") ||
			   strstr(text, "message=\"bbbb bbbb bbbb\"\n") ||
			   strstr(text, "message=\"cccc cccc cccc\"\n"),
		   "%s", text);
	}
	EQUAL(lines, 600);
	fclose(file);
}

static const struct test tests[] = {
	{ "a line is one write", a_line_is_one_write },
	{ "values are quoted where they must", values_are_quoted_where_they_must },
	{ "lines below the level are dropped", lines_below_the_level_are_dropped },
	{ "levels have words", levels_have_words },
	{ "an error is two pairs", an_error_is_two_pairs },
	{ "a long line is cut at 4 KiB and stays one line",
	  a_long_line_is_cut_at_4_kib_and_stays_one_line },
	{ "logging keeps errno", logging_keeps_errno },
	{ "lines of threads do not mix", lines_of_threads_do_not_mix },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
