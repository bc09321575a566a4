/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under AddressSanitizer each allocation is a block of its own, so that writing past it is seen. */
#define ARENA_BLOCK 4080
/* Blocks grow with what is in the arena: long lists make millions of pieces. */
#define ARENA_LARGEST_BLOCK (16 * ARENA_BLOCK)
/* Formatted once; longer texts are formatted a second time, into the room that they need. */
#define ARENA_SMALL_TEXT 256
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_BLOCK_IS_SHARED 0
#elif defined(__has_feature)
#define ARENA_BLOCK_IS_SHARED !__has_feature(address_sanitizer)
#else
#define ARENA_BLOCK_IS_SHARED 1
#endif

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) char data[];
};

struct fl_arena {
	struct arena_block *blocks; /* the newest is the one that is filled */
	size_t budget;
	size_t tried; /* what fl_arena_try has handed out */
	size_t used;
};

static void arena_abort(const char *why)
{
	fputs(why, stderr);
	abort();
}

struct fl_arena *fl_arena_new(size_t budget)
{
	struct fl_arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		arena_abort("fairlead: out of memory\n");
	arena->budget = budget;
	return arena;
}

void fl_arena_free(struct fl_arena *arena)
{
	struct arena_block *next;

	if (!arena)
		return;
	for (struct arena_block *b = arena->blocks; b; b = next) {
		next = b->next;
		explicit_bzero(b->data, b->used);
		free(b);
	}
	free(arena);
}

void fl_arena_release(struct fl_arena **arena)
{
	fl_arena_free(*arena);
	*arena = NULL;
}

static size_t arena_next_room(const struct fl_arena *arena)
{
	size_t room = arena->blocks ? 2 * arena->blocks->size : 0;

	if (room < ARENA_BLOCK)
		return ARENA_BLOCK;
	return room < ARENA_LARGEST_BLOCK ? room : ARENA_LARGEST_BLOCK;
}

/* A new block of at least `size` bytes.  A block made for one large allocation goes behind the one
 * that is being filled, whose rest stays in use. */
static struct arena_block *arena_add_block(struct fl_arena *arena, size_t size)
{
	bool alone = !ARENA_BLOCK_IS_SHARED || size > ARENA_BLOCK / 4;
	size_t room = alone ? size : arena_next_room(arena);
	struct arena_block *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	block = calloc(1, sizeof(*block) + room);
	if (!block)
		return NULL;
	block->size = room;
	if (arena->blocks && alone) {
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	} else {
		block->next = arena->blocks;
		arena->blocks = block;
	}
	return block;
}

static void *arena_get(struct fl_arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t align = _Alignof(max_align_t);
	size_t start = 0;

	if (block)
		start = (block->used + align - 1) / align * align;
	if (!block || start > block->size || block->size - start < size || !ARENA_BLOCK_IS_SHARED) {
		block = arena_add_block(arena, size);
		start = 0;
	}
	if (!block)
		return NULL;
	block->used = start + size;
	arena->used += size;
	return block->data + start;
}

void *fl_arena_alloc(struct fl_arena *arena, size_t size)
{
	void *memory = arena_get(arena, size);

	if (!memory)
		arena_abort("fairlead: out of memory\n");
	return memory;
}

void *fl_arena_try(struct fl_arena *arena, size_t size)
{
	void *memory;

	if (arena->budget && size > arena->budget - arena->tried)
		return NULL;
	memory = arena_get(arena, size);
	if (memory)
		arena->tried += size;
	return memory;
}

void *fl_arena_array(struct fl_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		arena_abort("fairlead: the size of an array overflows\n");
	return fl_arena_alloc(arena, bytes);
}

char *fl_arena_strdup(struct fl_arena *arena, const char *text)
{
	return fl_arena_strndup(arena, text, strlen(text));
}

char *fl_arena_strndup(struct fl_arena *arena, const char *text, size_t length)
{
	size_t n = strnlen(text, length);
	char *copy = fl_arena_alloc(arena, n + 1);

	memcpy(copy, text, n);
	return copy;
}

char *fl_arena_printf(struct fl_arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = fl_arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

char *fl_arena_vprintf(struct fl_arena *arena, const char *format, va_list args)
{
	char small[ARENA_SMALL_TEXT];
	va_list again;
	char *text;
	int n;

	va_copy(again, args);
	n = vsnprintf(small, sizeof(small), format, args);
	if (n < 0)
		arena_abort("fairlead: a text cannot be formatted\n");
	text = fl_arena_alloc(arena, (size_t)n + 1);
	if ((size_t)n < sizeof(small))
		memcpy(text, small, (size_t)n);
	else
		vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	explicit_bzero(small, sizeof(small));
	return text;
}

size_t fl_arena_used(const struct fl_arena *arena)
{
	return arena->used;
}

void *fl_arena_grow(struct fl_arena *arena, void *array, size_t count, size_t *capacity,
		    size_t size)
{
	size_t wanted = *capacity < 4 ? 8 : *capacity * 2;
	void *grown;

	if (count < *capacity)
		return array;
	if (wanted <= count)
		wanted = count + 1;
	grown = fl_arena_array(arena, wanted, size);
	if (array)
		memcpy(grown, array, *capacity * size);
	*capacity = wanted;
	return grown;
}
