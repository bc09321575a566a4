/* SPDX-License-Identifier: Apache-2.0 */
/* Events come from a counter that the test raises; each is a job that waits until it is let go. */
#include "csi/rpc/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"

#define WORKERS 3
#define QUEUE 2
#define MANY 2000

struct work {
	struct rpc_job job;
	pthread_t received_by, run_by;
	unsigned order; /* the how manieth began; from 1 */
};

static struct desk {
	struct rpc_pool *pool;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned n_events, n_taken, n_handed, n_begun, n_refused;
	bool jobs_go, is_over;
	atomic_int n_polling, n_collisions;
	struct work work[MANY];
} desk;

static void desk_run(struct rpc_job *job)
{
	struct work *work = (struct work *)job;

	pthread_mutex_lock(&desk.lock);
	work->run_by = pthread_self();
	work->order = ++desk.n_begun;
	pthread_cond_broadcast(&desk.changed);
	while (!desk.jobs_go)
		pthread_cond_wait(&desk.changed, &desk.lock);
	pthread_mutex_unlock(&desk.lock);
}

static bool desk_poll(void *cookie)
{
	struct work *work = NULL;
	bool refused = false;

	(void)cookie;
	if (atomic_fetch_add(&desk.n_polling, 1) > 0)
		atomic_fetch_add(&desk.n_collisions, 1);
	pthread_mutex_lock(&desk.lock);
	while (desk.n_taken == desk.n_events && !desk.is_over)
		pthread_cond_wait(&desk.changed, &desk.lock);
	if (desk.n_taken < desk.n_events)
		work = &desk.work[desk.n_taken++];
	pthread_mutex_unlock(&desk.lock);
	if (work) {
		work->job.run = desk_run;
		work->received_by = pthread_self();
		refused = rpc_pool_submit(desk.pool, &work->job) < 0;
	}
	pthread_mutex_lock(&desk.lock);
	desk.n_refused += refused;
	desk.n_handed += work != NULL;
	pthread_cond_broadcast(&desk.changed);
	pthread_mutex_unlock(&desk.lock);
	atomic_fetch_sub(&desk.n_polling, 1);
	return work != NULL;
}

static void desk_open(bool jobs_go)
{
	memset(&desk, 0, sizeof(desk));
	pthread_mutex_init(&desk.lock, NULL);
	pthread_cond_init(&desk.changed, NULL);
	desk.jobs_go = jobs_go;
	WORKS(rpc_pool_new(WORKERS, QUEUE, &desk.pool, &test_error));
	rpc_pool_poll(desk.pool, desk_poll, NULL);
}

/* Lets all jobs end, and the threads. */
static void desk_close(void)
{
	pthread_mutex_lock(&desk.lock);
	desk.jobs_go = true;
	desk.is_over = true;
	pthread_cond_broadcast(&desk.changed);
	pthread_mutex_unlock(&desk.lock);
	rpc_pool_free(desk.pool);
}

/* Raises the events and waits until all were handed to the pool, and so many have begun and were
 * refused. */
static bool desk_expect(unsigned n_events, unsigned n_begun, unsigned n_refused)
{
	struct timespec deadline = fl_clock_after_ms(20000);
	bool is_so = false;

	while (!is_so && !fl_clock_passed(deadline)) {
		pthread_mutex_lock(&desk.lock);
		desk.n_events = n_events;
		pthread_cond_broadcast(&desk.changed);
		is_so = desk.n_handed == n_events && desk.n_begun == n_begun &&
			desk.n_refused == n_refused;
		pthread_mutex_unlock(&desk.lock);
		usleep(1000);
	}
	return is_so;
}

static void who_receives_a_job_runs_it_while_nothing_is_at_work(void)
{
	desk_open(false);
	for (unsigned n = 1; n <= WORKERS; n++)
		OK(desk_expect(n, n, 0), "job %u", n);
	OK(pthread_equal(desk.work[0].received_by, desk.work[0].run_by));
	OK(!pthread_equal(desk.work[1].received_by, desk.work[1].run_by));
	/* It polls on. */
	OK(pthread_equal(desk.work[1].received_by, desk.work[2].received_by));
	EQUAL(rpc_pool_stats(desk.pool).running, WORKERS);
	desk_close();
}

static void polling_goes_on_while_all_workers_are_busy(void)
{
	desk_open(false);
	OK(desk_expect(WORKERS, WORKERS, 0));
	/* Taken and queued, though nobody can run them. */
	OK(desk_expect(WORKERS + QUEUE, WORKERS, 0));
	EQUAL(rpc_pool_stats(desk.pool).queued, QUEUE);
	desk_close();
	EQUAL(desk.n_begun, WORKERS + QUEUE);
}

static void what_does_not_fit_is_refused(void)
{
	desk_open(false);
	OK(desk_expect(WORKERS + QUEUE + 4, WORKERS, 4));
	desk_close();
	EQUAL(desk.n_begun, WORKERS + QUEUE);
}

static void jobs_begin_in_their_order(void)
{
	desk_open(false);
	OK(desk_expect(WORKERS + QUEUE, WORKERS, 0));
	desk_close();
	/* Those that waited: one may overtake the other between taking it and saying so. */
	for (unsigned i = WORKERS; i < WORKERS + QUEUE; i++)
		OK(desk.work[i].order > WORKERS, "job %u was number %u", i, desk.work[i].order);
}

static void one_thread_polls_at_a_time(void)
{
	desk_open(true);
	for (unsigned n = 1; n <= MANY; n++) {
		pthread_mutex_lock(&desk.lock);
		desk.n_events = n;
		pthread_cond_broadcast(&desk.changed);
		while (desk.n_taken < n)
			pthread_cond_wait(&desk.changed, &desk.lock);
		pthread_mutex_unlock(&desk.lock);
	}
	desk_close();
	EQUAL(desk.n_collisions, 0);
	EQUAL(desk.n_begun + desk.n_refused, MANY);
}

static void a_pool_that_never_polled_can_be_freed(void)
{
	struct rpc_pool *pool = NULL;

	WORKS(rpc_pool_new(WORKERS, QUEUE, &pool, &test_error));
	rpc_pool_free(pool);
	rpc_pool_free(NULL);
}

static const struct test tests[] = {
	{ "who receives a job runs it while nothing is at work",
	  who_receives_a_job_runs_it_while_nothing_is_at_work },
	{ "polling goes on while all workers are busy",
	  polling_goes_on_while_all_workers_are_busy },
	{ "what does not fit is refused", what_does_not_fit_is_refused },
	{ "jobs begin in their order", jobs_begin_in_their_order },
	{ "one thread polls at a time", one_thread_polls_at_a_time },
	{ "a pool that never polled can be freed", a_pool_that_never_polled_can_be_freed },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
