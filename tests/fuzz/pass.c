/* SPDX-License-Identifier: Apache-2.0 */
/* The node's copies of disk passes, whatever became of them on the disk. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "node/pass.h"

static const char *const pass_seeds[] = {
	"{\"readonly\":false,\"source\":{\"kind\":\"file\",\"path\":\"/a\"},\"targets\":[\"/t\"],"
	"\"token\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
	"\"image\":\"12.34.5\",\"vm\":\"web1\",\"volume\":\"default/n1/a\"}",
	"{\"token\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
	"\"image\":\"1\",\"vm\":\"b\",\"volume\":\"a\"}",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_error err = { 0 };
	struct pass pass;

	if (pass_parse(arena, (const char *)data, size, &pass, &err) < 0)
		return 0;
	if (strlen(pass.token) != PASS_TOKEN_LENGTH || !*pass.vm || !*pass.image || !*pass.volume ||
	    pass.targets.n > PASS_TARGETS_MAX || !pass_token_is(&pass, pass.token))
		abort();
	for (size_t i = 0; i < pass.targets.n; i++) {
		if (pass.targets.items[i][0] != '/')
			abort();
	}
	return 0;
}

size_t fuzz_seed(size_t i, uint8_t *ret)
{
	const char *seed = pass_seeds[i % FL_COUNT(pass_seeds)];

	memcpy(ret, seed, strlen(seed));
	return strlen(seed);
}
