/* SPDX-License-Identifier: Apache-2.0 */
#include "metric.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define METRIC_MAX_SERIES 512

static const double metric_bounds[] = { 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60 };
#define METRIC_BUCKETS (FL_COUNT(metric_bounds) + 1)

/* Series are only ever added, at the list's head, and never freed: readers need no lock. */
struct fl_metric_series {
	char *values[2];
	struct fl_metric_series *next;
	size_t number;        /* how many there are from here to the end of the list */
	_Atomic double value; /* of a histogram: the sum */
	_Atomic uint64_t buckets[METRIC_BUCKETS];
};

static pthread_mutex_t metric_lock = PTHREAD_MUTEX_INITIALIZER; /* for adding, not for reading */
static struct fl_metric *metric_first;
static struct fl_metric **metric_end = &metric_first;

static const char *metric_value(const char *text)
{
	return text ? text : "";
}

static struct fl_metric_series *metric_find(struct fl_metric *metric, const char *a, const char *b)
{
	struct fl_metric_series *s = __atomic_load_n(&metric->series, __ATOMIC_ACQUIRE);

	while (s && (strcmp(s->values[0], a) != 0 || strcmp(s->values[1], b) != 0))
		s = s->next;
	return s;
}

static struct fl_metric_series *metric_new(struct fl_metric *metric, const char *a, const char *b)
{
	struct fl_metric_series *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->values[0] = strdup(a);
	s->values[1] = strdup(b);
	if (!s->values[0] || !s->values[1])
		abort();
	s->next = metric->series;
	s->number = s->next ? s->next->number + 1 : 1;
	__atomic_store_n(&metric->series, s, __ATOMIC_RELEASE);
	return s;
}

/* The series of these label values, made if there is room for it, else the one called "other". */
static struct fl_metric_series *metric_series(struct fl_metric *metric, const char *a,
					      const char *b)
{
	struct fl_metric_series *s;

	a = metric->labels[0] ? metric_value(a) : "";
	b = metric->labels[1] ? metric_value(b) : "";
	s = metric_find(metric, a, b);
	if (s)
		return s;
	pthread_mutex_lock(&metric_lock);
	if (metric->series && metric->series->number >= METRIC_MAX_SERIES - 1) {
		a = metric->labels[0] ? "other" : "";
		b = metric->labels[1] ? "other" : "";
	}
	s = metric_find(metric, a, b);
	if (!s)
		s = metric_new(metric, a, b);
	pthread_mutex_unlock(&metric_lock);
	return s;
}

void fl_metric_register(struct fl_metric *metric)
{
	const struct fl_metric *m;

	pthread_mutex_lock(&metric_lock);
	for (m = metric_first; m && m != metric; m = m->next)
		continue;
	if (!m) {
		__atomic_store_n(metric_end, metric, __ATOMIC_RELEASE);
		metric_end = &metric->next;
	}
	pthread_mutex_unlock(&metric_lock);
	/* A metric without labels has its one series from the start: "0" is an answer, too. */
	if (!metric->labels[0] && !metric->read)
		metric_series(metric, NULL, NULL);
}

static void metric_add_double(_Atomic double *to, double by)
{
	double was = atomic_load_explicit(to, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(to, &was, was + by, memory_order_relaxed,
						      memory_order_relaxed))
		continue;
}

void fl_metric_add(struct fl_metric *metric, const char *a, const char *b, double by)
{
	metric_add_double(&metric_series(metric, a, b)->value, by);
}

void fl_metric_set(struct fl_metric *metric, const char *a, const char *b, double value)
{
	atomic_store_explicit(&metric_series(metric, a, b)->value, value, memory_order_relaxed);
}

void fl_metric_observe(struct fl_metric *metric, const char *a, const char *b, double seconds)
{
	struct fl_metric_series *s = metric_series(metric, a, b);
	size_t i = 0;

	while (i < FL_COUNT(metric_bounds) && seconds > metric_bounds[i])
		i++;
	atomic_fetch_add_explicit(&s->buckets[i], 1, memory_order_relaxed);
	metric_add_double(&s->value, seconds);
}

static void metric_escape(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			putc(*text, out);
	}
}

/* {a="x",b="y",le="0.5"}; `le` is NULL for all but buckets. */
static void metric_labels(FILE *out, const struct fl_metric *metric,
			  const struct fl_metric_series *s, const char *le)
{
	const char *keys[] = { metric->labels[0], metric->labels[1], le ? "le" : NULL };
	const char *values[] = { s->values[0], s->values[1], le };
	const char *before = "{";

	for (size_t i = 0; i < FL_COUNT(keys); i++) {
		if (!keys[i])
			continue;
		fprintf(out, "%s%s=\"", before, keys[i]);
		metric_escape(out, values[i]);
		putc('"', out);
		before = ",";
	}
	if (*before == ',')
		putc('}', out);
}

static void metric_number(FILE *out, double value)
{
	fprintf(out, " %.15g\n", value);
}

static void metric_histogram(FILE *out, const struct fl_metric *metric,
			     const struct fl_metric_series *s)
{
	uint64_t count = 0;
	char le[32];

	for (size_t i = 0; i < METRIC_BUCKETS; i++) {
		count += atomic_load_explicit(&s->buckets[i], memory_order_relaxed);
		if (i < FL_COUNT(metric_bounds))
			snprintf(le, sizeof(le), "%g", metric_bounds[i]);
		else
			snprintf(le, sizeof(le), "+Inf");
		fprintf(out, "%s_bucket", metric->name);
		metric_labels(out, metric, s, le);
		fprintf(out, " %" PRIu64 "\n", count);
	}
	fprintf(out, "%s_sum", metric->name);
	metric_labels(out, metric, s, NULL);
	metric_number(out, atomic_load_explicit(&s->value, memory_order_relaxed));
	fprintf(out, "%s_count", metric->name);
	metric_labels(out, metric, s, NULL);
	fprintf(out, " %" PRIu64 "\n", count);
}

static void metric_plain(FILE *out, const struct fl_metric *metric,
			 const struct fl_metric_series *s)
{
	fputs(metric->name, out);
	metric_labels(out, metric, s, NULL);
	metric_number(out, atomic_load_explicit(&s->value, memory_order_relaxed));
}

static void metric_render_one(FILE *out, struct fl_metric *metric)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };
	const struct fl_metric_series *s = __atomic_load_n(&metric->series, __ATOMIC_ACQUIRE);

	fprintf(out, "# HELP %s ", metric->name);
	metric_escape(out, metric->help);
	fprintf(out, "\n# TYPE %s %s\n", metric->name, kinds[metric->kind]);
	if (metric->read) {
		fputs(metric->name, out);
		metric_number(out, metric->read());
		return;
	}
	for (; s; s = s->next) {
		if (metric->kind == FL_METRIC_HISTOGRAM)
			metric_histogram(out, metric, s);
		else
			metric_plain(out, metric, s);
	}
}

void fl_metric_render(FILE *out)
{
	struct fl_metric *metric = __atomic_load_n(&metric_first, __ATOMIC_ACQUIRE);

	for (; metric; metric = __atomic_load_n(&metric->next, __ATOMIC_ACQUIRE))
		metric_render_one(out, metric);
}
