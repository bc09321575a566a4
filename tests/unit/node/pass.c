/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pass.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/test.h"

static struct fl_arena *arena;
static char directory[] = "/tmp/fairlead-pass.XXXXXX";
static int state_fd;

static const struct fl_pair source[] = { { "source", "file" }, { "path", "/images/a" } };

static struct pass make_pass(const char *target)
{
	struct pass pass = { .volume = "default/n1/a",
			     .vm = "web1",
			     .image = "12.34.5",
			     .source = source,
			     .n_source = FL_COUNT(source) };
	struct pass ret;

	WORKS(pass_new_token(arena, &pass.token, &test_error));
	WORKS(pass_with_target(arena, &pass, target, &ret, &test_error));
	return ret;
}

static void a_stored_pass_is_loaded(void)
{
	struct pass pass = make_pass("/t/1");
	struct pass got;
	bool found;

	WORKS(pass_load(arena, state_fd, pass.volume, &found, &got, &test_error));
	OK(!found);
	WORKS(pass_store(arena, state_fd, &pass, &test_error));
	WORKS(pass_load(arena, state_fd, pass.volume, &found, &got, &test_error));
	OK(found);
	SAME(got.vm, "web1");
	SAME(got.token, pass.token);
	SAME(got.image, pass.image);
	SAME(got.targets.items[0], "/t/1");
	SAME(fl_pair_get(got.source, got.n_source, "path"), "/images/a");
	WORKS(pass_forget(state_fd, pass.volume, &test_error));
	WORKS(pass_forget(state_fd, pass.volume, &test_error));
	WORKS(pass_load(arena, state_fd, pass.volume, &found, &got, &test_error));
	OK(!found);
}

static void targets_come_and_go(void)
{
	struct pass pass = make_pass("/t/1");
	struct pass two, one;

	WORKS(pass_with_target(arena, &pass, "/t/1", &two, &test_error));
	EQUAL(two.targets.n, 1);
	WORKS(pass_with_target(arena, &pass, "/t/2", &two, &test_error));
	EQUAL(two.targets.n, 2);
	one = pass_without_target(arena, &two, "/t/1");
	EQUAL(one.targets.n, 1);
	OK(pass_has_target(&one, "/t/2") && !pass_has_target(&one, "/t/1"));
	for (int i = 0; i < PASS_TARGETS_MAX - 1; i++)
		WORKS(pass_with_target(arena, &one, fl_arena_printf(arena, "/more/%d", i), &one,
				       &test_error));
	FAILS(pass_with_target(arena, &one, "/too/many", &one, &test_error), FL_IN_USE);
}

static void tokens_differ_and_compare(void)
{
	struct pass a = make_pass("/t"), b = make_pass("/t");

	EQUAL(strlen(a.token), PASS_TOKEN_LENGTH);
	OK(strcmp(a.token, b.token) != 0);
	OK(pass_token_is(&a, a.token));
	OK(!pass_token_is(&a, b.token) && !pass_token_is(&a, "") && !pass_token_is(&a, "abc"));
}

static void damaged_texts_are_refused(void)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"null",
		"{\"volume\": \"a\", \"vm\": \"b\", \"token\": \"short\"}",
		"{\"volume\": 1, \"vm\": \"b\", \"token\": \"c\"}",
		"{\"volume\":\"a\",\"vm\":\"b\",\"image\":\"1.2.3\",\"token\":"
		"\"0123456789012345678901234567890123456789012345678901234567890123\","
		"\"targets\":[\"relative\"],\"source\":{}}",
		"{\"volume\":\"a\",\"vm\":\"b\",\"image\":\"1.2.3\",\"token\":"
		"\"0123456789012345678901234567890123456789012345678901234567890123\","
		"\"targets\":[],\"source\":{\"a\":1}}",
		"{\"volume\":\"a\",\"vm\":\"b\",\"token\":"
		"\"0123456789012345678901234567890123456789012345678901234567890123\","
		"\"targets\":[],\"source\":{}}",
	};
	struct pass pass;

	for (size_t i = 0; i < FL_COUNT(texts); i++)
		FAILS(pass_parse(arena, texts[i], strlen(texts[i]), &pass, &test_error),
		      FL_INTERNAL);
}

static void a_pass_replaces_only_its_own_kind(void)
{
	const char *target = fl_arena_printf(arena, "%s/pass", directory);
	struct pass first = make_pass(target), second = make_pass(target);
	struct stat st;
	bool is_pass;
	int fd;

	WORKS(pass_is_at(arena, target, first.volume, &is_pass, &test_error));
	OK(!is_pass);
	WORKS(pass_publish(arena, &first, target, &test_error));
	WORKS(pass_publish(arena, &first, target, &test_error));
	WORKS(pass_publish(arena, &second, target, &test_error));
	OK(stat(target, &st) == 0 && (st.st_mode & 07777) == 0600);
	WORKS(pass_is_at(arena, target, first.volume, &is_pass, &test_error));
	OK(is_pass);
	WORKS(pass_is_at(arena, target, "default/n1/b", &is_pass, &test_error));
	OK(!is_pass, "another volume's");
	fd = open(target, O_WRONLY | O_TRUNC | O_CLOEXEC);
	OK(write(fd, "text", 4) == 4);
	fl_close(&fd);
	FAILS(pass_publish(arena, &first, target, &test_error), FL_IN_USE);
	unlink(target);
	OK(symlink("/etc/passwd", target) == 0);
	FAILS(pass_publish(arena, &first, target, &test_error), FL_IN_USE);
	unlink(target);
}

static const struct test tests[] = {
	{ "a stored pass is loaded", a_stored_pass_is_loaded },
	{ "targets come and go", targets_come_and_go },
	{ "tokens differ and compare", tokens_differ_and_compare },
	{ "damaged texts are refused", damaged_texts_are_refused },
	{ "a pass replaces only its own kind", a_pass_replaces_only_its_own_kind },
};

int main(int argc, char **argv)
{
	int rc;

	arena = fl_arena_new(0);
	if (!mkdtemp(directory))
		return 1;
	state_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_close(&state_fd);
	rmdir(directory);
	fl_arena_free(arena);
	return rc;
}
