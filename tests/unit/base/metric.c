/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"

#include <pthread.h>

#include "base/cleanup.h"
#include "tests/test.h"

/* The whole page.  The tests share the registry of the process, so each looks only for its
 * lines. */
static char page[1 << 20];

static void render(void)
{
	FILE *out = fmemopen(page, sizeof(page), "w");

	fl_metric_render(out);
	fclose(out);
}

static bool has(const char *text)
{
	render();
	return strstr(page, text) != NULL;
}

static void a_counter_without_labels_is_there_from_the_start(void)
{
	static struct fl_metric m = { .name = "t_plain",
				      .help = "Plain.",
				      .kind = FL_METRIC_COUNTER };

	fl_metric_register(&m);
	OK(has("# HELP t_plain Plain.\n# TYPE t_plain counter\nt_plain 0\n"), "%s", page);
	fl_metric_add(&m, NULL, NULL, 2);
	fl_metric_add(&m, NULL, NULL, 0.5);
	OK(has("\nt_plain 2.5\n"), "%s", page);
}

static void label_values_make_series(void)
{
	static struct fl_metric m = {
		.name = "t_calls",
		.help = "Calls.",
		.kind = FL_METRIC_COUNTER,
		.labels = { "method", "code" },
	};

	fl_metric_register(&m);
	fl_metric_add(&m, "Create", "OK", 1);
	fl_metric_add(&m, "Create", "OK", 1);
	fl_metric_add(&m, "Create", "BUSY", 1);
	fl_metric_add(&m, NULL, "OK", 1);
	OK(has("t_calls{method=\"Create\",code=\"OK\"} 2\n"), "%s", page);
	OK(has("t_calls{method=\"Create\",code=\"BUSY\"} 1\n"), "%s", page);
	OK(has("t_calls{method=\"\",code=\"OK\"} 1\n"), "%s", page);
	OK(!has("\nt_calls 0\n"));
}

static void label_values_are_copied_and_escaped(void)
{
	static struct fl_metric m = { .name = "t_escaped",
				      .help = "Line\\one\ntwo.",
				      .kind = FL_METRIC_GAUGE,
				      .labels = { "pool" } };
	char value[] = "a\"b\\c\nd";

	fl_metric_register(&m);
	fl_metric_set(&m, value, NULL, 1);
	value[0] = 'z';
	OK(has("t_escaped{pool=\"a\\\"b\\\\c\\nd\"} 1\n"), "%s", page);
	OK(has("# HELP t_escaped Line\\\\one\\ntwo.\n"), "%s", page);
}

static void a_gauge_goes_up_and_down(void)
{
	static struct fl_metric m = { .name = "t_gauge", .help = "G.", .kind = FL_METRIC_GAUGE };

	fl_metric_register(&m);
	fl_metric_add(&m, NULL, NULL, 3);
	fl_metric_add(&m, NULL, NULL, -5);
	OK(has("# TYPE t_gauge gauge\nt_gauge -2\n"), "%s", page);
	fl_metric_set(&m, NULL, NULL, 1099511627776.0);
	OK(has("\nt_gauge 1099511627776\n"), "%s", page);
}

static double read_seven(void)
{
	return 7;
}

static void a_gauge_can_be_asked_for(void)
{
	static struct fl_metric m = {
		.name = "t_asked", .help = "A.", .kind = FL_METRIC_GAUGE, .read = read_seven
	};

	fl_metric_register(&m);
	OK(has("# TYPE t_asked gauge\nt_asked 7\n"), "%s", page);
}

static void a_histogram_counts_up_its_buckets(void)
{
	static struct fl_metric m = { .name = "t_seconds",
				      .help = "S.",
				      .kind = FL_METRIC_HISTOGRAM,
				      .labels = { "method" } };

	fl_metric_register(&m);
	fl_metric_observe(&m, "Create", NULL, 0.001); /* bounds belong to their bucket */
	fl_metric_observe(&m, "Create", NULL, 0.3);
	fl_metric_observe(&m, "Create", NULL, 100);
	OK(has("# TYPE t_seconds histogram\n"
	       "t_seconds_bucket{method=\"Create\",le=\"0.001\"} 1\n"
	       "t_seconds_bucket{method=\"Create\",le=\"0.005\"} 1\n"
	       "t_seconds_bucket{method=\"Create\",le=\"0.01\"} 1\n"
	       "t_seconds_bucket{method=\"Create\",le=\"0.05\"} 1\n"
	       "t_seconds_bucket{method=\"Create\",le=\"0.1\"} 1\n"
	       "t_seconds_bucket{method=\"Create\",le=\"0.5\"} 2\n"
	       "t_seconds_bucket{method=\"Create\",le=\"1\"} 2\n"
	       "t_seconds_bucket{method=\"Create\",le=\"5\"} 2\n"
	       "t_seconds_bucket{method=\"Create\",le=\"10\"} 2\n"
	       "t_seconds_bucket{method=\"Create\",le=\"60\"} 2\n"
	       "t_seconds_bucket{method=\"Create\",le=\"+Inf\"} 3\n"
	       "t_seconds_sum{method=\"Create\"} 100.301\n"
	       "t_seconds_count{method=\"Create\"} 3\n"),
	   "%s", page);
}

static void registering_twice_prints_once(void)
{
	static struct fl_metric m = { .name = "t_twice", .help = "T.", .kind = FL_METRIC_COUNTER };
	const char *first;

	fl_metric_register(&m);
	fl_metric_register(&m);
	OK(has("# HELP t_twice"));
	first = strstr(page, "# HELP t_twice");
	OK(first && !strstr(first + 1, "# HELP t_twice"));
}

static void metrics_come_in_the_order_of_registration(void)
{
	static struct fl_metric late = { .name = "t_b_first",
					 .help = "B.",
					 .kind = FL_METRIC_GAUGE };
	static struct fl_metric later = { .name = "t_a_next",
					  .help = "A.",
					  .kind = FL_METRIC_GAUGE };

	fl_metric_register(&late);
	fl_metric_register(&later);
	render();
	OK(strstr(page, "t_b_first") < strstr(page, "t_a_next"));
}

static void too_many_series_are_counted_as_other(void)
{
	static struct fl_metric m = {
		.name = "t_many", .help = "M.", .kind = FL_METRIC_COUNTER, .labels = { "who" }
	};
	char who[20];
	size_t lines = 0;

	fl_metric_register(&m);
	for (int i = 0; i < 1000; i++) {
		snprintf(who, sizeof(who), "w%d", i);
		fl_metric_add(&m, who, NULL, 1);
	}
	OK(has("t_many{who=\"w510\"} 1\n"));
	OK(has("t_many{who=\"other\"} 489\n"));
	for (const char *at = page; (at = strstr(at, "\nt_many{")); at++)
		lines++;
	EQUAL(lines, 512);
}

static struct fl_metric shared_counter = {
	.name = "t_shared", .help = "S.", .kind = FL_METRIC_COUNTER, .labels = { "who" }
};
static struct fl_metric shared_histogram = { .name = "t_shared_s",
					     .help = "S.",
					     .kind = FL_METRIC_HISTOGRAM };

static void *count(void *cookie)
{
	static const char *const words[] = { "a", "b", "c", "d" };

	(void)cookie;
	fl_metric_register(&shared_counter);
	fl_metric_register(&shared_histogram);
	for (size_t i = 0; i < 4000; i++) {
		fl_metric_add(&shared_counter, words[i % 4], NULL, 1);
		fl_metric_observe(&shared_histogram, NULL, NULL, 0.25);
	}
	return NULL;
}

static void threads_lose_no_count(void)
{
	pthread_t threads[4];

	for (size_t i = 0; i < FL_COUNT(threads); i++)
		pthread_create(&threads[i], NULL, count, NULL);
	for (int i = 0; i < 20; i++)
		render();
	for (size_t i = 0; i < FL_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	OK(has("t_shared{who=\"a\"} 4000\n"), "%s", page);
	OK(has("t_shared{who=\"d\"} 4000\n"));
	OK(has("t_shared_s_sum 4000\n"));
	OK(has("t_shared_s_count 16000\n"));
}

static const struct test tests[] = {
	{ "a counter without labels is there from the start",
	  a_counter_without_labels_is_there_from_the_start },
	{ "label values make series", label_values_make_series },
	{ "label values are copied and escaped", label_values_are_copied_and_escaped },
	{ "a gauge goes up and down", a_gauge_goes_up_and_down },
	{ "a gauge can be asked for", a_gauge_can_be_asked_for },
	{ "a histogram counts up its buckets", a_histogram_counts_up_its_buckets },
	{ "registering twice prints once", registering_twice_prints_once },
	{ "metrics come in the order of registration", metrics_come_in_the_order_of_registration },
	{ "too many series are counted as other", too_many_series_are_counted_as_other },
	{ "threads lose no count", threads_lose_no_count },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
