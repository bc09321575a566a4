/* SPDX-License-Identifier: Apache-2.0 */
/* Arena: memory that lives as long as one operation and is released at one go.
 *
 * One arena belongs to one thread at a time.  Small internal allocations abort the process when
 * the machine has no memory (every operation is idempotent and we are restarted); memory whose
 * amount a peer decides goes through fl_arena_try, which fails softly at the arena's budget. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "cleanup.h"

struct fl_arena;

/* `budget` bounds what fl_arena_try hands out, in bytes; 0 means no bound. */
struct fl_arena *fl_arena_new(size_t budget);
/* Releases everything at once, wiped, because secrets may have been among it; NULL is fine. */
void fl_arena_free(struct fl_arena *arena);
/* For fl_cleanup. */
void fl_arena_release(struct fl_arena **arena);

/* Zeroed memory, aligned for any type; never NULL; aborts without memory. */
void *fl_arena_alloc(struct fl_arena *arena, size_t size);
/* The same for peers' sizes: NULL when the budget or the machine's memory is used up. */
void *fl_arena_try(struct fl_arena *arena, size_t size) fl_must_check;
/* `count` elements of `size` bytes; aborts when the product overflows. */
void *fl_arena_array(struct fl_arena *arena, size_t count, size_t size);

char *fl_arena_strdup(struct fl_arena *arena, const char *text);
char *fl_arena_strndup(struct fl_arena *arena, const char *text, size_t length);
char *fl_arena_printf(struct fl_arena *arena, const char *format, ...) fl_printf_like(2, 3);
char *fl_arena_vprintf(struct fl_arena *arena, const char *format, va_list args)
	fl_printf_like(2, 0);

/* Bytes handed out so far. */
size_t fl_arena_used(const struct fl_arena *arena);

/* A growing array in an arena: call before writing element `count`.  Returns the array, moved if
 * it had to grow; `*capacity` is updated.  Start with NULL and 0. */
void *fl_arena_grow(struct fl_arena *arena, void *array, size_t count, size_t *capacity,
		    size_t size);
