/* SPDX-License-Identifier: Apache-2.0 */
/* Peers: the nodes that the configuration knows: this one, and those under `nodes`. */
#include "peers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PEERS_MAX 5000
#define PEERS_MAX_ZONES 64
#define PEERS_NAME_BYTES 63 /* of a topology segment in CSI */

static const struct fl_option peer_options[] = {
	{ .key = "id",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct fl_peer, id),
	  .required = true,
	  .help = "the node's id" },
	{ .key = "zone",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct fl_peer, zone),
	  .help = "the zone that it is in" },
	{ .key = "max_volumes",
	  .kind = FL_OPTION_NUMBER,
	  .offset = offsetof(struct fl_peer, max_volumes),
	  .help = "volumes that it takes at most; 0 is no limit" },
};

bool fl_node_id_is_good(const char *id)
{
	return fl_text_is_safe_name(id, PEERS_NAME_BYTES) &&
	       isalnum((unsigned char)id[strlen(id) - 1]);
}

int peers_check_id(const struct fl_config_node *where, const char *id, struct fl_error *err)
{
	if (fl_node_id_is_good(id))
		return 0;
	return fl_config_fail(where, err,
			      "node id \"%.80s\" is not 1 to %d letters, digits, dots, dashes and "
			      "underscores that begin and end with a letter or digit",
			      id, PEERS_NAME_BYTES);
}

int peers_check_zone(const struct fl_config_node *where, const char *zone, struct fl_error *err)
{
	if (!zone || fl_node_id_is_good(zone))
		return 0;
	return fl_config_fail(where, err,
			      "zone \"%.80s\" is not 1 to %d letters, digits, dots, dashes and "
			      "underscores that begin and end with a letter or digit",
			      zone, PEERS_NAME_BYTES);
}

int peers_check_limit(const struct fl_config_node *where, uint64_t max_volumes,
		      struct fl_error *err)
{
	if (max_volumes <= FL_MAX_VOLUMES)
		return 0;
	return fl_config_fail(where, err, "max_volumes is at most %d; 0 is no limit",
			      FL_MAX_VOLUMES);
}

static int peers_load_one(struct fl_arena *arena, const struct fl_config_node *node,
			  struct fl_peer *ret, struct fl_error *err)
{
	const char *id = fl_config_scalar(node);

	if (id) {
		*ret = (struct fl_peer){ .id = id };
	} else if (fl_config_kind(node) != FL_CONFIG_MAP) {
		return fl_config_fail(node, err,
				      "an entry of nodes is neither an id nor a map with one");
	} else if (fl_config_fill(arena, node, "an entry of nodes", peer_options,
				  FL_COUNT(peer_options), NULL, ret, sizeof(*ret), err) < 0) {
		return -1;
	}
	if (peers_check_id(node, ret->id, err) < 0 || peers_check_zone(node, ret->zone, err) < 0)
		return -1;
	return peers_check_limit(node, ret->max_volumes, err);
}

static int peers_compare(const void *a, const void *b)
{
	return strcmp(((const struct fl_peer *)a)->id, ((const struct fl_peer *)b)->id);
}

int peers_load(struct fl_arena *arena, const struct fl_config_node *list, struct fl_settings *ret,
	       struct fl_error *err)
{
	size_t n = list && fl_config_kind(list) == FL_CONFIG_LIST ? fl_config_count(list) : 0;
	struct fl_peer *peers = fl_arena_array(arena, n + 1, sizeof(*peers));

	if (list && fl_config_kind(list) != FL_CONFIG_LIST)
		return fl_config_fail(list, err, "nodes is no list, such as [a, b]");
	if (n > PEERS_MAX)
		return fl_config_fail(list, err, "nodes has %zu entries, more than %d", n,
				      PEERS_MAX);
	for (size_t i = 0; i < n; i++)
		if (peers_load_one(arena, fl_config_at(list, i, NULL), &peers[i], err) < 0)
			return -1;
	qsort(peers, n, sizeof(*peers), peers_compare);
	for (size_t i = 1; i < n; i++)
		if (strcmp(peers[i].id, peers[i - 1].id) == 0)
			return fl_config_fail(list, err, "node %s stands twice in nodes",
					      peers[i].id);
	ret->nodes = peers;
	ret->n_nodes = n;
	return 0;
}

int peers_check_zones(const struct fl_config_node *where, const struct fl_strings *zones,
		      struct fl_error *err)
{
	if (zones->n > PEERS_MAX_ZONES)
		return fl_config_fail(where, err, "%zu zones are more than %d", zones->n,
				      PEERS_MAX_ZONES);
	for (size_t i = 0; i < zones->n; i++) {
		if (peers_check_zone(where, zones->items[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (strcmp(zones->items[i], zones->items[j]) == 0)
				return fl_config_fail(where, err, "zone %s stands twice in zones",
						      zones->items[i]);
	}
	return 0;
}

bool fl_settings_peer(const struct fl_settings *settings, const char *id, struct fl_peer *ret)
{
	const struct fl_node_settings *own = &settings->node;
	const struct fl_peer wanted = { .id = id }, *found = NULL;

	if (strcmp(own->id, id) == 0) {
		*ret = (struct fl_peer){ own->id, own->zone, own->max_volumes };
		return true;
	}
	if (settings->n_nodes)
		found = bsearch(&wanted, settings->nodes, settings->n_nodes, sizeof(wanted),
				peers_compare);
	if (found)
		*ret = *found;
	return found != NULL;
}
