/* SPDX-License-Identifier: Apache-2.0 */
#include "edge.h"

#include <string.h>

#include "base/log.h"
#include "base/metric.h"

#define EDGE_VALUE_MAX 256 /* bytes of one logged field: a peer may send a megabyte */

/* Fields of requests that are worth a place in the log, and harmless. */
static const struct {
	const char *field;
	const char *key;
} edge_fields[] = {
	{ "name", "name" },
	{ "volume_id", "volume" },
	{ "source_volume_id", "volume" },
	{ "snapshot_id", "snapshot" },
	{ "base_snapshot_id", "base" },
	{ "target_snapshot_id", "snapshot" },
	{ "group_snapshot_id", "group_snapshot" },
	{ "node_id", "node" },
	{ "staging_target_path", "staging" },
	{ "target_path", "target" },
	{ "volume_path", "path" },
};

/* Calls that orchestrators make every few seconds: their successes are said at debug level. */
static const char *const edge_quiet[] = {
	"Probe",
	"GetPluginInfo",
	"GetPluginCapabilities",
	"ControllerGetCapabilities",
	"NodeGetCapabilities",
	"GroupControllerGetCapabilities",
};

static struct fl_metric edge_seconds = {
	.name = "fairlead_rpc_seconds",
	.help = "Time from a call's arrival to its answer.",
	.kind = FL_METRIC_HISTOGRAM,
	.labels = { "method", "code" },
};
static struct fl_metric edge_queued = {
	.name = "fairlead_rpc_queue_seconds",
	.help = "Time that calls waited for a worker.",
	.kind = FL_METRIC_HISTOGRAM,
};
static struct fl_metric edge_cancelled = {
	.name = "fairlead_rpc_cancelled_total",
	.help = "Calls whose caller had left before the answer.",
	.kind = FL_METRIC_COUNTER,
	.labels = { "method" },
};

void edge_init(void)
{
	fl_metric_register(&edge_seconds);
	fl_metric_register(&edge_queued);
	fl_metric_register(&edge_cancelled);
}

/* A peer chooses the name of a method that nobody serves: it must not become a label. */
static const char *edge_label(const struct rpc_done *done)
{
	return *done->service ? done->method : "unknown";
}

static void edge_field(struct fl_log_line *line, const ProtobufCMessage *request, const char *field,
		       const char *key)
{
	const ProtobufCFieldDescriptor *row =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, field);
	char value[EDGE_VALUE_MAX + sizeof("...")];
	const char *text;
	size_t length;

	if (!row || row->type != PROTOBUF_C_TYPE_STRING || row->label == PROTOBUF_C_LABEL_REPEATED)
		return;
	memcpy(&text, (const char *)request + row->offset, sizeof(text));
	if (!text || !*text)
		return;
	length = strnlen(text, EDGE_VALUE_MAX + 1);
	if (length > EDGE_VALUE_MAX) {
		memcpy(value, text, EDGE_VALUE_MAX);
		memcpy(value + EDGE_VALUE_MAX, "...", sizeof("..."));
		text = value;
	}
	fl_log_text(line, key, text);
}

static enum fl_log_level edge_level(const struct rpc_done *done)
{
	if (done->error->code == FL_INTERNAL)
		return FL_LOG_ERROR;
	if (done->error->code != FL_OK)
		return FL_LOG_WARNING;
	for (size_t i = 0; i < FL_COUNT(edge_quiet); i++) {
		if (strcmp(done->method, edge_quiet[i]) == 0)
			return FL_LOG_DEBUG;
	}
	return FL_LOG_INFO;
}

static void edge_log(const struct rpc_done *done)
{
	struct fl_log_line line;

	fl_log_begin(&line, edge_level(done), "rpc");
	fl_log_text(&line, "id", done->id);
	fl_log_text(&line, "method", done->method);
	for (size_t i = 0; done->request && i < FL_COUNT(edge_fields); i++)
		edge_field(&line, done->request, edge_fields[i].field, edge_fields[i].key);
	fl_log_number(&line, "ms", (int64_t)(done->duration_us / 1000));
	if (done->queued_us >= 1000)
		fl_log_number(&line, "queued_ms", (int64_t)(done->queued_us / 1000));
	if (done->cancelled)
		fl_log_text(&line, "cancelled", "yes");
	if (done->peer > 0)
		fl_log_number(&line, "peer", done->peer);
	if (done->error->code == FL_OK)
		fl_log_text(&line, "code", "OK");
	else
		fl_log_error(&line, done->error);
	fl_log_end(&line);
}

void edge_done(void *cookie, const struct rpc_done *done)
{
	const char *method = edge_label(done);

	(void)cookie;
	fl_metric_observe(&edge_seconds, method, fl_error_name(done->error->code),
			  (double)done->duration_us / 1e6);
	fl_metric_observe(&edge_queued, NULL, NULL, (double)done->queued_us / 1e6);
	if (done->cancelled)
		fl_metric_add(&edge_cancelled, method, NULL, 1);
	edge_log(done);
}
