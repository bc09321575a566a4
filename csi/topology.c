/* SPDX-License-Identifier: Apache-2.0 */
#include "topology.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "csi/reply.h"

#define TOPOLOGY_MAX_TERMS 10000
#define TOPOLOGY_MAX_SEGMENTS 32
#define TOPOLOGY_MAX_KEY 127 /* a prefix and a name of 63 bytes each, and the slash */
#define TOPOLOGY_MAX_VALUE 63

/* 1 to max letters, digits and `between`, a letter or digit at both ends. */
static bool topology_is_word(const char *text, size_t max, const char *between)
{
	size_t length = strnlen(text, max + 1);

	if (length == 0 || length > max || !isalnum((unsigned char)text[0]) ||
	    !isalnum((unsigned char)text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isascii((unsigned char)text[i]) ||
		    (!isalnum((unsigned char)text[i]) && !strchr(between, text[i])))
			return false;
	return true;
}

static int topology_check_segment(const Csi__V1__Topology__SegmentsEntry *segment,
				  struct fl_error *err)
{
	if (!topology_is_word(segment->key, TOPOLOGY_MAX_KEY, "-_./"))
		return fl_error_set(err, FL_INVALID,
				    "a topology has a segment whose key is none: it is a prefix of "
				    "at most 63 bytes, a slash, and a name of at most 63");
	if (!topology_is_word(segment->value, TOPOLOGY_MAX_VALUE, "-_."))
		return fl_error_set(err, FL_INVALID,
				    "a topology's segment %s has a value that is not 1 to %d "
				    "letters, digits, dots, dashes and underscores",
				    segment->key, TOPOLOGY_MAX_VALUE);
	return 0;
}

/* The same key twice, in two spellings, with two values: nothing is in both. */
static void topology_put(struct topology *topology, const char **member, const char *value)
{
	if (*member && strcmp(*member, value) != 0)
		topology->foreign = true;
	*member = value;
}

int topology_read(const Csi__V1__Topology *message, struct topology *ret, struct fl_error *err)
{
	struct topology topology = { 0 };
	size_t n = message ? message->n_segments : 0;

	if (n > TOPOLOGY_MAX_SEGMENTS)
		return fl_error_set(err, FL_INVALID,
				    "a topology has %zu segments: at most %d are allowed", n,
				    TOPOLOGY_MAX_SEGMENTS);
	for (size_t i = 0; i < n; i++) {
		const Csi__V1__Topology__SegmentsEntry *segment = message->segments[i];
		if (topology_check_segment(segment, err) < 0)
			return -1;
		if (strcasecmp(segment->key, TOPOLOGY_NODE) == 0)
			topology_put(&topology, &topology.node, segment->value);
		else if (strcasecmp(segment->key, TOPOLOGY_ZONE) == 0)
			topology_put(&topology, &topology.zone, segment->value);
		else
			topology.foreign = true;
	}
	*ret = topology;
	return 0;
}

static int topology_read_list(struct fl_arena *arena, Csi__V1__Topology *const *messages, size_t n,
			      struct topology_list *ret, struct fl_error *err)
{
	if (n > TOPOLOGY_MAX_TERMS)
		return fl_error_set(err, FL_INVALID,
				    "the accessibility_requirements have %zu topologies: at most "
				    "%d are allowed",
				    n, TOPOLOGY_MAX_TERMS);
	ret->items = fl_arena_array(arena, n + 1, sizeof(*ret->items));
	ret->n = n;
	for (size_t i = 0; i < n; i++)
		if (topology_read(messages[i], &ret->items[i], err) < 0)
			return -1;
	return 0;
}

int topology_read_requirement(struct fl_arena *arena, const Csi__V1__TopologyRequirement *message,
			      struct topology_requirement *ret, struct fl_error *err)
{
	struct topology_requirement requirement = { 0 };

	if (message && (topology_read_list(arena, message->requisite, message->n_requisite,
					   &requirement.requisite, err) < 0 ||
			topology_read_list(arena, message->preferred, message->n_preferred,
					   &requirement.preferred, err) < 0))
		return -1;
	*ret = requirement;
	return 0;
}

Csi__V1__Topology *topology_reply(struct fl_arena *arena, const struct topology *topology)
{
	struct fl_pair segments[2];
	size_t n = 0;

	if (topology->node)
		segments[n++] = (struct fl_pair){ TOPOLOGY_NODE, topology->node };
	if (topology->zone)
		segments[n++] = (struct fl_pair){ TOPOLOGY_ZONE, topology->zone };
	return reply_topology(arena, segments, n);
}

Csi__V1__Topology **topology_reply_list(struct fl_arena *arena, const struct topology_list *list)
{
	Csi__V1__Topology **messages = NULL;

	if (list->n)
		messages = fl_arena_array(arena, list->n, sizeof(Csi__V1__Topology *));
	for (size_t i = 0; i < list->n; i++)
		messages[i] = topology_reply(arena, &list->items[i]);
	return messages;
}
