/* SPDX-License-Identifier: Apache-2.0 */
#include "disks.h"

#include <string.h>

#include "base/channel.h"
#include "base/clock.h"

/* The service answers from memory, or asks a launcher that does. */
#define DISKS_TIMEOUT_MS 10000

/* A call of the service; `params` is taken over.  The result's JSON is valid until `answer` is
 * released. */
static int disks_call(const struct controller *c, const struct fl_op *op, const char *method,
		      json_t *params, struct fl_channel_message *answer, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *owned = params;
	fl_cleanup(fl_close) int fd = -1;
	struct fl_op bounded = *op;

	bounded.deadline = fl_clock_earlier(op->deadline, fl_clock_after_ms(DISKS_TIMEOUT_MS));
	if (fl_channel_connect(c->pools->settings->node.disks, &fd, err) < 0 ||
	    fl_channel_call(&bounded, fd, method, owned, NULL, 0, answer, err) < 0)
		return fl_error_prefix(err, "asking the node's disk service (%s)", method);
	return 0;
}

/* The index of `word` in a table of n words; FL_INTERNAL when it is none of them. */
static int disks_word(const char *const *words, size_t n, const char *word, unsigned *ret,
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

int disks_where(const struct controller *c, const struct fl_op *op, const char *volume_id,
		struct disks_place *ret, struct fl_error *err)
{
	static const char *const states[] = {
		[DISKS_ABSENT] = "absent",
		[DISKS_STAGED] = "staged",
		[DISKS_KERNEL] = "kernel",
		[DISKS_VM] = "vm",
	};
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	const char *word, *vm;
	unsigned state = 0;
	bool plugged;

	if (disks_call(c, op, "where", json_pack("{s:s}", "volume", volume_id), &answer, err) < 0 ||
	    fl_json_text(answer.json, "state", "", &word, err) < 0 ||
	    fl_json_text(answer.json, "vm", "", &vm, err) < 0 ||
	    fl_json_bool(answer.json, "plugged", false, &plugged, err) < 0 ||
	    disks_word(states, FL_COUNT(states), word, &state, err) < 0)
		return -1;
	*ret = (struct disks_place){ (enum disks_state)state, fl_arena_strdup(op->arena, vm),
				     plugged };
	return 0;
}

static json_t *disks_job_params(const struct disks_job *job)
{
	return json_pack("{s:s, s:s}", "volume", job->volume_id, "job", job->job);
}

int disks_copy_start(const struct controller *c, const struct fl_op *op,
		     const struct disks_job *job, const char *path, int64_t *ret_cut_ns,
		     struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	json_t *params = disks_job_params(job);
	int64_t cut_ns;

	json_object_set_new(params, "path", json_string(path));
	if (disks_call(c, op, "copy-start", params, &answer, err) < 0 ||
	    fl_json_number(answer.json, "cut_ns", 0, &cut_ns, err) < 0)
		return -1;
	if (cut_ns <= 0)
		return fl_error_set(err, FL_INTERNAL,
				    "the node's disk service started copy %s without saying when",
				    job->job);
	*ret_cut_ns = cut_ns;
	return 0;
}

int disks_copy_status(const struct controller *c, const struct fl_op *op,
		      const struct disks_job *job, struct disks_progress *ret, struct fl_error *err)
{
	static const char *const states[] = {
		[DISKS_JOB_RUNNING] = "running",
		[DISKS_JOB_DONE] = "done",
		[DISKS_JOB_FAILED] = "failed",
		[DISKS_JOB_UNKNOWN] = "unknown",
	};
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	const char *word, *error;
	int64_t done, total;
	unsigned state = 0;

	if (disks_call(c, op, "copy-status", disks_job_params(job), &answer, err) < 0 ||
	    fl_json_text(answer.json, "state", "", &word, err) < 0 ||
	    fl_json_text(answer.json, "error", "", &error, err) < 0 ||
	    fl_json_number(answer.json, "done", 0, &done, err) < 0 ||
	    fl_json_number(answer.json, "total", 0, &total, err) < 0 ||
	    disks_word(states, FL_COUNT(states), word, &state, err) < 0)
		return -1;
	*ret = (struct disks_progress){
		.state = (enum disks_job_state)state,
		.done = done > 0 ? (uint64_t)done : 0,
		.total = total > 0 ? (uint64_t)total : 0,
		.error = fl_arena_strdup(op->arena, error),
	};
	return 0;
}

int disks_copy_finish(const struct controller *c, const struct fl_op *op,
		      const struct disks_job *job, struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };

	return disks_call(c, op, "copy-finish", disks_job_params(job), &answer, err);
}
