/* SPDX-License-Identifier: Apache-2.0 */
/* Metric: counters, gauges and histograms of this process, rendered in Prometheus' text format.
 *
 * Metrics are static objects of their module, registered once at start; adding to one is an atomic
 * operation.  At most two label keys; label values come from small closed sets (method names,
 * codes, pool names), never from a peer's text. */
#pragma once

#include <stdint.h>
#include <stdio.h>

enum fl_metric_kind { FL_METRIC_COUNTER, FL_METRIC_GAUGE, FL_METRIC_HISTOGRAM };

struct fl_metric_series; /* one combination of label values */

struct fl_metric {
	const char *name; /* "fairlead_rpc_seconds" */
	const char *help;
	enum fl_metric_kind kind;
	const char *labels[2]; /* keys; NULL when unused */
	/* For gauges that are asked for when rendered, instead of set: NULL otherwise. */
	double (*read)(void);
	struct fl_metric_series *series;
	struct fl_metric *next;
};

/* Adds the metric to what fl_metric_render prints.  Registering twice does nothing. */
void fl_metric_register(struct fl_metric *metric);
/* Counter += by, gauge += by (may be negative).  a and b are the label values, NULL when unused.
 * At most 512 series a metric; what is above is counted under label value "other". */
void fl_metric_add(struct fl_metric *metric, const char *a, const char *b, double by);
void fl_metric_set(struct fl_metric *metric, const char *a, const char *b, double value);
/* Histogram: buckets 1 ms, 5 ms, 10 ms, 50 ms, 100 ms, 500 ms, 1 s, 5 s, 10 s, 60 s, +Inf. */
void fl_metric_observe(struct fl_metric *metric, const char *a, const char *b, double seconds);

/* All registered metrics in registration order. */
void fl_metric_render(FILE *out);
