/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from peers and tools: what is read is written and read again as the same value, what is not
 * is refused in words, and members are read by their type or refused. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fuzz.h"

static const char *const seeds[] = {
	"{\"id\":1,\"method\":\"attach\",\"params\":{\"volume\":\"a\",\"ro\":true}}",
	"{\"id\":1,\"error\":{\"code\":\"IN_USE\",\"text\":\"größe \\u20ac \\ud83d\\ude00 \\\"\"}}",
	"{\"report\":[{\"lv\":[{\"lv_name\":\"a\",\"lv_size\":\"1073741824\"}]}],\"x\":null}",
	"[[[[[[1,-2.5e3,true,false,null,{\"a\":[]}]]]]]]",
	"{\"id\":9223372036854775807,\"method\":\"[[[{{{\\\\\\\"\"}",
};

size_t fuzz_seed(size_t i, uint8_t *ret)
{
	const char *seed = seeds[i % FL_COUNT(seeds)];

	memcpy(ret, seed, strlen(seed));
	return strlen(seed);
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void read_members(const json_t *object)
{
	struct fl_error err = { .code = FL_OK };
	const char *text = NULL;
	int64_t number;
	bool flag;

	must(fl_json_text(object, "method", "none", &text, &err) == 0 ? text != NULL
								      : err.code == FL_INTERNAL);
	must(fl_json_number(object, "id", 0, &number, &err) == 0 || err.code == FL_INTERNAL);
	must(fl_json_bool(object, "ro", false, &flag, &err) == 0 || err.code == FL_INTERNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_json_release) json_t *json = NULL;
	fl_cleanup(fl_json_release) json_t *again = NULL;
	struct fl_error err = { .code = FL_OK };
	const char *text;

	if (fl_json_parse((const char *)data, size, "the input", &json, &err) < 0) {
		must(err.code == FL_INTERNAL && err.text[0] && !strchr(err.text, '\n'));
		return 0;
	}
	text = fl_json_dump(arena, json);
	must(fl_json_parse(text, strlen(text), "the dump", &again, &err) == 0);
	/* Compared as texts: a fraction's last digit may differ as a number. */
	must(strcmp(fl_json_dump(arena, again), text) == 0);
	read_members(json);
	return 0;
}
