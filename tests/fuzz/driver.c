/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a target on mutations of its good inputs.  Input number N is always the same, so that
 * `fuzz_NAME N 1` repeats what broke; arguments: the first number and how many.
 *
 * `fuzz_NAME --seeds DIRECTORY N` writes the first N good inputs as files, for libFuzzer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "fuzz.h"

#define DRIVER_ROUNDS 200000
#define DRIVER_MS 10000 /* an ordinary run ends after this time, whatever it has done */

static uint64_t driver_state;

static size_t driver_random(size_t below)
{
	driver_state ^= driver_state << 13;
	driver_state ^= driver_state >> 7;
	driver_state ^= driver_state << 17;
	return below ? (size_t)(driver_state % below) : 0;
}

/* What has a meaning in some input or other. */
static const struct {
	const char *bytes;
	size_t n;
} driver_words[] = {
#define WORD(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	WORD("/"),    WORD(".."),       WORD("../../../etc/passwd"),
	WORD("\0"),   WORD("\n"),       WORD("\xff\xfe"),
	WORD("{"),    WORD("]"),        WORD("\\u0000"),
	WORD("\""),   WORD("%n%s"),     WORD("18446744073709551616"),
	WORD("-1"),   WORD("1e999"),    WORD("default/n1/"),
	WORD("a"),    WORD("\xe2\x82"), WORD("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	WORD("ext4"), WORD("&a *a"),    WORD("fairlead-record 1 "),
#undef WORD
};

static size_t driver_insert(uint8_t *data, size_t size, size_t at, const void *bytes, size_t n)
{
	if (size + n > FUZZ_MAX_BYTES)
		return size;
	memmove(data + at + n, data + at, size - at);
	memcpy(data + at, bytes, n);
	return size + n;
}

static size_t driver_mutate(uint8_t *data, size_t size)
{
	size_t at = driver_random(size), n = 1 + driver_random(8);
	size_t word = driver_random(FL_COUNT(driver_words));
	uint8_t random[8];

	switch (driver_random(8)) {
	case 0: /* another byte */
		if (size > 0)
			data[at] = (uint8_t)driver_random(256);
		return size;
	case 1: /* another bit */
		if (size > 0)
			data[at] ^= (uint8_t)(1 << driver_random(8));
		return size;
	case 2: /* an end too early */
		return at;
	case 3: /* bytes left out */
		n = n < size - at ? n : size - at;
		memmove(data + at, data + at + n, size - at - n);
		return size - n;
	case 4: /* bytes put in */
		for (size_t i = 0; i < n; i++)
			random[i] = (uint8_t)driver_random(256);
		return driver_insert(data, size, at, random, n);
	case 5: /* a word put in … */
		return driver_insert(data, size, at, driver_words[word].bytes,
				     driver_words[word].n);
	case 6: /* … or over what is there */
		n = driver_words[word].n < size - at ? driver_words[word].n : size - at;
		memcpy(data + at, driver_words[word].bytes, n);
		return size;
	default: /* everything twice */
		if (size * 2 > FUZZ_MAX_BYTES)
			return size;
		memcpy(data + size, data, size);
		return size * 2;
	}
}

static void driver_round(size_t round)
{
	static uint8_t data[FUZZ_MAX_BYTES];
	size_t size = fuzz_seed(round, data);

	driver_state = (round + 1) * 0x9e3779b97f4a7c15u;
	for (size_t i = driver_random(8); i > 0; i--)
		size = driver_mutate(data, size);
	/* A block of its own, so that a sanitizer sees a read past the end. */
	uint8_t *input = malloc(size ? size : 1);
	if (!input)
		abort();
	memcpy(input, data, size);
	LLVMFuzzerTestOneInput(input, size);
	free(input);
}

static int driver_write_seeds(const char *directory, size_t n)
{
	static uint8_t data[FUZZ_MAX_BYTES];
	char path[4096];

	for (size_t i = 0; i < n; i++) {
		size_t size = fuzz_seed(i, data);
		FILE *file;

		snprintf(path, sizeof(path), "%s/seed-%zu", directory, i);
		file = fopen(path, "wbe");
		if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
			perror(path);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--seeds") == 0)
		return driver_write_seeds(argv[2], strtoull(argv[3], NULL, 10));
	size_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	size_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : DRIVER_ROUNDS, done = 0;
	struct timespec end = fl_clock_after_ms(DRIVER_MS);

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; done < n && (argc > 2 || !fl_clock_passed(end)); done++) {
		if (done % 1000 == 0)
			printf("# from %zu\n", first + done);
		driver_round(first + done);
	}
	printf("ok 1 - %zu inputs\n1..1\n", done);
	return 0;
}
