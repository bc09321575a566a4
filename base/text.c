/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <ctype.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <string.h>

const char *fl_pair_get(const struct fl_pair *pairs, size_t n_pairs, const char *key)
{
	for (size_t i = n_pairs; i > 0; i--)
		if (strcmp(pairs[i - 1].key, key) == 0)
			return pairs[i - 1].value;
	return NULL;
}

bool fl_text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool fl_text_ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

/* Length of the well-formed, printable UTF-8 sequence at `c`, or 0 (Unicode 15, table 3-7). */
static size_t text_character(const unsigned char *c, size_t left)
{
	static const struct {
		unsigned char first, last, low, high; /* first byte from–to, second byte from–to */
		size_t length;
	} forms[] = {
		{ 0xc2, 0xc2, 0xa0, 0xbf, 2 }, /* 0x80–0x9f are control characters */
		{ 0xc3, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t f = 0;

	if (c[0] < 0x80)
		return c[0] >= 0x20 && c[0] != 0x7f ? 1 : 0;
	while (f < FL_COUNT(forms) && (c[0] < forms[f].first || c[0] > forms[f].last))
		f++;
	if (f == FL_COUNT(forms) || left < forms[f].length || c[1] < forms[f].low ||
	    c[1] > forms[f].high)
		return 0;
	for (size_t i = 2; i < forms[f].length; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return forms[f].length;
}

/* `also`: single bytes that pass as well. */
static bool text_is_made_of(const char *text, size_t length, const char *also)
{
	size_t n = 1;

	for (size_t i = 0; i < length; i += n) {
		n = text_character((const unsigned char *)text + i, length - i);
		if (n == 0 && text[i] && strchr(also, text[i]))
			n = 1;
		if (n == 0)
			return false;
	}
	return true;
}

bool fl_text_is_printable(const char *text, size_t length)
{
	return text_is_made_of(text, length, "");
}

bool fl_text_is_name(const char *text, size_t length)
{
	return text_is_made_of(text, length, "\t\n\r");
}

static bool text_is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool fl_text_is_safe_name(const char *text, size_t max_length)
{
	size_t n = strnlen(text, max_length + 1);

	if (n == 0 || n > max_length || !text_is_alphanumeric(text[0]))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!text_is_alphanumeric(text[i]) && !strchr("._-", text[i]))
			return false;
	return true;
}

const char *fl_text_handle(struct fl_arena *arena, const char *name, size_t max_length)
{
	char hash[65];

	if (fl_text_is_safe_name(name, max_length) && !fl_text_starts_with(name, "fl-"))
		return fl_arena_strdup(arena, name);
	fl_text_sha256(name, strlen(name), hash);
	return fl_arena_printf(arena, "fl-%.32s", hash);
}

static void text_sha256_end(struct sha256_ctx *context, char ret[65])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t hash[SHA256_DIGEST_SIZE];

	sha256_digest(context, sizeof(hash), hash);
	for (size_t i = 0; i < sizeof(hash); i++) {
		ret[2 * i] = digits[hash[i] >> 4];
		ret[2 * i + 1] = digits[hash[i] & 15];
	}
	ret[64] = '\0';
}

void fl_text_sha256(const void *data, size_t size, char ret[65])
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, size, data);
	text_sha256_end(&context, ret);
}

void fl_text_sha256_joined(const char *first, const char *second, char ret[65])
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, strlen(first), (const uint8_t *)first);
	sha256_update(&context, strlen(second), (const uint8_t *)second);
	text_sha256_end(&context, ret);
}

/* Edit distance (insert, drop, replace, swap neighbours) where case does not count and "-" is "_".
 * Three rows of the usual matrix. */
#define TEXT_NEAREST_MAX 64

static char text_fold(char c)
{
	return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

static size_t text_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t text_distance(const char *a, const char *b)
{
	size_t rows[3][TEXT_NEAREST_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *spare;
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		last[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		now[0] = i;
		for (size_t j = 1; j <= n; j++) {
			char x = text_fold(a[i - 1]), y = text_fold(b[j - 1]);

			now[j] = text_least(last[j], now[j - 1]) + 1;
			now[j] = text_least(now[j], last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == text_fold(b[j - 2]) && y == text_fold(a[i - 2]))
				now[j] = text_least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[n];
}

const char *fl_text_nearest(const char *word, const char *const *words, size_t n_words)
{
	size_t length = strnlen(word, TEXT_NEAREST_MAX + 1);
	size_t least = SIZE_MAX;
	const char *nearest = NULL;

	if (length > TEXT_NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n_words; i++) {
		size_t other = strnlen(words[i], TEXT_NEAREST_MAX + 1);
		size_t distance;

		if (other > TEXT_NEAREST_MAX)
			continue;
		distance = text_distance(word, words[i]);
		/* One wrong character in three is still a slip; more is another word. */
		if (distance * 3 > (length > other ? length : other) || distance >= least)
			continue;
		least = distance;
		nearest = words[i];
	}
	return nearest;
}
