/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/record.h"

static int pass_read_targets(struct fl_arena *arena, const json_t *json, struct pass *ret)
{
	const json_t *array = json_object_get(json, "targets");
	size_t n = json_array_size(array);
	const char **items = fl_arena_array(arena, n + 1, sizeof(*items));

	if (n > PASS_TARGETS_MAX)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *target = json_string_value(json_array_get(array, i));

		if (!target || target[0] != '/')
			return -1;
		items[i] = fl_arena_strdup(arena, target);
	}
	ret->targets = (struct fl_strings){ .items = items, .n = n };
	return 0;
}

static int pass_read_source(struct fl_arena *arena, const json_t *json, struct pass *ret)
{
	json_t *object = json_object_get(json, "source");
	size_t n = 0, room = json_object_size(object);
	struct fl_pair *pairs = fl_arena_array(arena, room + 1, sizeof(*pairs));
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (!json_is_string(value))
			return -1;
		pairs[n].key = fl_arena_strdup(arena, key);
		pairs[n++].value = fl_arena_strdup(arena, json_string_value(value));
	}
	ret->source = pairs;
	ret->n_source = n;
	return 0;
}

static const char *pass_text(struct fl_arena *arena, const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text && *text ? fl_arena_strdup(arena, text) : NULL;
}

int pass_parse(struct fl_arena *arena, const char *text, size_t size, struct pass *ret,
	       struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	struct pass pass;

	if (fl_json_parse(text, size, "disk pass", &json, err) < 0)
		return -1;
	pass.volume = pass_text(arena, json, "volume");
	pass.vm = pass_text(arena, json, "vm");
	pass.token = pass_text(arena, json, "token");
	pass.image = pass_text(arena, json, "image");
	pass.read_only = json_is_true(json_object_get(json, "readonly"));
	if (!pass.volume || !pass.vm || !pass.token || !pass.image ||
	    strlen(pass.token) != PASS_TOKEN_LENGTH || pass_read_targets(arena, json, &pass) < 0 ||
	    pass_read_source(arena, json, &pass) < 0)
		return fl_error_set(err, FL_INTERNAL, "a disk pass is damaged");
	*ret = pass;
	return 0;
}

static const char *pass_file_name(const char *volume_id, char ret[40])
{
	char hash[65];

	fl_text_sha256(volume_id, strlen(volume_id), hash);
	snprintf(ret, 40, "%.32s.pass", hash);
	return ret;
}

/* A record, because a byte that is wrong in a path or a token would still be JSON. */
static int pass_read_record(struct fl_arena *arena, int state_fd, const char *volume_id,
			    struct fl_record *ret, struct fl_error *err)
{
	char name[40];

	if (fl_record_get(arena, state_fd, pass_file_name(volume_id, name), ret, err) < 0)
		return fl_error_prefix(err, "the node's copy of the disk pass of volume %s",
				       volume_id);
	return 0;
}

int pass_load(struct fl_arena *arena, int state_fd, const char *volume_id, bool *ret_found,
	      struct pass *ret, struct fl_error *err)
{
	struct fl_record record;

	*ret_found = false;
	if (pass_read_record(arena, state_fd, volume_id, &record, err) < 0)
		return -1;
	if (record.version == 0)
		return 0;
	if (pass_parse(arena, record.value, strlen(record.value), ret, err) < 0)
		return fl_error_prefix(err, "volume %s", volume_id);
	if (strcmp(ret->volume, volume_id) != 0)
		return fl_error_set(err, FL_INTERNAL, "the disk pass of volume %s is volume %s's",
				    volume_id, ret->volume);
	*ret_found = true;
	return 0;
}

static const char *pass_format(struct fl_arena *arena, const struct pass *pass)
{
	fl_cleanup(fl_json_release) json_t *json =
		json_pack("{s:s, s:s, s:s, s:s, s:b, s:[], s:{}}", "volume", pass->volume, "vm",
			  pass->vm, "token", pass->token, "image", pass->image, "readonly",
			  pass->read_only, "targets", "source");

	for (size_t i = 0; i < pass->targets.n; i++)
		json_array_append_new(json_object_get(json, "targets"),
				      json_string(pass->targets.items[i]));
	for (size_t i = 0; i < pass->n_source; i++)
		json_object_set_new(json_object_get(json, "source"), pass->source[i].key,
				    json_string(pass->source[i].value));
	return fl_json_dump(arena, json);
}

int pass_store(struct fl_arena *arena, int state_fd, const struct pass *pass, struct fl_error *err)
{
	struct fl_record now;
	uint64_t version;
	char name[40];

	if (pass_read_record(arena, state_fd, pass->volume, &now, err) < 0)
		return -1;
	return fl_record_compare_and_set(arena, state_fd, pass_file_name(pass->volume, name),
					 now.version, pass_format(arena, pass), &version, err);
}

int pass_forget(int state_fd, const char *volume_id, struct fl_error *err)
{
	char name[40], unfinished[48];

	/* What a write that was cut off left beside it goes as well. */
	pass_file_name(volume_id, name);
	snprintf(unfinished, sizeof(unfinished), "%s.new", name);
	if ((unlinkat(state_fd, unfinished, 0) < 0 && errno != ENOENT) ||
	    (unlinkat(state_fd, name, 0) < 0 && errno != ENOENT))
		return fl_error_sys(err, errno, "removing the disk pass of volume %s", volume_id);
	return fl_file_sync_dir(state_fd, err);
}

int pass_new_token(struct fl_arena *arena, const char **ret, struct fl_error *err)
{
	unsigned char bytes[PASS_TOKEN_LENGTH / 2];
	char *text = fl_arena_alloc(arena, PASS_TOKEN_LENGTH + 1);

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return fl_error_sys(err, errno, "asking for random bytes");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	*ret = text;
	return 0;
}

bool pass_token_is(const struct pass *pass, const char *token)
{
	unsigned char difference = 0;

	if (strlen(token) != PASS_TOKEN_LENGTH)
		return false;
	for (size_t i = 0; i < PASS_TOKEN_LENGTH; i++)
		difference |= (unsigned char)(pass->token[i] ^ token[i]);
	return difference == 0;
}

bool pass_has_target(const struct pass *pass, const char *target)
{
	for (size_t i = 0; i < pass->targets.n; i++) {
		if (strcmp(pass->targets.items[i], target) == 0)
			return true;
	}
	return false;
}

int pass_with_target(struct fl_arena *arena, const struct pass *pass, const char *target,
		     struct pass *ret, struct fl_error *err)
{
	const char **items = fl_arena_array(arena, pass->targets.n + 1, sizeof(*items));

	*ret = *pass;
	if (pass_has_target(pass, target))
		return 0;
	if (pass->targets.n >= PASS_TARGETS_MAX)
		return fl_error_set(err, FL_IN_USE, "volume %s is published at %d paths already",
				    pass->volume, PASS_TARGETS_MAX);
	if (pass->targets.n > 0)
		memcpy(items, pass->targets.items, pass->targets.n * sizeof(*items));
	items[pass->targets.n] = target;
	ret->targets = (struct fl_strings){ .items = items, .n = pass->targets.n + 1 };
	return 0;
}

struct pass pass_without_target(struct fl_arena *arena, const struct pass *pass, const char *target)
{
	const char **items = fl_arena_array(arena, pass->targets.n + 1, sizeof(*items));
	struct pass without = *pass;
	size_t n = 0;

	for (size_t i = 0; i < pass->targets.n; i++) {
		if (strcmp(pass->targets.items[i], target) != 0)
			items[n++] = pass->targets.items[i];
	}
	without.targets = (struct fl_strings){ .items = items, .n = n };
	return without;
}
