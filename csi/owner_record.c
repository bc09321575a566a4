/* SPDX-License-Identifier: Apache-2.0 */
#include "csi/owner_record.h"

#include <string.h>

#include "base/json.h"

#define OWNER_MAX_ATTACHMENTS 1024

static const char *const owner_states[] = {
	[OWNER_IDLE] = "idle",
	[OWNER_OWNED] = "owned",
	[OWNER_HELD] = "held",
};

bool owner_has(const struct owner *owner, const char *node)
{
	for (size_t i = 0; i < owner->n_attachments; i++)
		if (strcmp(owner->attachments[i].node, node) == 0)
			return true;
	return false;
}

static int owner_parse_state(const json_t *json, enum owner_state *ret, struct fl_error *err)
{
	const char *word;

	if (fl_json_text(json, "state", "", &word, err) < 0)
		return -1;
	for (size_t i = 0; i < FL_COUNT(owner_states); i++) {
		if (strcmp(owner_states[i], word) == 0) {
			*ret = (enum owner_state)i;
			return 0;
		}
	}
	return fl_error_set(err, FL_INTERNAL,
			    "the owner record has state \"%s\", which this version does not know",
			    word);
}

static int owner_parse_attachment(struct fl_arena *arena, const json_t *json,
				  struct owner_attachment *ret, struct fl_error *err)
{
	const char *node, *mode;

	if (fl_json_text(json, "node", "", &node, err) < 0 ||
	    fl_json_text(json, "mode", "", &mode, err) < 0 ||
	    fl_json_bool(json, "block", false, &ret->block, err) < 0 ||
	    fl_json_bool(json, "readonly", false, &ret->read_only, err) < 0 ||
	    fl_json_bool(json, "leaving", false, &ret->leaving, err) < 0)
		return -1;
	ret->mode = access_mode_of(mode);
	if (node[0] == '\0' || !ret->mode)
		return fl_error_set(err, FL_INTERNAL,
				    "the owner record has an attachment without node or mode");
	ret->node = fl_arena_strdup(arena, node);
	return 0;
}

static int owner_parse_attachments(struct fl_arena *arena, const json_t *json, struct owner *ret,
				   struct fl_error *err)
{
	const json_t *list = json_object_get(json, "attachments");
	size_t n = json_array_size(list);

	if (n == 0 || n > OWNER_MAX_ATTACHMENTS)
		return fl_error_set(err, FL_INTERNAL,
				    "the owner record is owned but has %zu attachments", n);
	ret->attachments = fl_arena_array(arena, n, sizeof(*ret->attachments));
	ret->n_attachments = n;
	for (size_t i = 0; i < n; i++)
		if (owner_parse_attachment(arena, json_array_get(list, i), &ret->attachments[i],
					   err) < 0)
			return -1;
	return 0;
}

static int owner_parse_hold(struct fl_arena *arena, const json_t *json, struct owner *ret,
			    struct fl_error *err)
{
	const json_t *hold = json_object_get(json, "hold");
	const char *purpose;

	if (!json_is_object(hold))
		return fl_error_set(err, FL_INTERNAL, "the owner record is held for nothing");
	if (fl_json_text(hold, "for", "", &purpose, err) < 0 ||
	    fl_json_number(hold, "expires_ns", 0, &ret->hold_expires_ns, err) < 0)
		return -1;
	ret->hold_for = fl_arena_strdup(arena, purpose);
	return 0;
}

static int owner_parse(struct fl_arena *arena, const char *text, struct owner *ret,
		       struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	struct owner owner = { 0 };
	int64_t epoch;

	if (fl_json_parse(text, strlen(text), "owner record", &json, err) < 0)
		return -1;
	if (!json_is_object(json))
		return fl_error_set(err, FL_INTERNAL, "the owner record is no JSON object");
	if (fl_json_number(json, "epoch", -1, &epoch, err) < 0 ||
	    owner_parse_state(json, &owner.state, err) < 0)
		return -1;
	if (epoch < 0)
		return fl_error_set(err, FL_INTERNAL, "the owner record has no epoch");
	owner.epoch = (uint64_t)epoch;
	if (owner.state == OWNER_OWNED && owner_parse_attachments(arena, json, &owner, err) < 0)
		return -1;
	if (owner.state == OWNER_HELD && owner_parse_hold(arena, json, &owner, err) < 0)
		return -1;
	*ret = owner;
	return 0;
}

const char *owner_format(struct fl_arena *arena, const struct owner *owner)
{
	fl_cleanup(fl_json_release) json_t *json =
		json_pack("{s:I, s:s}", "epoch", (json_int_t)owner->epoch, "state",
			  owner_states[owner->state]);
	json_t *list = json_array();

	for (size_t i = 0; owner->state == OWNER_OWNED && i < owner->n_attachments; i++) {
		const struct owner_attachment *a = &owner->attachments[i];
		json_t *one = json_pack("{s:s, s:s, s:b, s:b}", "node", a->node, "mode",
					access_mode_name(a->mode), "block", (int)a->block,
					"readonly", (int)a->read_only);

		if (a->leaving)
			json_object_set_new(one, "leaving", json_true());
		json_array_append_new(list, one);
	}
	json_object_set_new(json, "attachments", list);
	if (owner->state == OWNER_HELD)
		json_object_set_new(json, "hold",
				    json_pack("{s:s, s:I}", "for", owner->hold_for, "expires_ns",
					      (json_int_t)owner->hold_expires_ns));
	return fl_json_dump(arena, json);
}

int owner_record_parse(struct fl_arena *arena, const struct fl_record *record, const char *id,
		       struct owner *ret, struct fl_error *err)
{
	struct owner owner = { .state = OWNER_IDLE };

	if (record->version && owner_parse(arena, record->value, &owner, err) < 0)
		return fl_error_prefix(err, "volume %s", id);
	owner.version = record->version;
	*ret = owner;
	return 0;
}

int owner_record_read(const struct fl_op *op, struct fl_pool *pool, const char *handle,
		      const char *id, struct owner *ret, struct fl_error *err)
{
	struct fl_record record = { 0 };

	if (pool->backend->records &&
	    fl_volume_record_get(pool, op, handle, FL_RECORD_OWNER, &record, err) < 0)
		return -1;
	return owner_record_parse(op->arena, &record, id, ret, err);
}
