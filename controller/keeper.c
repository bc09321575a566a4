/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define KEEPER_RENEW_MS (OWNER_HOLD_MS / 3)

/* 0 after KEEPER_RENEW_MS, -1 when the keeper shall end. */
static int keeper_wait(struct keeper *keeper)
{
	struct timespec until = fl_clock_after_ms(KEEPER_RENEW_MS);
	bool stop;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->stop && !fl_clock_passed(until))
		pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
	stop = keeper->stop;
	pthread_mutex_unlock(&keeper->lock);
	return stop ? -1 : 0;
}

/* What cannot be renewed is left alone: the storage may answer again before the hold expires, and
 * keeper_prove has the last word. */
static void *keeper_run(void *cookie)
{
	struct keeper *keeper = cookie;

	while (keeper_wait(keeper) == 0) {
		fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
		struct fl_op op = { keeper->op->id, fl_clock_after_ms(KEEPER_RENEW_MS), arena,
				    NULL };
		struct fl_error ignored;
		if (owner_renew(&op, keeper->volume, &keeper->owner, &ignored) < 0 &&
		    ignored.code == FL_BUSY)
			break;
	}
	return NULL;
}

static int keeper_start(struct keeper *keeper, struct fl_error *err)
{
	pthread_condattr_t attributes;
	int sys;

	pthread_mutex_init(&keeper->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	sys = pthread_create(&keeper->thread, NULL, keeper_run, keeper);
	if (sys) {
		pthread_cond_destroy(&keeper->wake);
		pthread_mutex_destroy(&keeper->lock);
		return fl_error_sys(err, sys, "starting the thread that holds volume %s",
				    keeper->volume->id);
	}
	keeper->running = true;
	return 0;
}

static void keeper_stop(struct keeper *keeper)
{
	if (!keeper->running)
		return;
	pthread_mutex_lock(&keeper->lock);
	keeper->stop = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
	pthread_join(keeper->thread, NULL);
	pthread_cond_destroy(&keeper->wake);
	pthread_mutex_destroy(&keeper->lock);
	keeper->running = false;
}

int keeper_take(struct keeper *keeper, const struct fl_op *op, const struct object *volume,
		const char *purpose, struct fl_error *err)
{
	memset(keeper, 0, sizeof(*keeper));
	if (owner_hold(op, volume, purpose, &keeper->owner, err) < 0)
		return -1;
	keeper->op = op;
	keeper->volume = volume;
	if (keeper_start(keeper, err) < 0) {
		keeper_release(keeper);
		return -1;
	}
	return 0;
}

int keeper_prove(struct keeper *keeper, struct fl_error *err)
{
	keeper_stop(keeper);
	if (owner_renew(keeper->op, keeper->volume, &keeper->owner, err) == 0)
		return 0;
	return fl_error_set(err, err->code == FL_BUSY ? FL_BUSY : FL_UNAVAILABLE,
			    "volume %s was not proven to stand still for %s, so the work is thrown "
			    "away: ask again",
			    keeper->volume->id, keeper->owner.hold_for);
}

void keeper_forget(struct keeper *keeper)
{
	keeper_stop(keeper);
	keeper->volume = NULL;
}

void keeper_release(struct keeper *keeper)
{
	struct fl_error why;

	if (!keeper->volume)
		return;
	keeper_stop(keeper);
	/* A record that stays "held" for now is free when the hold expires. */
	if (owner_release(keeper->op, keeper->volume, &keeper->owner, &why) < 0)
		fl_log(FL_LOG_DEBUG, "hold", "%s: releasing the hold: %s", keeper->volume->id,
		       why.text);
	keeper->volume = NULL;
}
