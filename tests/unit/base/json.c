/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "tests/test.h"

static json_t *parsed(const char *text)
{
	json_t *json = NULL;

	WORKS(fl_json_parse(text, strlen(text), "the text", &json, &test_error));
	return json;
}

static void objects_and_arrays_are_read(void)
{
	fl_cleanup(fl_json_release) json_t *object = parsed("{\"a\": [1, {\"b\": \"ä\"}]}");
	fl_cleanup(fl_json_release) json_t *array = parsed("[]");

	OK(json_is_object(object));
	OK(json_is_array(array));
}

static void what_is_no_json_is_refused_with_its_place(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"{}x",
		"5",
		"\"a\"",
		"null",
		"{\"a\": 1, \"a\": 2}",
		"{'a': 1}",
		"[1,]",
		"{\"a\": \"\xff\"}",
		"{\"a\": \"\\u0000\"}",
		"{\"a\": nan}",
	};
	json_t *json = NULL;

	for (size_t i = 0; i < FL_COUNT(bad); i++)
		FAILS(fl_json_parse(bad[i], strlen(bad[i]), "the text", &json, &test_error),
		      FL_INTERNAL);
	OK(json == NULL);
	FAILS(fl_json_parse("{\n  \"a\": oops}", 14, "record a", &json, &test_error), FL_INTERNAL);
	OK(strstr(test_error.text, "record a is not JSON: line 2, column 11: ") == test_error.text,
	   "%s", test_error.text);
	/* The size counts, not a NUL. */
	FAILS(fl_json_parse("{}", 1, "x", &json, &test_error), FL_INTERNAL);
	FAILS(fl_json_parse("{}\0", 3, "x", &json, &test_error), FL_INTERNAL);
}

static void a_text_near_the_fault_is_not_told(void)
{
	json_t *json;

	FAILS(fl_json_parse("{\"key\": hunter2}", 16, "x", &json, &test_error), FL_INTERNAL);
	OK(!strstr(test_error.text, "hunter2"), "%s", test_error.text);
	FAILS(fl_json_parse("{\"key\": \"hunter2", 16, "x", &json, &test_error), FL_INTERNAL);
	OK(!strstr(test_error.text, "hunter2"), "%s", test_error.text);
}

/* `levels` opening brackets and as many closing ones. */
static int parse_nested(size_t levels, json_t **ret)
{
	char text[4000] = "";

	memset(text, '[', levels);
	memset(text + levels, ']', levels);
	return fl_json_parse(text, levels * 2, "x", ret, &test_error);
}

static void nesting_has_a_limit(void)
{
	fl_cleanup(fl_json_release) json_t *deep = NULL;
	fl_cleanup(fl_json_release) json_t *quoted = NULL;
	json_t *deeper = NULL;
	char text[300] = "[\"\\\"";

	WORKS(parse_nested(64, &deep));
	FAILS(parse_nested(65, &deeper), FL_INTERNAL);
	SAME(test_error.text, "x is nested deeper than 64 levels");
	FAILS(parse_nested(1900, &deeper), FL_INTERNAL);
	/* Brackets inside a text are no levels. */
	memset(text + 4, '[', 100);
	strncat(text, "\"]", 3);
	quoted = parsed(text);
	OK(json_is_array(quoted));
}

static void a_dump_is_compact_and_sorted(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_json_release) json_t *json =
		parsed("{ \"b\": 1, \"a\": [true, null, \"ä\"] }");

	SAME(fl_json_dump(arena, json), "{\"a\":[true,null,\"ä\"],\"b\":1}");
	SAME(fl_json_dump(arena, json_object_get(json, "b")), "1");
}

static void members_are_read_by_their_type(void)
{
	fl_cleanup(fl_json_release) json_t *json = parsed(
		"{\"t\": \"x\", \"n\": -5, \"b\": true, \"z\": null, \"r\": 1.5, \"o\": {}}");
	const char *text = NULL;
	int64_t number = 0;
	bool flag = false;

	WORKS(fl_json_text(json, "t", "d", &text, &test_error));
	SAME(text, "x");
	WORKS(fl_json_text(json, "absent", "d", &text, &test_error));
	SAME(text, "d");
	WORKS(fl_json_text(json, "z", NULL, &text, &test_error));
	OK(text == NULL, "null is absent");
	WORKS(fl_json_number(json, "n", 7, &number, &test_error));
	EQUAL(number, -5);
	WORKS(fl_json_number(json, "z", 7, &number, &test_error));
	EQUAL(number, 7);
	WORKS(fl_json_bool(json, "b", false, &flag, &test_error));
	OK(flag);
	WORKS(fl_json_bool(json, "absent", false, &flag, &test_error));
	OK(!flag);
}

static void another_type_is_an_error(void)
{
	fl_cleanup(fl_json_release) json_t *json = parsed(
		"{\"t\": \"x\", \"n\": 5, \"b\": true, \"r\": 1.5, \"o\": {}, \"f\": false}");
	const char *text = "same";
	int64_t number = 3;
	bool flag = true;

	FAILS(fl_json_text(json, "n", "d", &text, &test_error), FL_INTERNAL);
	SAME(test_error.text, "member \"n\" is a whole number and must be a text");
	FAILS(fl_json_number(json, "r", 1, &number, &test_error), FL_INTERNAL);
	SAME(test_error.text, "member \"r\" is a fraction and must be a whole number");
	FAILS(fl_json_number(json, "t", 1, &number, &test_error), FL_INTERNAL);
	FAILS(fl_json_bool(json, "o", true, &flag, &test_error), FL_INTERNAL);
	FAILS(fl_json_bool(json, "n", true, &flag, &test_error), FL_INTERNAL);
	SAME(text, "same");
	EQUAL(number, 3);
	WORKS(fl_json_bool(json, "f", true, &flag, &test_error));
	OK(!flag);
}

static const struct test tests[] = {
	{ "objects and arrays are read", objects_and_arrays_are_read },
	{ "what is no JSON is refused with its place", what_is_no_json_is_refused_with_its_place },
	{ "a text near the fault is not told", a_text_near_the_fault_is_not_told },
	{ "nesting has a limit", nesting_has_a_limit },
	{ "a dump is compact and sorted", a_dump_is_compact_and_sorted },
	{ "members are read by their type", members_are_read_by_their_type },
	{ "another type is an error", another_type_is_an_error },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
