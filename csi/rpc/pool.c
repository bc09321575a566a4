/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"

/* Handlers keep big things in arenas.  A known size keeps the address space of a small machine
 * from depending on ulimit -s. */
#define POOL_STACK_BYTES (1024 * 1024)
/* By how much the thread that polls comes before those that work: what it does is short, and everybody
 * waits for it.  Without the right to it, it polls as all others work. */
#define POOL_POLL_NICE 10

struct pool_worker {
	struct rpc_pool *pool;
	pthread_t thread;
	uint64_t since_us; /* 0: idle */
	int nice;
};

struct rpc_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* there is something to do for one thread more */
	struct rpc_job *first, **end;
	unsigned n_queued, n_running, queue_length, max_running;
	bool (*poll)(void *cookie); /* NULL before rpc_pool_poll, and after the last event */
	void *cookie;
	bool is_polled;
	bool ending;
	int nice; /* of who works */
	unsigned n_workers;
	struct pool_worker workers[];
};

/* The next job, if it may begin. */
static struct rpc_job *pool_take_locked(struct rpc_pool *pool)
{
	struct rpc_job *job = pool->first;

	if (!job || pool->n_running == pool->max_running)
		return NULL;
	pool->first = job->next;
	if (!pool->first)
		pool->end = &pool->first;
	pool->n_queued--;
	pool->n_running++;
	return job;
}

/* Of the calling thread, which is self's. */
static void pool_be_nice(struct pool_worker *self, int nice)
{
	if (self->nice != nice)
		(void)setpriority(PRIO_PROCESS, 0, nice);
	self->nice = nice;
}

static void pool_run_locked(struct rpc_pool *pool, struct pool_worker *self, struct rpc_job *job)
{
	bool is_polled = pool->is_polled;

	self->since_us = fl_clock_us();
	pthread_mutex_unlock(&pool->lock);
	/* Not under the lock: whom it wakes would only wait for that. */
	if (!is_polled)
		pthread_cond_signal(&pool->wake);
	pool_be_nice(self, pool->nice);
	job->run(job);
	pthread_mutex_lock(&pool->lock);
	self->since_us = 0;
	pool->n_running--;
}

/* Returns whether the same thread shall look at the queue next, and not poll again. */
static bool pool_poll_locked(struct rpc_pool *pool, struct pool_worker *self)
{
	pool->is_polled = true;
	pthread_mutex_unlock(&pool->lock);
	pool_be_nice(self, pool->nice - POOL_POLL_NICE);
	bool goes_on = pool->poll(pool->cookie);
	pthread_mutex_lock(&pool->lock);
	pool->is_polled = false;
	if (!goes_on) {
		pool->poll = NULL;
		pthread_cond_broadcast(&pool->wake);
	}
	return !goes_on || pool->n_running == 0;
}

static void *pool_work(void *arg)
{
	struct pool_worker *self = arg;
	struct rpc_pool *pool = self->pool;
	bool may_run = true;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct rpc_job *job = may_run ? pool_take_locked(pool) : NULL;

		may_run = true;
		if (job)
			pool_run_locked(pool, self, job);
		else if (pool->poll && !pool->is_polled)
			may_run = pool_poll_locked(pool, self);
		else if (pool->ending && !pool->poll && !pool->first)
			break;
		else
			pthread_cond_wait(&pool->wake, &pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static int pool_start_worker(struct rpc_pool *pool, const pthread_attr_t *attributes)
{
	struct pool_worker *worker = &pool->workers[pool->n_workers];

	worker->pool = pool;
	worker->nice = pool->nice;
	int failure = pthread_create(&worker->thread, attributes, pool_work, worker);
	if (failure == 0)
		pool->n_workers++;
	return failure;
}

int rpc_pool_new(unsigned n_workers, unsigned queue_length, struct rpc_pool **ret,
		 struct fl_error *err)
{
	unsigned n_threads = n_workers + 1;
	struct rpc_pool *pool = calloc(1, sizeof(*pool) + n_threads * sizeof(pool->workers[0]));
	pthread_attr_t attributes;
	int failure = 0;

	if (!pool)
		abort();
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	pool->end = &pool->first;
	pool->nice = getpriority(PRIO_PROCESS, 0);
	pool->queue_length = queue_length;
	pool->max_running = n_workers;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, POOL_STACK_BYTES);
	for (unsigned i = 0; i < n_threads && failure == 0; i++)
		failure = pool_start_worker(pool, &attributes);
	pthread_attr_destroy(&attributes);
	if (failure) {
		rpc_pool_free(pool);
		return fl_error_sys(err, failure, "starting %u worker threads", n_threads);
	}
	*ret = pool;
	return 0;
}

void rpc_pool_poll(struct rpc_pool *pool, bool (*poll)(void *cookie), void *cookie)
{
	pthread_mutex_lock(&pool->lock);
	pool->poll = poll;
	pool->cookie = cookie;
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_signal(&pool->wake);
}

/* With nothing at work the thread that calls takes the job as soon as it returns from `poll`.  Else
 * it polls on, because a new one might not get a processor soon, and another thread is woken. */
int rpc_pool_submit(struct rpc_pool *pool, struct rpc_job *job)
{
	int result = -1;

	pthread_mutex_lock(&pool->lock);
	bool wakes = pool->n_running > 0 && pool->n_running < pool->max_running;
	if (pool->n_queued + pool->n_running < pool->queue_length + pool->max_running) {
		job->next = NULL;
		*pool->end = job;
		pool->end = &job->next;
		pool->n_queued++;
		result = 0;
	}
	pthread_mutex_unlock(&pool->lock);
	if (wakes)
		pthread_cond_signal(&pool->wake);
	return result;
}

struct rpc_server_stats rpc_pool_stats(struct rpc_pool *pool)
{
	struct rpc_server_stats stats = { 0 };
	uint64_t now = fl_clock_us(), oldest = now;

	pthread_mutex_lock(&pool->lock);
	stats.queued = pool->n_queued;
	stats.running = pool->n_running;
	for (unsigned i = 0; i < pool->n_workers; i++) {
		uint64_t since = pool->workers[i].since_us;
		if (since != 0 && since < oldest)
			oldest = since;
	}
	pthread_mutex_unlock(&pool->lock);
	stats.oldest_ms = (now - oldest) / 1000;
	return stats;
}

void rpc_pool_free(struct rpc_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n_workers; i++)
		pthread_join(pool->workers[i].thread, NULL);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
