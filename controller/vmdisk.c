/* SPDX-License-Identifier: Apache-2.0 */
#include "vmdisk.h"

#include <string.h>

#include "base/channel.h"
#include "base/clock.h"

/* The service answers from memory, or asks a launcher that does. */
#define VMDISK_TIMEOUT_MS 10000

/* A call of the service; `params` is taken over.  The result's JSON is valid until `answer` is
 * released. */
static int vmdisk_call(const struct controller *c, const struct fl_op *op, const char *method,
		       json_t *params, struct fl_channel_message *answer, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *owned = params;
	fl_cleanup(fl_close) int fd = -1;
	struct fl_op bounded = *op;

	bounded.deadline = fl_clock_earlier(op->deadline, fl_clock_after_ms(VMDISK_TIMEOUT_MS));
	if (fl_channel_connect(c->pools->settings->node.disks, &fd, err) < 0 ||
	    fl_channel_call(&bounded, fd, method, owned, NULL, 0, answer, err) < 0) {
		/* To our callers that word means "no such volume", which CSI takes for success. */
		if (err->code == FL_NOT_FOUND)
			err->code = FL_INTERNAL;
		return fl_error_prefix(err, "asking the node's disk service (%s)", method);
	}
	return 0;
}

/* The index of `word` in a table of n words; FL_INTERNAL when it is none of them. */
static int vmdisk_word(const char *const *words, size_t n, const char *word, unsigned *ret,
		       struct fl_error *err)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(words[i], word) == 0) {
			*ret = i;
			return 0;
		}
	}
	return fl_error_set(err, FL_INTERNAL,
			    "the node's disk service says \"%s\", which this version does not know",
			    word);
}

int vmdisk_where(const struct controller *c, const struct fl_op *op, const char *volume_id,
		 struct vmdisk_place *ret, struct fl_error *err)
{
	static const char *const states[] = {
		[VMDISK_ABSENT] = "absent",
		[VMDISK_STAGED] = "staged",
		[VMDISK_KERNEL] = "kernel",
		[VMDISK_VM] = "vm",
	};
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	const char *word, *vm;
	unsigned state = 0;
	bool plugged;

	if (vmdisk_call(c, op, "where", json_pack("{s:s}", "volume", volume_id), &answer, err) <
		    0 ||
	    fl_json_text(answer.json, "state", "", &word, err) < 0 ||
	    fl_json_text(answer.json, "vm", "", &vm, err) < 0 ||
	    fl_json_bool(answer.json, "plugged", false, &plugged, err) < 0 ||
	    vmdisk_word(states, FL_COUNT(states), word, &state, err) < 0)
		return -1;
	*ret = (struct vmdisk_place){ (enum vmdisk_state)state, fl_arena_strdup(op->arena, vm),
				      plugged };
	return 0;
}

int vmdisk_limits(const struct controller *c, const struct fl_op *op, const char *volume_id,
		  struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };

	return vmdisk_call(c, op, "limits", json_pack("{s:s}", "volume", volume_id), &answer, err);
}

int vmdisk_hold(const struct controller *c, const struct fl_op *op, const char *volume_id,
		const char *hold, uint64_t ms, struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };

	return vmdisk_call(c, op, "hold",
			   json_pack("{s:s, s:s, s:I}", "volume", volume_id, "hold", hold, "ms",
				     (json_int_t)ms),
			   &answer, err);
}

int vmdisk_unhold(const struct controller *c, const struct fl_op *op, const char *volume_id,
		  const char *hold, bool *ret_stood, struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };

	if (vmdisk_call(c, op, "unhold", json_pack("{s:s, s:s}", "volume", volume_id, "hold", hold),
			&answer, err) < 0)
		return -1;
	return fl_json_bool(answer.json, "stood", false, ret_stood, err);
}

static json_t *vmdisk_job_params(const struct vmdisk_job *job)
{
	return json_pack("{s:s, s:s}", "volume", job->volume_id, "job", job->job);
}

int vmdisk_copy_start(const struct controller *c, const struct fl_op *op,
		      const struct vmdisk_job *job, const char *path, int64_t *ret_cut_ns,
		      struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	json_t *params = vmdisk_job_params(job);
	int64_t cut_ns;

	json_object_set_new(params, "path", json_string(path));
	if (vmdisk_call(c, op, "copy-start", params, &answer, err) < 0 ||
	    fl_json_number(answer.json, "cut_ns", 0, &cut_ns, err) < 0)
		return -1;
	if (cut_ns <= 0)
		return fl_error_set(err, FL_INTERNAL,
				    "the node's disk service started copy %s without saying when",
				    job->job);
	*ret_cut_ns = cut_ns;
	return 0;
}

int vmdisk_copy_status(const struct controller *c, const struct fl_op *op,
		       const struct vmdisk_job *job, struct vmdisk_progress *ret,
		       struct fl_error *err)
{
	static const char *const states[] = {
		[VMDISK_JOB_RUNNING] = "running",
		[VMDISK_JOB_DONE] = "done",
		[VMDISK_JOB_FAILED] = "failed",
		[VMDISK_JOB_UNKNOWN] = "unknown",
	};
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	const char *word, *error;
	int64_t done, total;
	unsigned state = 0;

	if (vmdisk_call(c, op, "copy-status", vmdisk_job_params(job), &answer, err) < 0 ||
	    fl_json_text(answer.json, "state", "", &word, err) < 0 ||
	    fl_json_text(answer.json, "error", "", &error, err) < 0 ||
	    fl_json_number(answer.json, "done", 0, &done, err) < 0 ||
	    fl_json_number(answer.json, "total", 0, &total, err) < 0 ||
	    vmdisk_word(states, FL_COUNT(states), word, &state, err) < 0)
		return -1;
	*ret = (struct vmdisk_progress){
		.state = (enum vmdisk_job_state)state,
		.done = done > 0 ? (uint64_t)done : 0,
		.total = total > 0 ? (uint64_t)total : 0,
		.error = fl_arena_strdup(op->arena, error),
	};
	return 0;
}

int vmdisk_copy_finish(const struct controller *c, const struct fl_op *op,
		       const struct vmdisk_job *job, struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };

	return vmdisk_call(c, op, "copy-finish", vmdisk_job_params(job), &answer, err);
}
