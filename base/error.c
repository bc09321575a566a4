/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static const char *const error_names[FL_ERROR_COUNT] = {
	[FL_OK] = "OK",
	[FL_INVALID] = "INVALID",
	[FL_NOT_FOUND] = "NOT_FOUND",
	[FL_EXISTS] = "EXISTS",
	[FL_OUT_OF_RANGE] = "OUT_OF_RANGE",
	[FL_NO_SPACE] = "NO_SPACE",
	[FL_IN_USE] = "IN_USE",
	[FL_BUSY] = "BUSY",
	[FL_BAD_TOKEN] = "BAD_TOKEN",
	[FL_UNSUPPORTED] = "UNSUPPORTED",
	[FL_DENIED] = "DENIED",
	[FL_UNAVAILABLE] = "UNAVAILABLE",
	[FL_TIMEOUT] = "TIMEOUT",
	[FL_INTERNAL] = "INTERNAL",
};

static const struct {
	int sys;
	enum fl_error_code code;
} error_codes[] = {
	{ ENOENT, FL_NOT_FOUND },   { ENOSPC, FL_NO_SPACE },    { EDQUOT, FL_NO_SPACE },
	{ EBUSY, FL_IN_USE },       { EACCES, FL_DENIED },      { EPERM, FL_DENIED },
	{ EROFS, FL_UNAVAILABLE },  { ETIMEDOUT, FL_TIMEOUT },  { EMFILE, FL_UNAVAILABLE },
	{ ENFILE, FL_UNAVAILABLE }, { ENOMEM, FL_UNAVAILABLE }, { EAGAIN, FL_UNAVAILABLE },
};

/* Drops a character at the end of which not all bytes are there. */
static void error_drop_part(char *text)
{
	size_t n = strlen(text), tail = 0, whole;
	unsigned char first;

	while (tail < 3 && tail < n && ((unsigned char)text[n - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (tail == n)
		return;
	first = (unsigned char)text[n - 1 - tail];
	whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
	if (tail + 1 < whole)
		text[n - 1 - tail] = '\0';
}

/* Tools put line breaks and worse into their messages: what leaves here is one line. */
static void error_tidy(char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	while (n > 0 && text[n - 1] == ' ')
		text[--n] = '\0';
}

static void error_write(struct fl_error *err, const char *format, va_list args, const char *rest)
	fl_printf_like(2, 0);

/* Replaces err->text by "TEXT" and, where they are not NULL, ": " and `rest`.  Arguments may point
 * into the old text, so it is changed last. */
static void error_write(struct fl_error *err, const char *format, va_list args, const char *rest)
{
	char text[sizeof(err->text)];
	int n = vsnprintf(text, sizeof(text), format, args);
	size_t used = n < 0 ? 0 : (size_t)n;

	if (n < 0)
		text[0] = '\0';
	if (rest && used < sizeof(text)) {
		n = snprintf(text + used, sizeof(text) - used, ": %s", rest);
		used += n < 0 ? 0 : (size_t)n;
	}
	if (used >= sizeof(text))
		error_drop_part(text);
	error_tidy(text);
	memcpy(err->text, text, sizeof(text));
}

int fl_error_set(struct fl_error *err, enum fl_error_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_write(err, format, args, NULL);
	va_end(args);
	err->code = code;
	err->sys = 0;
	return -1;
}

int fl_error_sys(struct fl_error *err, int sys, const char *format, ...)
{
	char buffer[128];
	va_list args;

	va_start(args, format);
	error_write(err, format, args, strerror_r(sys, buffer, sizeof(buffer)));
	va_end(args);
	err->code = FL_INTERNAL;
	err->sys = sys;
	for (size_t i = 0; i < FL_COUNT(error_codes); i++)
		if (error_codes[i].sys == sys)
			err->code = error_codes[i].code;
	return -1;
}

int fl_error_prefix(struct fl_error *err, const char *format, ...)
{
	char rest[sizeof(err->text)];
	va_list args;

	memcpy(rest, err->text, sizeof(rest));
	va_start(args, format);
	error_write(err, format, args, rest);
	va_end(args);
	return -1;
}

const char *fl_error_name(enum fl_error_code code)
{
	return code < FL_ERROR_COUNT ? error_names[code] : error_names[FL_INTERNAL];
}

enum fl_error_code fl_error_code_of(const char *name)
{
	for (size_t i = 0; i < FL_ERROR_COUNT; i++)
		if (name && strcmp(name, error_names[i]) == 0)
			return (enum fl_error_code)i;
	return FL_INTERNAL;
}
