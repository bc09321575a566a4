/* SPDX-License-Identifier: Apache-2.0 */
#include "group_record.h"

#include <string.h>

#include "base/json.h"

static const char *const group_words[] = {
	[GROUP_CUTTING] = "cutting",
	[GROUP_DONE] = "done",
	[GROUP_DELETING] = "deleting",
};

const char *group_handle(struct fl_arena *arena, const char *name)
{
	return fl_text_handle(arena, name, FL_HANDLE_BYTES);
}

static const char *group_key(const struct fl_op *op, const char *handle)
{
	return fl_arena_printf(op->arena, "%s.group", handle);
}

static int group_parse_state(const char *word, enum group_state *ret, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(group_words); i++) {
		if (strcmp(word, group_words[i]) == 0) {
			*ret = (enum group_state)i;
			return 0;
		}
	}
	return fl_error_set(err, FL_INTERNAL, "unknown state \"%.40s\"", word);
}

static int group_parse_member(struct fl_arena *arena, const json_t *json, struct group_member *ret,
			      struct fl_error *err)
{
	const char *volume, *snapshot;

	if (fl_json_text(json, "volume", "", &volume, err) < 0 ||
	    fl_json_text(json, "snapshot", "", &snapshot, err) < 0)
		return -1;
	if (!fl_text_is_safe_name(volume, 128) || !fl_text_is_safe_name(snapshot, 128))
		return fl_error_set(err, FL_INTERNAL, "a member without handles");
	*ret = (struct group_member){ fl_arena_strdup(arena, volume),
				      fl_arena_strdup(arena, snapshot) };
	return 0;
}

static int group_parse(struct fl_arena *arena, const json_t *json, struct group *ret,
		       struct fl_error *err)
{
	const json_t *members = json_object_get(json, "members");
	const char *word, *name;

	if (fl_json_text(json, "state", "", &word, err) < 0 ||
	    fl_json_text(json, "name", "", &name, err) < 0 ||
	    fl_json_number(json, "created_ns", 0, &ret->created_ns, err) < 0 ||
	    group_parse_state(word, &ret->state, err) < 0)
		return -1;
	ret->name = fl_arena_strdup(arena, name);
	ret->n_members = json_array_size(members);
	if (!*name || ret->n_members == 0 || ret->n_members > GROUP_MEMBERS_MAX)
		return fl_error_set(err, FL_INTERNAL, "no name, or %zu members", ret->n_members);
	ret->members = fl_arena_array(arena, ret->n_members, sizeof(*ret->members));
	for (size_t i = 0; i < ret->n_members; i++)
		if (group_parse_member(arena, json_array_get(members, i), &ret->members[i], err) <
		    0)
			return -1;
	return 0;
}

int group_read(const struct fl_op *op, struct fl_pool *pool, const char *handle, struct group *ret,
	       struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	struct fl_record record;

	*ret = (struct group){ 0 };
	if (strlen(handle) > FL_HANDLE_BYTES)
		return 0;
	if (fl_pool_record_get(pool, op, group_key(op, handle), &record, err) < 0)
		return -1;
	if (record.version == 0)
		return 0;
	if (fl_json_parse(record.value, strlen(record.value), "its record", &json, err) < 0 ||
	    group_parse(op->arena, json, ret, err) < 0)
		return fl_error_prefix(err, "group snapshot %s", handle);
	ret->version = record.version;
	return 0;
}

int group_write(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		struct group *group, struct fl_error *err)
{
	json_t *members = json_array();
	fl_cleanup(fl_json_release) json_t *json = json_pack(
		"{s:s, s:s, s:I, s:o}", "name", group->name, "state", group_words[group->state],
		"created_ns", (json_int_t)group->created_ns, "members", members);

	for (size_t i = 0; i < group->n_members; i++)
		json_array_append_new(members,
				      json_pack("{s:s, s:s}", "volume", group->members[i].volume,
						"snapshot", group->members[i].snapshot));
	if (!json || json_array_size(members) != group->n_members)
		return fl_error_set(err, FL_INTERNAL, "group snapshot %s cannot be noted", handle);
	return fl_pool_record_set(pool, op, group_key(op, handle), group->version,
				  fl_json_dump(op->arena, json), &group->version, err);
}

int group_remove(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		 const struct group *group, struct fl_error *err)
{
	if (strlen(handle) > FL_HANDLE_BYTES)
		return 0;
	return fl_pool_record_remove(pool, op, group_key(op, handle), group->version, err);
}

const struct group_member *group_member_of(const struct group *group, const char *snapshot)
{
	for (size_t i = 0; i < group->n_members; i++)
		if (strcmp(group->members[i].snapshot, snapshot) == 0)
			return &group->members[i];
	return NULL;
}
