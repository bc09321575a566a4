/* SPDX-License-Identifier: Apache-2.0 */
/* The part of text.h that reads and writes quantities: sizes, numbers, durations. */
#include <inttypes.h>
#include <string.h>

#include "text.h"

static const struct {
	const char *suffix;
	uint64_t bytes;
} quantity_units[] = {
	{ "Ki", UINT64_C(1) << 10 },
	{ "Mi", UINT64_C(1) << 20 },
	{ "Gi", UINT64_C(1) << 30 },
	{ "Ti", UINT64_C(1) << 40 },
	{ "Pi", UINT64_C(1) << 50 },
	{ "Ei", UINT64_C(1) << 60 },
	{ "K", 1000 },
	{ "M", 1000000 },
	{ "G", 1000000000 },
	{ "T", 1000000000000 },
	{ "P", 1000000000000000 },
	{ "E", 1000000000000000000 },
};

static const struct {
	const char *suffix;
	uint64_t ms;
} quantity_times[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };

static bool quantity_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads the digits at *text and moves it behind them; false when there is none or it overflows. */
static bool quantity_digits(const char **text, uint64_t *ret)
{
	uint64_t value = 0;

	if (!quantity_is_digit(**text))
		return false;
	for (; quantity_is_digit(**text); (*text)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(**text - '0'), &value))
			return false;
	*ret = value;
	return true;
}

/* "Ki", "G", "MiB", "B", "" → bytes of one unit; 0 when it is none. */
static uint64_t quantity_unit(const char *suffix)
{
	size_t n = strlen(suffix);

	if (n > 0 && suffix[n - 1] == 'B')
		n--;
	if (n == 0)
		return 1;
	for (size_t i = 0; i < FL_COUNT(quantity_units); i++)
		if (strlen(quantity_units[i].suffix) == n &&
		    memcmp(suffix, quantity_units[i].suffix, n) == 0)
			return quantity_units[i].bytes;
	return 0;
}

static int quantity_refuse_size(struct fl_error *err, const char *text)
{
	return fl_error_set(
		err, FL_INVALID,
		"\"%.64s\" is not a size: write bytes or a number with K, M, G, T, P, E, "
		"Ki, Mi, Gi, Ti, Pi or Ei, such as 10Gi",
		text);
}

int fl_text_parse_size(const char *text, uint64_t *ret, struct fl_error *err)
{
	const char *c = text, *fraction_start;
	uint64_t whole, fraction = 0, unit, scale = 1;
	unsigned __int128 bytes;

	if (!quantity_digits(&c, &whole))
		return quantity_refuse_size(err, text);
	if (*c == '.') {
		fraction_start = ++c;
		if (!quantity_digits(&c, &fraction) || c - fraction_start > 18)
			return quantity_refuse_size(err, text);
		for (ptrdiff_t i = c - fraction_start; i > 0; i--)
			scale *= 10;
	}
	unit = quantity_unit(c);
	if (unit == 0 || (unit == 1 && scale > 1))
		return quantity_refuse_size(err, text);
	/* Rounded up to a byte: never less than what was asked for. */
	bytes = (unsigned __int128)whole * unit +
		((unsigned __int128)fraction * unit + scale - 1) / scale;
	if (bytes > INT64_MAX)
		return fl_error_set(err, FL_INVALID, "the size \"%.64s\" is too large", text);
	*ret = (uint64_t)bytes;
	return 0;
}

const char *fl_text_format_size(struct fl_arena *arena, uint64_t bytes)
{
	size_t u = 5;
	uint64_t unit, whole, hundredths;
	bool exact;

	while (u > 0 && bytes < quantity_units[u].bytes)
		u--;
	unit = quantity_units[u].bytes;
	if (bytes < unit)
		return fl_arena_printf(arena, "%" PRIu64, bytes);
	whole = bytes / unit;
	hundredths = (uint64_t)((unsigned __int128)(bytes % unit) * 100 / unit);
	exact = (unsigned __int128)(bytes % unit) * 100 == (unsigned __int128)hundredths * unit;
	if (exact && hundredths == 0)
		return fl_arena_printf(arena, "%" PRIu64 "%s", whole, quantity_units[u].suffix);
	if (exact && hundredths % 10 == 0)
		return fl_arena_printf(arena, "%" PRIu64 ".%" PRIu64 "%s", whole, hundredths / 10,
				       quantity_units[u].suffix);
	return fl_arena_printf(arena, "%" PRIu64 ".%02" PRIu64 "%s", whole, hundredths,
			       quantity_units[u].suffix);
}

int fl_text_parse_number(const char *text, uint64_t *ret, struct fl_error *err)
{
	const char *c = text;
	uint64_t value;

	if (!quantity_digits(&c, &value) || *c)
		return fl_error_set(err, FL_INVALID, "\"%.64s\" is not a whole number", text);
	*ret = value;
	return 0;
}

int fl_text_parse_duration(const char *text, uint64_t *ret_ms, struct fl_error *err)
{
	const char *c = text;
	uint64_t value, ms;

	if (quantity_digits(&c, &value)) {
		for (size_t i = 0; i < FL_COUNT(quantity_times); i++) {
			if (strcmp(c, quantity_times[i].suffix) != 0)
				continue;
			if (__builtin_mul_overflow(value, quantity_times[i].ms, &ms) ||
			    ms > INT64_MAX)
				break;
			*ret_ms = ms;
			return 0;
		}
	}
	return fl_error_set(err, FL_INVALID,
			    "\"%.64s\" is not a duration: write a whole number with ms, s, m or h, "
			    "such as 30s",
			    text);
}
