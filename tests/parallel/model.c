/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

static bool fits(const struct model_op *op, struct model_state state)
{
	return state.content == op->content && state.mib >= op->mib &&
	       (!op->limit || state.mib <= op->limit);
}

static bool step_create(const struct model_op *op, struct model_state *state)
{
	bool existed = state->exists;

	if (op->code == FL_EXISTS)
		return existed && !fits(op, *state);
	if (op->code == FL_NOT_FOUND)
		return op->content && !(existed && fits(op, *state));
	if (op->code != FL_OK)
		return false;
	if (!existed)
		*state =
			(struct model_state){ .exists = 1, .content = op->content, .mib = op->mib };
	return fits(op, *state) && op->answer == state->mib;
}

static bool step_delete(const struct model_op *op, struct model_state *state)
{
	if (op->code == FL_IN_USE)
		return state->exists && state->node;
	if (op->code != FL_OK || state->node)
		return false;
	*state = (struct model_state){ 0 };
	return true;
}

static bool step_publish(const struct model_op *op, struct model_state *state)
{
	if (op->code == FL_NOT_FOUND)
		return !state->exists;
	if (op->code == FL_IN_USE)
		return state->node && state->node != op->node;
	if (op->code != FL_OK || !state->exists || (state->node && state->node != op->node))
		return false;
	state->node = op->node;
	return true;
}

static bool step_unpublish(const struct model_op *op, struct model_state *state)
{
	if (state->node == op->node)
		state->node = 0;
	return op->code == FL_OK;
}

static bool step_expand(const struct model_op *op, struct model_state *state)
{
	if (op->code == FL_NOT_FOUND)
		return !state->exists;
	if (state->exists && state->mib < op->mib)
		state->mib = op->mib;
	return op->code == FL_OK && state->exists && (op->lost || op->answer == state->mib);
}

static bool step_present(const struct model_op *op, struct model_state *state)
{
	(void)op;
	return state->exists;
}

static bool step_seen(const struct model_op *op, struct model_state *state)
{
	return state->exists && state->mib == op->answer && state->content == op->content;
}

static bool step_on_node(const struct model_op *op, struct model_state *state)
{
	return state->exists && state->node == op->node;
}

static bool step_in_use(const struct model_op *op, struct model_state *state)
{
	(void)op;
	return state->node;
}

static bool step_absent(const struct model_op *op, struct model_state *state)
{
	(void)op;
	return !state->exists;
}

static const struct {
	const char *name;
	bool (*step)(const struct model_op *op, struct model_state *state);
	bool changes;
} model_kinds[MODEL_KINDS] = {
	[MODEL_CREATE] = { "create", step_create, true },
	[MODEL_DELETE] = { "delete", step_delete, true },
	[MODEL_PUBLISH] = { "publish", step_publish, true },
	[MODEL_UNPUBLISH] = { "unpublish", step_unpublish, true },
	[MODEL_EXPAND] = { "expand", step_expand, true },
	[MODEL_PRESENT] = { "present", step_present, false },
	[MODEL_SEEN] = { "seen", step_seen, false },
	[MODEL_ON_NODE] = { "on node", step_on_node, false },
	[MODEL_IN_USE] = { "in use", step_in_use, false },
	[MODEL_ABSENT] = { "absent", step_absent, false },
};

bool model_step(const struct model_op *op, struct model_state state, struct model_state *ret)
{
	*ret = state;
	return model_kinds[op->kind].step(op, ret);
}

bool model_changes(const struct model_op *op)
{
	return model_kinds[op->kind].changes && op->code == FL_OK;
}

const char *model_kind_name(enum model_kind kind)
{
	return model_kinds[kind].name;
}
