/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: the configuration file, checked whole before anything starts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peers.h"

#define POOL_NAME_BYTES 32
#define MAX_POOLS 256

static const char default_configuration[] =
	"pools: [ { name: default, backend: file, directory: /var/lib/fairlead/volumes } ]\n";

struct settings_top {
	uint64_t operation_timeout_ms;
};

struct settings_pool {
	const char *name;
	const char *backend;
	const char *multi_attach;
	struct fl_strings zones;
	uint64_t ephemeral_max_bytes;
};

static const char *const multi_attach_words[] = { "refuse", "trust", NULL };

static const struct fl_option top_options[] = {
	{ .key = "operation_timeout",
	  .kind = FL_OPTION_DURATION,
	  .offset = offsetof(struct settings_top, operation_timeout_ms),
	  .otherwise = "5m",
	  .help = "how long one operation may wait for the storage" },
};
static const char *const top_others[] = { "node", "nodes", "pools", NULL };

static const struct fl_option node_options[] = {
	{ .key = "id",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct fl_node_settings, id),
	  .help = "this node's id; the host name when absent" },
	{ .key = "zone",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct fl_node_settings, zone),
	  .help = "the zone this node is in" },
	{ .key = "disks",
	  .kind = FL_OPTION_PATH,
	  .offset = offsetof(struct fl_node_settings, disks),
	  .help = "socket of the disk service; disks.sock in $FAIRLEAD_RUN when absent" },
	{ .key = "state",
	  .kind = FL_OPTION_PATH,
	  .offset = offsetof(struct fl_node_settings, state),
	  .help = "directory for what the node keeps until the next boot; node in "
		  "$FAIRLEAD_RUN when absent" },
	{ .key = "max_volumes",
	  .kind = FL_OPTION_NUMBER,
	  .offset = offsetof(struct fl_node_settings, max_volumes),
	  .help = "volumes this node takes at most; 0 is no limit" },
};

static const struct fl_option pool_options[] = {
	{ .key = "name",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct settings_pool, name),
	  .required = true,
	  .help = "the pool's name" },
	{ .key = "backend",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct settings_pool, backend),
	  .required = true,
	  .help = "the kind of storage" },
	{ .key = "multi_attach",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct settings_pool, multi_attach),
	  .otherwise = "refuse",
	  .words = multi_attach_words,
	  .help = "trust: several nodes may have a volume at once, their users keep order" },
	{ .key = "ephemeral_max",
	  .kind = FL_OPTION_SIZE,
	  .offset = offsetof(struct settings_pool, ephemeral_max_bytes),
	  .otherwise = "10Gi",
	  .help = "the largest volume that a pod may have for its own life; 0: none" },
	{ .key = "zones",
	  .kind = FL_OPTION_LIST,
	  .offset = offsetof(struct settings_pool, zones),
	  .help = "the zones whose nodes reach the pool; all when absent" },
};

/* A path in $FAIRLEAD_RUN, where launchers and the command line look too. */
static const char *settings_run_path(struct fl_arena *arena, const char *name)
{
	const char *run = getenv("FAIRLEAD_RUN");

	return fl_arena_printf(arena, "%s/%s", run && run[0] == '/' ? run : "/run/fairlead", name);
}

static int settings_node_load(struct fl_arena *arena, const struct fl_config_node *root,
			      struct fl_node_settings *ret, struct fl_error *err)
{
	const struct fl_config_node *map = fl_config_get(root, "node");
	const struct fl_config_node *empty, *id;
	char host[256] = "";

	if (!map) {
		if (fl_config_parse(arena, "node", "", 0, &empty, err) < 0)
			return -1;
		map = empty;
	}
	if (fl_config_fill(arena, map, "node", node_options, FL_COUNT(node_options), NULL, ret,
			   sizeof(*ret), err) < 0)
		return -1;
	id = fl_config_get(map, "id");
	if (!ret->id) {
		if (gethostname(host, sizeof(host) - 1) < 0)
			return fl_error_sys(err, errno, "the host name");
		ret->id = fl_arena_strdup(arena, host);
	}
	if (!ret->disks)
		ret->disks = settings_run_path(arena, "disks.sock");
	if (!ret->state)
		ret->state = settings_run_path(arena, "node");
	if (peers_check_id(id ? id : map, ret->id, err) < 0 ||
	    peers_check_zone(fl_config_get(map, "zone"), ret->zone, err) < 0)
		return -1;
	return peers_check_limit(fl_config_get(map, "max_volumes"), ret->max_volumes, err);
}

/* The keys of a table, NULL-terminated: what the other table of the same map passes over. */
static const char *const *settings_keys(struct fl_arena *arena, const struct fl_option *options,
					size_t n_options)
{
	const char **keys = fl_arena_array(arena, n_options + 1, sizeof(*keys));

	for (size_t i = 0; i < n_options; i++)
		keys[i] = options[i].key;
	return keys;
}

static int settings_backend_load(const struct fl_config_node *map, const char *what,
				 const struct fl_backend **ret, struct fl_error *err)
{
	const struct fl_config_node *node = fl_config_get(map, "backend");
	struct fl_error error;

	if (!node || !fl_config_scalar(node))
		return fl_config_fail(node ? node : map, err,
				      node ? "%s: backend is not a word" : "%s: backend is missing",
				      what);
	if (fl_backend_load(fl_config_scalar(node), ret, &error) < 0)
		return fl_config_fail(node, err, "%s: %s", what, error.text);
	return 0;
}

/* One entry of `pools`: our own keys by our table, the rest by the backend's. */
static int settings_pool_load(struct fl_arena *arena, const struct fl_config_node *map,
			      const char *what, struct fl_pool_settings *ret,
			      const struct fl_backend **ret_backend, const void **ret_options,
			      struct fl_error *err)
{
	const struct fl_backend *backend;
	struct settings_pool pool;
	void *options;

	if (fl_config_kind(map) != FL_CONFIG_MAP)
		return fl_config_fail(map, err, "%s is not a map", what);
	if (settings_backend_load(map, what, &backend, err) < 0)
		return -1;
	if (fl_config_fill(arena, map, what, pool_options, FL_COUNT(pool_options),
			   settings_keys(arena, backend->options, backend->n_options), &pool,
			   sizeof(pool), err) < 0)
		return -1;
	if (!fl_text_is_safe_name(pool.name, POOL_NAME_BYTES))
		return fl_config_fail(fl_config_get(map, "name"), err,
				      "pool name \"%.80s\" is not 1 to %d letters, digits, dots, "
				      "dashes and underscores that begin with a letter or digit",
				      pool.name, POOL_NAME_BYTES);
	options = fl_arena_alloc(arena, backend->options_size);
	if (fl_config_fill(arena, map, what, backend->options, backend->n_options,
			   settings_keys(arena, pool_options, FL_COUNT(pool_options)), options,
			   backend->options_size, err) < 0)
		return -1;
	if (peers_check_zones(fl_config_get(map, "zones"), &pool.zones, err) < 0)
		return -1;
	*ret = (struct fl_pool_settings){ pool.name, pool.backend,
					  strcmp(pool.multi_attach, "trust") == 0, pool.zones,
					  pool.ephemeral_max_bytes };
	*ret_backend = backend;
	*ret_options = options;
	return 0;
}

static const char *settings_pool_what(struct fl_arena *arena, const struct fl_config_node *map,
				      size_t i)
{
	const struct fl_config_node *name = NULL;

	if (fl_config_kind(map) == FL_CONFIG_MAP)
		name = fl_config_get(map, "name");
	if (name && fl_config_scalar(name))
		return fl_arena_printf(arena, "pool \"%.80s\"", fl_config_scalar(name));
	return fl_arena_printf(arena, "pool number %zu", i + 1);
}

static int settings_pools_load(struct fl_arena *arena, const struct fl_config_node *list,
			       struct fl_settings *ret, struct fl_error *err)
{
	size_t n = fl_config_kind(list) == FL_CONFIG_LIST ? fl_config_count(list) : 0;
	struct fl_pool_settings *pools = fl_arena_array(arena, n + 1, sizeof(*pools));
	const struct fl_backend **backends = fl_arena_array(arena, n + 1, sizeof(*backends));
	const void **options = fl_arena_array(arena, n + 1, sizeof(*options));

	if (n == 0)
		return fl_config_fail(list, err, "pools is not a list of at least one pool");
	if (n > MAX_POOLS)
		return fl_config_fail(list, err, "%zu pools are more than %d", n, MAX_POOLS);
	for (size_t i = 0; i < n; i++) {
		const struct fl_config_node *map = fl_config_at(list, i, NULL);

		if (settings_pool_load(arena, map, settings_pool_what(arena, map, i), &pools[i],
				       &backends[i], &options[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (strcmp(pools[i].name, pools[j].name) == 0)
				return fl_config_fail(fl_config_get(map, "name"), err,
						      "there are two pools with the name \"%s\"",
						      pools[i].name);
	}
	ret->n_pools = n;
	ret->pools = pools;
	ret->backends = backends;
	ret->options = options;
	return 0;
}

static int settings_from(struct fl_arena *arena, const struct fl_config_node *root,
			 struct fl_settings *ret, struct fl_error *err)
{
	const struct fl_config_node *pools, *otherwise;
	struct fl_settings settings = { 0 };
	struct settings_top top;

	if (fl_config_kind(root) != FL_CONFIG_MAP)
		return fl_config_fail(root, err, "the configuration is not a map");
	if (fl_config_fill(arena, root, "the configuration", top_options, FL_COUNT(top_options),
			   top_others, &top, sizeof(top), err) < 0)
		return -1;
	if (peers_load(arena, fl_config_get(root, "nodes"), &settings, err) < 0 ||
	    settings_node_load(arena, root, &settings.node, err) < 0)
		return -1;
	settings.operation_timeout_ms = top.operation_timeout_ms;

	pools = fl_config_get(root, "pools");
	if (!pools) {
		if (fl_config_parse(arena, "embedded default", default_configuration,
				    sizeof(default_configuration) - 1, &otherwise, err) < 0)
			return -1;
		pools = fl_config_get(otherwise, "pools");
	}
	if (settings_pools_load(arena, pools, &settings, err) < 0)
		return -1;
	*ret = settings;
	return 0;
}

int fl_settings_load(struct fl_arena *arena, const char *path, struct fl_settings *ret,
		     struct fl_error *err)
{
	const struct fl_config_node *root;

	if (path) {
		if (fl_config_load(arena, path, &root, err) < 0)
			return -1;
	} else if (fl_config_parse(arena, "embedded default", "", 0, &root, err) < 0) {
		return -1;
	}
	return settings_from(arena, root, ret, err);
}
