/* SPDX-License-Identifier: Apache-2.0 */
/* Peers: reading and checking what the configuration says of nodes and zones.  For settings.c; who
 * asks for a node calls fl_settings_peer (pools.h). */
#pragma once

#include "pools.h"

/* `list` is the value of `nodes`, or NULL: ids, or maps of id, zone and max_volumes. */
int peers_load(struct fl_arena *arena, const struct fl_config_node *list, struct fl_settings *ret,
	       struct fl_error *err) fl_must_check;

/* FL_INVALID with the line of `where`.  Ids and zones are CSI's topology segments.  A zone may be
 * NULL. */
int peers_check_id(const struct fl_config_node *where, const char *id, struct fl_error *err)
	fl_must_check;
int peers_check_zone(const struct fl_config_node *where, const char *zone, struct fl_error *err)
	fl_must_check;
int peers_check_zones(const struct fl_config_node *where, const struct fl_strings *zones,
		      struct fl_error *err) fl_must_check;
int peers_check_limit(const struct fl_config_node *where, uint64_t max_volumes,
		      struct fl_error *err) fl_must_check;
