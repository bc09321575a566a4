/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"

enum { MAP_KEY, MAP_VALUE }; /* fields of every entry, in the order of their numbers */

static char **map_string(const ProtobufCMessage *entry, unsigned field)
{
	return (char **)((char *)entry + entry->descriptor->fields[field].offset);
}

/* Message i of an array of pointers to messages of a type that only the caller knows. */
static const ProtobufCMessage *map_entry(const void *entries, size_t i)
{
	const ProtobufCMessage *entry;

	memcpy(&entry, (const char *)entries + i * sizeof(entry), sizeof(entry));
	return entry;
}

/* `place` makes the sort stable: the last of equal keys stays the last. */
struct map_item {
	struct fl_pair pair;
	size_t place;
};

static int map_compare(const void *a, const void *b)
{
	const struct map_item *left = a, *right = b;
	int order = strcmp(left->pair.key, right->pair.key);

	if (order != 0)
		return order;
	return left->place < right->place ? -1 : 1;
}

int rpc_map_pairs(struct fl_arena *arena, const void *entries, size_t n_entries,
		  struct fl_pair **ret, size_t *ret_n, struct fl_error *err)
{
	struct map_item *items = fl_arena_try(arena, n_entries * sizeof(*items));
	struct fl_pair *pairs = fl_arena_try(arena, n_entries * sizeof(*pairs));
	size_t n = 0;

	if (!items || !pairs)
		return fl_error_set(err, FL_INVALID, "a map of %zu entries is too large",
				    n_entries);
	for (size_t i = 0; i < n_entries; i++) {
		const ProtobufCMessage *entry = map_entry(entries, i);
		items[i].pair.key = *map_string(entry, MAP_KEY);
		items[i].pair.value = *map_string(entry, MAP_VALUE);
		items[i].place = i;
	}
	if (n_entries > 1)
		qsort(items, n_entries, sizeof(*items), map_compare);
	for (size_t i = 0; i < n_entries; i++) {
		if (i + 1 < n_entries && strcmp(items[i].pair.key, items[i + 1].pair.key) == 0)
			continue;
		pairs[n++] = items[i].pair;
	}
	*ret = pairs;
	*ret_n = n;
	return 0;
}

void *rpc_map_entries(struct fl_arena *arena, const ProtobufCMessageDescriptor *entry,
		      const struct fl_pair *pairs, size_t n_pairs)
{
	ProtobufCMessage **entries = fl_arena_array(arena, n_pairs, sizeof(*entries));

	for (size_t i = 0; i < n_pairs; i++) {
		entries[i] = rpc_message_new(arena, entry);
		*map_string(entries[i], MAP_KEY) = fl_arena_strdup(arena, pairs[i].key);
		*map_string(entries[i], MAP_VALUE) = fl_arena_strdup(arena, pairs[i].value);
	}
	return entries;
}
