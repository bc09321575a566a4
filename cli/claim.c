/* SPDX-License-Identifier: Apache-2.0 */
#include "claim.h"

#include <string.h>

#include "base/channel.h"
#include "run.h"

static const char *claim_kind(const struct attachment_wish *wish)
{
	return wish->mount ? "mount" : wish->device ? "device" : "vm";
}

static json_t *claim_find(const struct note *note, const char *target, size_t *ret_at)
{
	json_t *targets = json_object_get(note->json, "targets");

	for (size_t i = 0; i < json_array_size(targets); i++) {
		json_t *row = json_array_get(targets, i);
		const char *path = json_string_value(json_object_get(row, "path"));

		if (path && (!target || strcmp(path, target) == 0)) {
			*ret_at = i;
			return row;
		}
	}
	return NULL;
}

/* All targets of a volume are of one kind, and a VM's disk pass is alone. */
static int claim_check(const struct note *note, const struct attachment_wish *wish,
		       const char *target, struct fl_error *err)
{
	size_t at;
	const json_t *row = claim_find(note, NULL, &at);
	const char *kind = json_string_value(json_object_get(row, "kind"));
	const char *path = json_string_value(json_object_get(row, "path"));

	if (!kind || !path || strcmp(path, target) == 0)
		return 0;
	if (strcmp(kind, claim_kind(wish)) != 0 || wish->vm)
		return fl_error_set(err, FL_IN_USE,
				    "volume %s is published as %s at %s: unpublish it first",
				    wish->volume, kind, path);
	return 0;
}

int claim_add(struct note *note, const struct attachment_wish *wish, const char *node,
	      const char *target, bool *ret_is_new, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *row = NULL;
	size_t at;

	*ret_is_new = !claim_find(note, target, &at);
	if (!*ret_is_new)
		return 0;
	if (claim_check(note, wish, target, err) < 0)
		return -1;
	row = json_pack("{s:s, s:s, s:b}", "path", target, "kind", claim_kind(wish), "readonly",
			wish->readonly);
	if (wish->vm)
		json_object_set_new(row, "vm", json_string(wish->vm));
	if (!note->json)
		note->json = json_pack("{s:s, s:s, s:[]}", "volume", wish->volume, "node", node,
				       "targets");
	if (!row || !note->json ||
	    json_array_append(json_object_get(note->json, "targets"), row) < 0)
		return fl_error_set(err, FL_INTERNAL, "the note of volume %s is not usable",
				    wish->volume);
	return 0;
}

const char *claim_next(const struct note *note, const char *only)
{
	size_t at;

	return json_string_value(json_object_get(claim_find(note, only, &at), "path"));
}

void claim_drop(struct note *note, const char *target)
{
	size_t at;

	if (claim_find(note, target, &at))
		json_array_remove(json_object_get(note->json, "targets"), at);
}

const char *claim_state(struct orchestrator *o, const char *volume, struct fl_error *why)
{
	struct fl_op op = { .id = "cli", .deadline = o->deadline, .arena = o->arena };
	fl_cleanup(fl_json_release) json_t *params = json_pack("{s:s}", "volume", volume);
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	fl_cleanup(fl_close) int fd = -1;
	const char *state;

	if (fl_channel_connect(run_path(o->arena, "disks.sock"), &fd, why) < 0 ||
	    fl_channel_call(&op, fd, "where", params, NULL, 0, &answer, why) < 0 ||
	    fl_json_text(answer.json, "state", "unknown", &state, why) < 0)
		return NULL;
	return fl_arena_strdup(o->arena, state);
}
