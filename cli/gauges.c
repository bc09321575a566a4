/* SPDX-License-Identifier: Apache-2.0 */
#include "gauges.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/metric.h"
#include "base/text.h"

#define GAUGES_OPERATIONS 32 /* kinds of operations that marks are taken for */

static struct {
	pthread_mutex_t lock;
	struct rpc_server *server;
	struct fl_busy *busy[2]; /* of the pools, of the node */
	/* String literals, as marks have them: the kinds that were seen so far. */
	const char *what[GAUGES_OPERATIONS];
	double count[GAUGES_OPERATIONS], oldest_s[GAUGES_OPERATIONS];
	size_t n;
} gauges = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct fl_metric gauges_build = {
	.name = "fairlead_build_info",
	.help = "1, with the version.",
	.kind = FL_METRIC_GAUGE,
	.labels = { "version" },
};
static struct fl_metric gauges_running = {
	.name = "fairlead_rpc_in_flight",
	.help = "Calls that a worker is at.",
	.kind = FL_METRIC_GAUGE,
};
static struct fl_metric gauges_waiting = {
	.name = "fairlead_rpc_queue_length",
	.help = "Calls that wait for a worker.",
	.kind = FL_METRIC_GAUGE,
};
static struct fl_metric gauges_oldest = {
	.name = "fairlead_rpc_oldest_seconds",
	.help = "How long the oldest call at a worker has been running.",
	.kind = FL_METRIC_GAUGE,
};
static struct fl_metric gauges_operations = {
	.name = "fairlead_operations",
	.help = "Operations that hold a volume or snapshot.",
	.kind = FL_METRIC_GAUGE,
	.labels = { "operation" },
};
static struct fl_metric gauges_age = {
	.name = "fairlead_operation_age_seconds",
	.help = "Age of the oldest operation of its kind that holds a volume or snapshot.",
	.kind = FL_METRIC_GAUGE,
	.labels = { "operation" },
};

/* Field `number` (from 0) of /proc/self/statm, in bytes. */
static double gauges_pages(unsigned number)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_error ignored;
	const char *text;
	uint64_t pages;
	size_t length;

	if (fl_file_read(arena, AT_FDCWD, "/proc/self/statm", 4096, &text, NULL, &ignored) < 0)
		return 0;
	for (; number; number--) {
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	length = strcspn(text, " \n");
	if (fl_text_parse_number(fl_arena_strndup(arena, text, length), &pages, &ignored) < 0)
		return 0;
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double gauges_resident(void)
{
	return gauges_pages(1);
}

static double gauges_descriptors(void)
{
	fl_cleanup(fl_closedir) DIR *dir = opendir("/proc/self/fd");
	double n = -3; /* ".", "..", and the one that reads */

	while (dir && readdir(dir))
		n++;
	return n < 0 ? 0 : n;
}

static struct fl_metric gauges_memory = {
	.name = "process_resident_memory_bytes",
	.help = "Resident memory of this process.",
	.kind = FL_METRIC_GAUGE,
	.read = gauges_resident,
};
static struct fl_metric gauges_fds = {
	.name = "process_open_fds",
	.help = "Open descriptors of this process.",
	.kind = FL_METRIC_GAUGE,
	.read = gauges_descriptors,
};

void gauges_init(struct rpc_server *server, struct fl_busy *pools, struct fl_busy *node)
{
	struct fl_metric *const all[] = { &gauges_build,  &gauges_running,    &gauges_waiting,
					  &gauges_oldest, &gauges_operations, &gauges_age,
					  &gauges_memory, &gauges_fds };

	for (size_t i = 0; i < FL_COUNT(all); i++)
		fl_metric_register(all[i]);
	fl_metric_set(&gauges_build, FL_VERSION, NULL, 1);
	pthread_mutex_lock(&gauges.lock);
	gauges.server = server;
	gauges.busy[0] = pools;
	gauges.busy[1] = node;
	pthread_mutex_unlock(&gauges.lock);
}

void gauges_end(void)
{
	pthread_mutex_lock(&gauges.lock);
	gauges.server = NULL;
	gauges.busy[0] = gauges.busy[1] = NULL;
	pthread_mutex_unlock(&gauges.lock);
}

/* Under the set's lock and ours. */
static void gauges_see(void *cookie, const struct fl_busy_mark *mark, uint64_t age_us)
{
	double age_s = (double)age_us / 1e6;
	size_t i = 0;

	(void)cookie;
	while (i < gauges.n && strcmp(gauges.what[i], mark->what) != 0)
		i++;
	if (i == GAUGES_OPERATIONS)
		return;
	if (i == gauges.n)
		gauges.what[gauges.n++] = mark->what;
	gauges.count[i]++;
	if (age_s > gauges.oldest_s[i])
		gauges.oldest_s[i] = age_s;
}

static void gauges_update_operations_locked(void)
{
	memset(gauges.count, 0, sizeof(gauges.count));
	memset(gauges.oldest_s, 0, sizeof(gauges.oldest_s));
	for (size_t i = 0; i < FL_COUNT(gauges.busy); i++) {
		if (gauges.busy[i])
			fl_busy_each(gauges.busy[i], gauges_see, NULL);
	}
	for (size_t i = 0; i < gauges.n; i++) {
		fl_metric_set(&gauges_operations, gauges.what[i], NULL, gauges.count[i]);
		fl_metric_set(&gauges_age, gauges.what[i], NULL, gauges.oldest_s[i]);
	}
}

void gauges_render(FILE *out)
{
	pthread_mutex_lock(&gauges.lock);
	if (gauges.server) {
		struct rpc_server_stats stats = rpc_server_stats(gauges.server);

		fl_metric_set(&gauges_running, NULL, NULL, stats.running);
		fl_metric_set(&gauges_waiting, NULL, NULL, stats.queued);
		fl_metric_set(&gauges_oldest, NULL, NULL, (double)stats.oldest_ms / 1e3);
	}
	gauges_update_operations_locked();
	pthread_mutex_unlock(&gauges.lock);
	fl_metric_render(out);
}
