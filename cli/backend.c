/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/pools.h"
#include "output.h"
#include "verbs.h"

struct backend_options {
	const char *output;
};

static const struct cli_option backend_rows[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct backend_options, output),
	  .value = "FORMAT",
	  .otherwise = "table",
	  .words = output_words,
	  .help = "form of the result" },
};

static const struct output_column backend_columns[] = {
	{ "name", OUTPUT_TEXT, false },
	{ "offers", OUTPUT_LIST, false },
	{ "summary", OUTPUT_TEXT, false },
};

/* What it can do, in the words of `backend check`. */
static json_t *backend_offers(const struct fl_backend *backend)
{
	const struct {
		const char *word;
		bool is_offered;
	} offers[] = {
		{ "resize", backend->resize },
		{ "capacity", backend->capacity },
		{ "clones", backend->flags & FL_BACKEND_CLONES },
		{ "snapshots", backend->snapshots },
		{ "copies", backend->copies },
		{ "changes", backend->changes },
		{ "records", backend->records },
		{ "pool_records", backend->pool_records },
		{ "health", backend->health },
		{ "node-local", backend->flags & FL_BACKEND_NODE_LOCAL },
		{ "shared", backend->flags & FL_BACKEND_SHARED },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < FL_COUNT(offers); i++) {
		if (offers[i].is_offered)
			json_array_append_new(list, json_string(offers[i].word));
	}
	return list;
}

static int backend_list_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct backend_options *options = invocation->options;
	struct output_format format = { backend_columns, FL_COUNT(backend_columns),
					options->output };
	fl_cleanup(fl_json_release) json_t *list = json_array();
	struct fl_strings names;

	if (fl_backend_names(invocation->arena, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		const struct fl_backend *backend;

		if (fl_backend_load(names.items[i], &backend, err) < 0)
			return -1;
		json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "name", names.items[i],
						      "offers", backend_offers(backend), "summary",
						      backend->summary));
	}
	output_list(invocation->arena, &format, list);
	return 0;
}

const struct command backend_list_command = {
	.name = "backend list",
	.operands = "",
	.summary = "list the backends that can be loaded",
	.sets = { { backend_rows, FL_COUNT(backend_rows) } },
	.options_size = sizeof(struct backend_options),
	.run = backend_list_run,
};

static void backend_table(const char *title, const struct fl_option *options, size_t n)
{
	if (!n)
		return;
	printf("%s:\n", title);
	fl_config_print_options(stdout, options, n);
}

static int backend_options_run(const struct invocation *invocation, struct fl_error *err)
{
	const struct fl_backend *backend;

	if (fl_backend_load(invocation->operands.items[0], &backend, err) < 0)
		return -1;
	printf("%s: %s\n\n", backend->name, backend->summary);
	backend_table("options of a pool", backend->options, backend->n_options);
	backend_table("\nparameters of a StorageClass", backend->parameters, backend->n_parameters);
	backend_table("\nparameters of a VolumeSnapshotClass", backend->snapshot_parameters,
		      backend->n_snapshot_parameters);
	return 0;
}

const struct command backend_options_command = {
	.name = "backend options",
	.operands = "BACKEND",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "print the options and parameters of a backend",
	.details =
		"BACKEND is a name or the path of a shared object. The text comes from the tables "
		"that also check the configuration.",
	.run = backend_options_run,
};
