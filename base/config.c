/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#include "file.h"

#define CONFIG_MAX_BYTES ((size_t)1 << 20)
#define CONFIG_MAX_LEVELS 32
#define CONFIG_MAX_NODES 100000
#define CONFIG_MAX_KEYS 1000

struct fl_config_node {
	enum fl_config_kind kind;
	const char *file;
	size_t line;
	const char *text;                     /* of a scalar */
	const char **keys;                    /* of a map */
	const struct fl_config_node **values; /* of a map or list */
	size_t n;
	size_t n_keys_room;
	size_t n_values_room;
};

struct config_reader {
	yaml_parser_t yaml;
	struct fl_arena *arena;
	const char *name;
	size_t n_nodes;
	struct fl_error *err;
};

static int config_read_node(struct config_reader *r, const yaml_event_t *event, int level,
			    struct fl_config_node *ret);

static int config_refuse(struct config_reader *r, yaml_mark_t mark, const char *format, ...)
	fl_printf_like(3, 4);

static int config_refuse(struct config_reader *r, yaml_mark_t mark, const char *format, ...)
{
	va_list args;
	const char *text;

	va_start(args, format);
	text = fl_arena_vprintf(r->arena, format, args);
	va_end(args);
	return fl_error_set(r->err, FL_INVALID, "%s:%zu: %s", r->name, mark.line + 1, text);
}

static int config_next(struct config_reader *r, yaml_event_t *ret)
{
	const char *problem;

	if (yaml_parser_parse(&r->yaml, ret))
		return 0;
	/* So that its release finds nothing. */
	memset(ret, 0, sizeof(*ret));
	problem = r->yaml.problem ? r->yaml.problem : "it cannot be read";
	if (r->yaml.error == YAML_MEMORY_ERROR)
		return fl_error_set(r->err, FL_UNAVAILABLE, "%s: no memory to read it", r->name);
	if (r->yaml.error == YAML_READER_ERROR)
		return fl_error_set(r->err, FL_INVALID, "%s: not UTF-8 text: %s at byte %zu",
				    r->name, problem, r->yaml.problem_offset);
	return config_refuse(r, r->yaml.problem_mark, "not YAML: %s%s%s", problem,
			     r->yaml.context ? " " : "", r->yaml.context ? r->yaml.context : "");
}

/* Anchors, aliases and tags give one text two readings, and nothing here needs them. */
static int config_check_plain(struct config_reader *r, const yaml_event_t *event,
			      const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return config_refuse(r, event->start_mark, "anchors (&%.64s) are not supported",
				     (const char *)anchor);
	if (tag)
		return config_refuse(r, event->start_mark, "tags (%.64s) are not supported",
				     (const char *)tag);
	return 0;
}

static int config_read_scalar(struct config_reader *r, const yaml_event_t *event, const char **ret)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;

	if (config_check_plain(r, event, event->data.scalar.anchor, event->data.scalar.tag) < 0)
		return -1;
	if (memchr(text, '\0', length))
		return config_refuse(r, event->start_mark, "a text contains a NUL character");
	*ret = fl_arena_strndup(r->arena, text, length);
	return 0;
}

/* Appends the node that begins with `event` to a map or list.  `at` is where people look for it:
 * what has a key is found at its key. */
static int config_add(struct config_reader *r, struct fl_config_node *to, const yaml_event_t *event,
		      int level, yaml_mark_t at)
{
	struct fl_config_node *node = fl_arena_alloc(r->arena, sizeof(*node));

	to->values = fl_arena_grow(r->arena, to->values, to->n, &to->n_values_room,
				   sizeof(to->values[0]));
	to->values[to->n] = node;
	if (config_read_node(r, event, level + 1, node) < 0)
		return -1;
	node->line = at.line + 1;
	to->n++;
	return 0;
}

static int config_read_list(struct config_reader *r, int level, struct fl_config_node *list)
{
	for (;;) {
		fl_cleanup(yaml_event_delete) yaml_event_t event = { .type = YAML_NO_EVENT };

		if (config_next(r, &event) < 0)
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (config_add(r, list, &event, level, event.start_mark) < 0)
			return -1;
	}
}

static int config_read_key(struct config_reader *r, const yaml_event_t *event,
			   struct fl_config_node *map)
{
	const char *key;

	if (event->type != YAML_SCALAR_EVENT)
		return config_refuse(r, event->start_mark, "a key must be a plain word");
	if (config_read_scalar(r, event, &key) < 0)
		return -1;
	if (!*key)
		return config_refuse(r, event->start_mark, "a key is empty");
	if (fl_config_get(map, key))
		return config_refuse(r, event->start_mark, "the key \"%s\" stands here twice", key);
	if (map->n >= CONFIG_MAX_KEYS)
		return config_refuse(r, event->start_mark, "more than %d keys in one map",
				     CONFIG_MAX_KEYS);
	map->keys =
		fl_arena_grow(r->arena, map->keys, map->n, &map->n_keys_room, sizeof(map->keys[0]));
	map->keys[map->n] = key;
	return 0;
}

static int config_read_map(struct config_reader *r, int level, struct fl_config_node *map)
{
	for (;;) {
		fl_cleanup(yaml_event_delete) yaml_event_t key = { .type = YAML_NO_EVENT };
		fl_cleanup(yaml_event_delete) yaml_event_t value = { .type = YAML_NO_EVENT };

		if (config_next(r, &key) < 0)
			return -1;
		if (key.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (config_read_key(r, &key, map) < 0 || config_next(r, &value) < 0 ||
		    config_add(r, map, &value, level, key.start_mark) < 0)
			return -1;
	}
}

static int config_read_node(struct config_reader *r, const yaml_event_t *event, int level,
			    struct fl_config_node *ret)
{
	if (++r->n_nodes > CONFIG_MAX_NODES)
		return config_refuse(r, event->start_mark, "more than %d values", CONFIG_MAX_NODES);
	if (level > CONFIG_MAX_LEVELS)
		return config_refuse(r, event->start_mark, "nested deeper than %d levels",
				     CONFIG_MAX_LEVELS);
	ret->file = r->name;
	ret->line = event->start_mark.line + 1;
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		ret->kind = FL_CONFIG_SCALAR;
		return config_read_scalar(r, event, &ret->text);
	case YAML_SEQUENCE_START_EVENT:
		ret->kind = FL_CONFIG_LIST;
		if (config_check_plain(r, event, event->data.sequence_start.anchor,
				       event->data.sequence_start.tag) < 0)
			return -1;
		return config_read_list(r, level, ret);
	case YAML_MAPPING_START_EVENT:
		ret->kind = FL_CONFIG_MAP;
		if (config_check_plain(r, event, event->data.mapping_start.anchor,
				       event->data.mapping_start.tag) < 0)
			return -1;
		return config_read_map(r, level, ret);
	case YAML_ALIAS_EVENT:
		return config_refuse(r, event->start_mark, "aliases (*%.64s) are not supported",
				     (const char *)event->data.alias.anchor);
	default:
		return config_refuse(r, event->start_mark, "a value is missing");
	}
}

/* Reads the next event, which must be of a type: libyaml promises that it is, except where the text
 * goes on with another document. */
static int config_expect(struct config_reader *r, yaml_event_type_t type)
{
	fl_cleanup(yaml_event_delete) yaml_event_t event = { .type = YAML_NO_EVENT };

	if (config_next(r, &event) < 0)
		return -1;
	if (event.type != type)
		return config_refuse(r, event.start_mark, "a second document begins here");
	return 0;
}

static int config_read_document(struct config_reader *r, struct fl_config_node *root)
{
	fl_cleanup(yaml_event_delete) yaml_event_t start = { .type = YAML_NO_EVENT };
	fl_cleanup(yaml_event_delete) yaml_event_t first = { .type = YAML_NO_EVENT };

	*root = (struct fl_config_node){ .kind = FL_CONFIG_MAP, .file = r->name, .line = 1 };
	if (config_expect(r, YAML_STREAM_START_EVENT) < 0 || config_next(r, &start) < 0)
		return -1;
	if (start.type == YAML_STREAM_END_EVENT)
		return 0;
	if (config_next(r, &first) < 0 || config_read_node(r, &first, 1, root) < 0)
		return -1;
	if (root->kind == FL_CONFIG_SCALAR && !*root->text)
		root->kind = FL_CONFIG_MAP;
	if (config_expect(r, YAML_DOCUMENT_END_EVENT) < 0)
		return -1;
	return config_expect(r, YAML_STREAM_END_EVENT);
}

int fl_config_parse(struct fl_arena *arena, const char *name, const char *text, size_t size,
		    const struct fl_config_node **ret, struct fl_error *err)
{
	struct config_reader reader = { .arena = arena,
					.name = fl_arena_strdup(arena, name),
					.err = err };
	struct fl_config_node *root = fl_arena_alloc(arena, sizeof(*root));
	int status;

	if (size > CONFIG_MAX_BYTES)
		return fl_error_set(err, FL_INVALID, "%s is larger than 1 MiB", name);
	if (!yaml_parser_initialize(&reader.yaml))
		return fl_error_set(err, FL_UNAVAILABLE, "%s: no memory to read it", name);
	yaml_parser_set_encoding(&reader.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.yaml, (const unsigned char *)text, size);
	status = config_read_document(&reader, root);
	yaml_parser_delete(&reader.yaml);
	if (status == 0)
		*ret = root;
	return status;
}

int fl_config_load(struct fl_arena *arena, const char *path, const struct fl_config_node **ret,
		   struct fl_error *err)
{
	const char *text;
	size_t size;

	if (fl_file_read(arena, AT_FDCWD, path, CONFIG_MAX_BYTES, &text, &size, err) < 0)
		return -1;
	return fl_config_parse(arena, path, text, size, ret, err);
}

enum fl_config_kind fl_config_kind(const struct fl_config_node *node)
{
	return node->kind;
}

const struct fl_config_node *fl_config_get(const struct fl_config_node *map, const char *key)
{
	for (size_t i = 0; map->kind == FL_CONFIG_MAP && i < map->n; i++)
		if (strcmp(map->keys[i], key) == 0)
			return map->values[i];
	return NULL;
}

size_t fl_config_count(const struct fl_config_node *node)
{
	return node->n;
}

const struct fl_config_node *fl_config_at(const struct fl_config_node *node, size_t i,
					  const char **ret_key)
{
	if (ret_key)
		*ret_key = node->kind == FL_CONFIG_MAP ? node->keys[i] : NULL;
	return node->values[i];
}

const char *fl_config_scalar(const struct fl_config_node *node)
{
	return node->kind == FL_CONFIG_SCALAR ? node->text : NULL;
}

int fl_config_fail(const struct fl_config_node *node, struct fl_error *err, const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return fl_error_set(err, FL_INVALID, "%s:%zu: %s", node->file, node->line, text);
}
