/* SPDX-License-Identifier: Apache-2.0 */
#include "parameters.h"

#include <string.h>

#include "csi/convert.h"

#define PARAMETERS_MAX_MKFS 512

/* Ours. */
struct parameters_own {
	const char *pool;
	bool thin;
	const char *mkfs_options;
};

static const struct fl_option parameters_options[] = {
	{ .key = "pool",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct parameters_own, pool),
	  .help = "the pool of the configuration; required when there are several" },
	{ .key = "thin",
	  .kind = FL_OPTION_BOOL,
	  .offset = offsetof(struct parameters_own, thin),
	  .otherwise = "true",
	  .help = "take space as it is written" },
	{ .key = "mkfs_options",
	  .kind = FL_OPTION_STRING,
	  .offset = offsetof(struct parameters_own, mkfs_options),
	  .help = "further words for mkfs, separated by spaces" },
};

/* A table of options, to be looked through together with another. */
struct parameters_table {
	const struct fl_option *options;
	size_t n;
};

static bool parameters_table_has(const struct parameters_table *table, const char *key)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->options[i].key, key) == 0)
			return true;
	return false;
}

static int parameters_refuse(struct fl_arena *arena, const char *key,
			     const struct parameters_table *ours,
			     const struct parameters_table *theirs, struct fl_error *err)
{
	size_t n = ours->n + theirs->n;
	const char **words = fl_arena_array(arena, n + 1, sizeof(*words));
	const char *near;

	for (size_t i = 0; i < n; i++)
		words[i] = i < ours->n ? ours->options[i].key : theirs->options[i - ours->n].key;
	near = fl_text_nearest(key, words, n);
	if (near)
		return fl_error_set(err, FL_INVALID,
				    "unknown parameter \"%s\": did you mean \"%s\"?", key, near);
	return fl_error_set(err, FL_INVALID,
			    "unknown parameter \"%s\": `fairlead backend options` lists those that "
			    "there are",
			    key);
}

/* Sorts the pairs into ours and theirs. */
static int parameters_split(struct fl_arena *arena, const struct fl_pair *pairs, size_t n_pairs,
			    const struct parameters_table *ours,
			    const struct parameters_table *theirs, size_t n[2],
			    struct fl_pair *parts[2], struct fl_error *err)
{
	for (unsigned part = 0; part < 2; part++) {
		parts[part] = fl_arena_array(arena, n_pairs + 1, sizeof(struct fl_pair));
		n[part] = 0;
	}
	for (size_t i = 0; i < n_pairs; i++) {
		const char *key = pairs[i].key;
		if (fl_text_starts_with(key, CONTEXT_ORCHESTRATOR))
			continue;
		if (parameters_table_has(ours, key))
			parts[0][n[0]++] = pairs[i];
		else if (parameters_table_has(theirs, key))
			parts[1][n[1]++] = pairs[i];
		else
			return parameters_refuse(arena, key, ours, theirs, err);
	}
	return 0;
}

static const char *parameters_pool_names(const struct controller *c, struct fl_arena *arena)
{
	const char *list = "";

	for (size_t i = 0; i < c->pools->n; i++)
		list = fl_arena_printf(arena, "%s%s%s", list, i ? ", " : "",
				       c->pools->items[i]->name);
	return list;
}

static int parameters_pool(const struct controller *c, struct fl_arena *arena, const char *name,
			   struct fl_pool **ret, struct fl_error *err)
{
	if (!name && c->pools->n != 1)
		return fl_error_set(err, FL_INVALID,
				    "parameter \"pool\" is missing: it is one of %s",
				    parameters_pool_names(c, arena));
	*ret = name ? fl_pools_get(c->pools, name) : c->pools->items[0];
	if (!*ret)
		return fl_error_set(err, FL_INVALID,
				    "parameter \"pool\": there is no pool \"%s\", only %s", name,
				    parameters_pool_names(c, arena));
	return 0;
}

static int parameters_check_mkfs(const char *options, struct fl_error *err)
{
	if (options && strlen(options) > PARAMETERS_MAX_MKFS)
		return fl_error_set(err, FL_INVALID,
				    "parameter \"mkfs_options\" is longer than %d bytes",
				    PARAMETERS_MAX_MKFS);
	return 0;
}

int parameters_read(const struct controller *c, struct fl_arena *arena, struct fl_pool *pool,
		    const struct fl_pair *pairs, size_t n_pairs, struct parameters *ret,
		    struct fl_error *err)
{
	const struct parameters_table ours = { parameters_options, FL_COUNT(parameters_options) };
	const struct fl_backend *backend;
	struct parameters_table theirs;
	struct parameters_own own;
	struct fl_pair *parts[2];
	size_t n[2];
	void *filled;

	if (!pool && parameters_pool(c, arena, fl_pair_get(pairs, n_pairs, "pool"), &pool, err) < 0)
		return -1;
	backend = pool->backend;
	theirs = (struct parameters_table){ backend->parameters, backend->n_parameters };
	filled = fl_arena_alloc(arena, backend->parameters_size + 1);
	if (parameters_split(arena, pairs, n_pairs, &ours, &theirs, n, parts, err) < 0 ||
	    fl_config_fill_pairs(arena, parts[0], n[0], "parameters", ours.options, ours.n, &own,
				 sizeof(own), err) < 0 ||
	    fl_config_fill_pairs(arena, parts[1], n[1], "parameters", theirs.options, theirs.n,
				 filled, backend->parameters_size, err) < 0 ||
	    parameters_check_mkfs(own.mkfs_options, err) < 0)
		return -1;
	*ret = (struct parameters){ pool, own.thin, own.mkfs_options, filled };
	return 0;
}

int parameters_read_snapshot(struct fl_arena *arena, const struct fl_pool *pool,
			     const struct fl_pair *pairs, size_t n_pairs, const void **ret,
			     struct fl_error *err)
{
	const struct fl_backend *backend = pool->backend;
	const struct parameters_table ours = { NULL, 0 };
	const struct parameters_table theirs = { backend->snapshot_parameters,
						 backend->n_snapshot_parameters };
	void *filled = fl_arena_alloc(arena, backend->snapshot_parameters_size + 1);
	struct fl_pair *parts[2];
	size_t n[2];

	if (parameters_split(arena, pairs, n_pairs, &ours, &theirs, n, parts, err) < 0 ||
	    fl_config_fill_pairs(arena, parts[1], n[1], "snapshot parameters", theirs.options,
				 theirs.n, filled, backend->snapshot_parameters_size, err) < 0)
		return -1;
	*ret = filled;
	return 0;
}
