/* SPDX-License-Identifier: Apache-2.0 */
/* Text: small questions about strings that every layer asks.  All functions are pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "error.h"

/* One key and its value, as in a CSI map.  Both are never NULL. */
struct fl_pair {
	const char *key;
	const char *value;
};

/* The value of `key`, or NULL.  When the key stands twice, the last one counts (protobuf). */
const char *fl_pair_get(const struct fl_pair *pairs, size_t n_pairs, const char *key);

bool fl_text_starts_with(const char *text, const char *prefix);
bool fl_text_ends_with(const char *text, const char *suffix);

/* Valid UTF-8 without NUL and without control characters. */
bool fl_text_is_printable(const char *text, size_t length);

/* The same, but tabs and line ends pass: what CSI allows in a name. */
bool fl_text_is_name(const char *text, size_t length);

/* Only [A-Za-z0-9._-], first character a letter or digit, 1 to max_length bytes: safe as a file
 * name, an LV name, an RBD image name and in an argument vector. */
bool fl_text_is_safe_name(const char *text, size_t max_length);

/* max_length of the handles that our backends make, and for who has to guess one from a name. */
#define FL_HANDLE_BYTES 64

/* The handle that follows from a CSI name: the name itself where it is a safe name of at most
 * max_length bytes and does not start with "fl-", else "fl-" and 32 hexadecimal digits of its
 * SHA-256 (35 bytes).  Deterministic. */
const char *fl_text_handle(struct fl_arena *arena, const char *name, size_t max_length);

/* SHA-256 of `size` bytes as 64 lower-case hexadecimal digits and a NUL. */
void fl_text_sha256(const void *data, size_t size, char ret[65]);
/* Of two texts, one behind the other. */
void fl_text_sha256_joined(const char *first, const char *second, char ret[65]);

/* Sizes: a whole number of bytes, or a number (a fraction is fine: "1.5Gi") with a suffix: K M G T
 * P E (powers of 1,000) or Ki Mi Gi Ti Pi Ei (powers of 1,024), an optional B after it.  Refuses
 * negative, empty, trailing rubbish and what is above INT64_MAX. */
int fl_text_parse_size(const char *text, uint64_t *ret, struct fl_error *err) fl_must_check;
/* "10Gi", "1.5Gi", "512": the shortest exact form, else two decimals.  For people. */
const char *fl_text_format_size(struct fl_arena *arena, uint64_t bytes);
/* A whole unsigned decimal number, nothing else. */
int fl_text_parse_number(const char *text, uint64_t *ret, struct fl_error *err) fl_must_check;
/* "30s", "500ms", "5m", "1h" to milliseconds. */
int fl_text_parse_duration(const char *text, uint64_t *ret_ms, struct fl_error *err) fl_must_check;

/* The word of `words` (n of them) that is nearest to `word` by edit distance, or NULL when none is
 * near enough to be meant. */
const char *fl_text_nearest(const char *word, const char *const *words, size_t n_words);
